"""How terms are spelled, which words are names, and which nouns have an article."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.article import Article, parse_article
from features.vectorizer import term_ids
from recommender.pipeline.spellings import (
    Capitals,
    SpelledTerms,
    is_name,
    is_number,
    is_phrase,
    spans_punctuation,
    with_article,
)


def story(body: str, title: str = "–", language: str = "en", tags: tuple[str, ...] = ()) -> Article:
    return parse_article(article(title=title, body=body, tags=[*tags], language=language))


def clean(body: str, **fields: object) -> set[str]:
    return {*SpelledTerms.of(story(body, **fields)).clean.values()}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spelling",
    [
        *("Kursk region", "talks in Istanbul", "left-wing party", "workers’ rights", "Q&A session"),
        *("Marks & Spencer", "U.S. President", "St. Petersburg", "GNOME 2.20", "year's end"),
        *("Курской области", 'בכירי צה"ל', "दिल्ली में", "opensuse.org", "press@news.example"),
    ],
)
def test_a_phrase_without_punctuation(spelling):
    assert not spans_punctuation(spelling)


@pytest.mark.parametrize(
    "spelling",
    [
        *("Justice (DOJ", "Portuguese (delayed", "Kyiv, Ukraine", "end. The", "war – peace"),
        *("war - peace", "Kyiv/Moscow", "he said: the", "“big” deal", "the 'big", "Mr. smith"),
        *('alignright" width', "Libia; Egipto", "año… nuevo", "وقال: الرئيس", "tot.al loss!"),
    ],
)
def test_a_phrase_that_spans_punctuation(spelling):
    assert spans_punctuation(spelling)


@given(st.text(alphabet="ab .,;:()/–—“”!?'-&", min_size=1, max_size=24))
def test_no_clean_pair_has_punctuation_between_its_words(body):
    source = SpelledTerms.of(story(body))

    for term, spelling in source.clean.items():
        if len(source.words[term]) == 2 and not regex.search(r"\w\.\w", spelling):
            assert not regex.search(r"[,;:()/–—“”!?]", spelling)


@pytest.mark.parametrize(
    ("spelling", "language", "expected"),
    [
        ("talks in Istanbul", "en", True),
        ("Bosnia and Herzegovina", "en", True),
        ("teams who want", "en", False),
        ("decided that the best", "en", False),
        ("caída de la URSS", "es", True),
        ("felicitamos porque creemos", "es", False),
        ("levée des sanctions", "fr", True),
        ("война в Украине", "ru", True),
        ("война на и Украине", "ru", False),
        ("GNOME 2.20", "en", True),
    ],
)
def test_a_phrase_has_only_linking_words_inside(spelling, language, expected):
    assert expected == is_phrase(spelling, language)


def test_the_most_frequent_clean_spelling_is_shown():
    source = SpelledTerms.of(story("Talks, Istanbul; talks in Istanbul. Of talks, Istanbul."))
    [pair] = term_ids(["talk istanbul"])

    assert "talks in Istanbul" == source.clean[pair]
    assert "Talks, Istanbul" == SpelledTerms.of(story("Talks, Istanbul")).shown[pair]
    assert pair not in SpelledTerms.of(story("Talks, Istanbul")).clean


def test_a_host_name_is_whole_or_not_there():
    assert "opensuse.org" in clean("See opensuse.org")
    assert not {"opensuse", "org"} & clean("See opensuse.org")
    assert not {"news", "example", "press", "press@news"} & clean("Mail press@news.example now")
    assert not {"archive", "https", "news"} & clean("At https://news.example/archive/2025 now")
    assert "opensuse" in clean("See opensuse.org, or opensuse alone")


def test_initials_keep_their_last_full_stop():
    assert {"U.S.", "U.S. President"} <= clean("A visit of U.S. President Ford. In the U.S. it was")


@pytest.mark.parametrize(("language", "expected"), [("ru", "Курская область"), ("en", None)])
def test_the_spelling_of_a_tag_comes_first_where_nouns_take_endings_for_case(language, expected):
    body = "Бои в Курской области. Жители Курской области."
    source = SpelledTerms.of(story(body, language=language, tags=("Курская область",)))
    shown = {*source.clean.values()}

    assert ("Курская область" in shown and "Курской области" not in shown) == bool(expected)


# Names


CAPITALS = Capitals.of(
    "The army is in Kursk. Troops of Kursk, and Kursk itself, said the region.\n"
    "Region and regions stay. For the region it is new. They use openSUSE there.\n"
    "Why We Need Better Forms For Forms\nAt that point forms help."
)


@pytest.mark.parametrize(
    ("word", "share"),
    [("kursk", 1.0), ("region", 0.0), ("forms", 0.0), ("opensuse", 1.0), ("nowhere", None)],
)
def test_capitals_are_counted_in_the_middle_of_sentences(word, share):
    assert share == CAPITALS.share([word])


@given(st.integers(0, 10), st.integers(0, 10))
def test_a_word_is_a_name_from_six_capitals_in_ten_on(capitalised, small):
    text = " ".join(["so Word"] * capitalised + ["so word"] * small)

    assert (
        is_name("Word", ["word"], Capitals.of(f"at first {text}"))
        == (capitalised + small > 0 and capitalised >= 0.6 * (capitalised + small))
        or capitalised >= 2 > small
    )  # a line of capitals is a heading


@pytest.mark.parametrize("spelling", ["F-16", "NATO", "x86", "oSC15", "G7", "U.S."])
def test_digits_among_letters_and_capitals_alone_make_a_name(spelling):
    assert is_name(spelling, [spelling.casefold()], Capitals.of(""))


@pytest.mark.parametrize("spelling", ["ceasefire", "2025", "X", "停戦", "ceasefire-talks"])
def test_other_words_are_names_only_by_evidence(spelling):
    assert not is_name(spelling, [spelling.casefold()], Capitals.of(""))


def test_scripts_without_case_give_no_evidence():
    assert Capitals.of("प्रधानमंत्री ने कहा कि दिल्ली में").share(["दिल्ली"]) is None
    assert Capitals.of("قال الرئيس في القاهرة").share(["القاهرة"]) is None


@pytest.mark.parametrize(
    ("spelling", "language", "expected"),
    [
        ("2025", None, True),
        ("2.24", None, True),
        ("XIV", None, True),
        ("two", "en", True),
        ("dos", "es", True),
        ("two", "es", False),
        ("F-16", "en", False),
        ("talks", "en", False),
    ],
)
def test_numbers(spelling, language, expected):
    assert expected == is_number(spelling, language)


# Definite articles


@pytest.mark.parametrize(
    ("language", "body", "spelling", "expected"),
    [
        ("en", "At the Dunmere locks, they wait.", "Dunmere locks", "the Dunmere locks"),
        ("en", "The Dunmere locks. Near Dunmere locks. In Dunmere locks.", "Dunmere locks", None),
        ("en", "Since the Russian army came.", "Russian", None),
        ("en", "It is safe, the Waterways Board said.", "Waterways Board", "the Waterways Board"),
        ("en", "The war in Kursk.", "Kursk", None),
        ("es", "Un informe del Parlamento.", "Parlamento", "el Parlamento"),
        ("es", "Se habla de las elecciones.", "elecciones", "las elecciones"),
        ("fr", "La loi de l’Assemblée nationale.", "Assemblée nationale", "l'Assemblée nationale"),
        ("fr", "Au sommet du gouvernement.", "gouvernement", "le gouvernement"),
        ("it", "La riforma della giustizia.", "giustizia", "la giustizia"),
        ("pt", "A reforma da justiça.", "justiça", "a justiça"),
        ("nl", "In het kabinet.", "kabinet", "het kabinet"),
        ("ru", "The война.", "война", None),
        (None, "the war.", "war", None),
    ],
)
def test_a_noun_has_its_article_where_the_text_mostly_writes_one(
    language, body, spelling, expected
):
    assert (expected or spelling) == with_article(spelling, body, language)
