"""How terms are spelled, which words are names, and which nouns have an article."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.analyzer import analyze
from features.article import Article, parse_article
from features.vectorizer import term_ids
from recommender.pipeline.spellings import (
    SpelledTerms,
    WordForms,
    count_capitals,
    is_number,
    is_phrase,
    looks_like_name,
    spans_punctuation,
    with_article,
    words_inside_sentences,
)


def story(body: str, title: str = "–", language: str = "en", tags: tuple[str, ...] = ()) -> Article:
    return parse_article(article(title=title, body=body, tags=[*tags], language=language))


def clean(body: str, **fields: object) -> dict[str, str]:
    """Term → its clean spelling, of all terms that have one."""
    one = story(body, **fields)  # type: ignore[arg-type]
    words, pairs = analyze(f"{body}\n{' '.join(one.tags)}", one.language)
    terms = [*words, *pairs]
    source = SpelledTerms(one)
    spelled = {term: source.clean(i) for term, i in zip(terms, term_ids(terms), strict=True)}
    return {term: spelling for term, spelling in spelled.items() if spelling is not None}


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
    for term, spelling in clean(body).items():
        if " " in term and not regex.search(r"\w\.\w", spelling):
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
    [pair] = term_ids(["talk istanbul"])
    source = SpelledTerms(story("Talks, Istanbul; talks in Istanbul. Of talks, Istanbul."))
    only_apart = SpelledTerms(story("Talks, Istanbul"))

    assert "talks in Istanbul" == source.clean(pair)
    assert ("Talks, Istanbul", None) == (only_apart.shown(pair), only_apart.clean(pair))


def test_a_term_that_the_article_does_not_have_is_spelled_by_none():
    [term] = term_ids(["tram"])
    source = SpelledTerms(story("Talks"))

    assert (None, None) == (source.shown(term), source.clean(term))


def test_a_host_name_is_whole_or_not_there():
    assert "opensuse.org" in clean("See opensuse.org").values()
    assert not {"opensuse", "org"} & {*clean("See opensuse.org").values()}
    assert {"Mail"} == {*clean("Mail press@news.example now").values()}
    assert {} == clean("At https://news.example/archive/2025 now")
    assert "opensuse" in clean("See opensuse.org, or opensuse alone").values()


def test_initials_keep_their_last_full_stop():
    spelled = clean("A visit of U.S. President Ford. In the U.S. it was")

    assert {"U.S.", "U.S. President"} <= {*spelled.values()}


@pytest.mark.parametrize(
    ("language", "expected"), [("ru", "Курская область"), ("en", "Курской области")]
)
def test_the_spelling_of_a_tag_comes_first_where_nouns_take_endings_for_case(language, expected):
    body = "Бои в Курской области. Жители Курской области."
    tagged = story(body, language=language, tags=("Курская область", "Курской области"))
    [term] = term_ids([analyze("Курской области", language).pairs[0]])

    assert expected == SpelledTerms(tagged).clean(term)


def test_a_tag_in_small_letters_does_not_spell_a_name():
    tagged = story("The Waterways Board met.", tags=("waterways board",))
    [term] = term_ids(["waterway board"])

    assert "Waterways Board" == SpelledTerms(tagged).clean(term)


# Names


INSIDE = words_inside_sentences(
    "The army is in Kursk. Troops of Kursk, and Kursk itself, said the region.\n"
    "Region and regions stay. For the region it is new. They use openSUSE there.\n"
    "Why We Need Better Forms For Forms\nAt that point forms help."
)


@pytest.mark.parametrize(
    ("spelling", "counts"),
    [
        ("Kursk", (3, 3)),
        ("region", (0, 2)),
        ("forms", (0, 1)),  # those of the heading are no part of a sentence
        ("openSUSE", (1, 1)),
        ("nowhere", (0, 0)),
        ("दिल्ली", (0, 0)),
    ],
)
def test_capitals_are_counted_inside_sentences(spelling, counts):
    assert counts == count_capitals(WordForms.of([spelling]), INSIDE)


@given(st.lists(st.sampled_from(["Kursk", "kursk", "KURSK", "region"]), max_size=12))
def test_every_spelling_inside_a_sentence_is_counted_once(words):
    inside = words_inside_sentences(f"at {' '.join(words)} there.")

    assert (
        words.count("Kursk") + words.count("KURSK"),
        sum(word.lower() == "kursk" for word in words),
    ) == count_capitals(WordForms.of(["Kursk"]), inside)


def test_scripts_without_case_are_never_counted():
    assert (0, 0) == count_capitals(
        WordForms.of(["दिल्ली"]), words_inside_sentences("उन्होंने कहा कि दिल्ली में।")
    )


@pytest.mark.parametrize("spelling", ["F-16", "NATO", "x86", "oSC15", "G7", "U.S."])
def test_digits_among_letters_and_capitals_alone_make_a_name(spelling):
    assert looks_like_name(spelling)


@pytest.mark.parametrize("spelling", ["ceasefire", "2025", "X", "停戦", "ceasefire-talks"])
def test_other_words_are_names_only_by_evidence(spelling):
    assert not looks_like_name(spelling)


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
    assert (expected or spelling) == with_article(spelling, body.lower(), language)
