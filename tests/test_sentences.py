"""The texts of reasons in every language of the box."""

from typing import get_args

import pytest

from api.lists.words import WORDS
from recommender.pipeline.results import Reason
from recommender.pipeline.sentences import PHRASES, reason_text

CODES = get_args(Reason)


def test_there_are_phrases_for_every_language_of_the_box():
    # Pages have regions, and so the box has words for Portugal; the language of articles has none.
    assert WORDS.keys() - {"pt-pt"} == PHRASES.keys()


@pytest.mark.parametrize("language", PHRASES)
def test_every_language_has_every_phrase(language):
    phrases = PHRASES[language]

    assert all(one.strip() for one in phrases)
    for template in (phrases.one, phrases.several):
        assert 1 == template.count("{}") == template.count("{") == template.count("}")
    assert len(CODES) == len({reason_text(code, language) for code in CODES})


@pytest.mark.parametrize("language", PHRASES)
def test_a_sentence_names_its_subjects_in_order(language):
    text = reason_text("similar", language, ["Kursk", "Sudzha", "Istanbul", "curling"])

    assert text.index("Kursk") < text.index("Sudzha") < text.index("Istanbul")
    assert "curling" not in text


SENTENCES = [
    (
        "en",
        ["the Dunmere locks", "the Waterways Board"],
        "Both about the Dunmere locks and the Waterways Board",
    ),
    ("en", ["ceasefire"], "Both about ceasefire"),
    ("en", ["Sudzha", "the tram", "ceasefire"], "Both about Sudzha, the tram and ceasefire"),
    ("de", ["Schleusen"], "Gemeinsames Thema: Schleusen"),
    ("de", ["Schleusen", "Hochwasser"], "Gemeinsame Themen: Schleusen und Hochwasser"),
    ("ru", ["Курская область"], "Общая тема: Курская область"),
    ("ru", ["Суджа", "перемирие"], "Общие темы: Суджа и перемирие"),
    ("uk", ["Суджа", "перемир’я"], "Спільні теми: Суджа та перемир’я"),
    ("pl", ["Sejm", "budżet"], "Wspólne tematy: Sejm i budżet"),
    ("ur", ["روس"], "دونوں کا موضوع: روس"),
    ("ur", ["روس", "چین"], "دونوں کے موضوعات: روس اور چین"),
    ("hi", ["दिल्ली", "मुंबई"], "दोनों के विषय: दिल्ली और मुंबई"),
    ("es", ["España", "Italia"], "Ambos tratan sobre España e Italia"),
    ("es", ["España", "hielo"], "Ambos tratan sobre España y hielo"),
    ("fr", ["l'Assemblée", "le budget"], "Les deux concernent l'Assemblée et le budget"),
    ("he", ["עזה", "רפיח"], "שתי הכתבות על עזה ורפיח"),
    ("he", ["עזה", "NATO"], "שתי הכתבות על עזה ו-NATO"),
    ("ar", ["غزة", "رفح"], "كلاهما عن غزة ورفح"),
    ("ja", ["停戦", "クルスク"], "どちらも停戦とクルスクについて"),
    ("zh", ["停火", "库尔斯克", "谈判"], "两篇都关于停火、库尔斯克和谈判"),
    ("zh-hant", ["停火", "庫爾斯克", "談判"], "兩篇都關於停火、庫爾斯克和談判"),
    ("tr", ["ateşkes", "Kursk"], "İkisi de ateşkes ve Kursk hakkında"),
    ("fa", ["کورسک", "آتش‌بس"], "هر دو دربارهٔ کورسک و آتش‌بس"),
    ("bn", ["ঢাকা", "দিল্লি"], "দুটিরই বিষয়: ঢাকা ও দিল্লি"),
    ("ko", ["휴전", "쿠르스크"], "둘 다 휴전, 쿠르스크 관련"),
    ("nl", ["de sluizen", "het kabinet"], "Beide over de sluizen en het kabinet"),
    ("pt", ["a reforma", "o orçamento"], "Ambos abordam a reforma e o orçamento"),
    ("it", ["la riforma", "il bilancio"], "Entrambi riguardano la riforma e il bilancio"),
]


def test_every_language_has_a_sentence_to_compare_with():
    assert PHRASES.keys() == {language for language, *_ in SENTENCES}


@pytest.mark.parametrize(("language", "subjects", "expected"), SENTENCES)
def test_a_sentence_agrees_in_number_and_joins_as_its_language_does(language, subjects, expected):
    assert expected == reason_text("similar", language, subjects)
    assert expected == reason_text("relaxed", language, subjects)


@pytest.mark.parametrize("code", ["pinned", "same_section", "recent"])
def test_only_similar_articles_are_about_something(code):
    assert reason_text(code, "en") == reason_text(code, "en", ["Kursk"])


@pytest.mark.parametrize("language", [None, "sv", "und"])
def test_other_languages_are_answered_in_english(language):
    assert "Loosely related" == reason_text("relaxed", language)
    assert "Both about Kursk" == reason_text("similar", language, ["Kursk"])
