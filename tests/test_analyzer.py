"""Language, tokens, stems, terms."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
import Stemmer
from hypothesis import example, given
from hypothesis import strategies as st

from features import analyzer
from features.analyzer import Terms, analyze, analyze_lines, occurrences, surfaces
from features.language import normalize_language
from features.stopwords import STOP_WORDS, stop_words

LANGUAGES = st.sampled_from([None, "xx", *STOP_WORDS, "ta", "th", "ko", "hy", "eu"])


# Texts in which tokens meet: glued to each other, at ends of sentences and lines, folded to others.
BLANKS_AND_MARKS = "\n .,-_'’\"” \u200c\ufe70\x1c"
WRITTEN = [
    *("Kursk", "Talks", "the", "F-16", "U.S.", "1,000", "13.2", "don't", "Straße", "İ"),
    *("停火", "ｶﾞ", "ﻻﻋﺐ", "П'ять", "ที่ประ", "한국"),
]
readable = st.lists(st.sampled_from([*BLANKS_AND_MARKS, *WRITTEN]), max_size=12).map("".join)


def words(text: str, language: str | None = "en") -> list[str]:
    return analyze(text, language).words


def pairs(text: str, language: str | None = "en") -> list[str]:
    return analyze(text, language).pairs


def test_a_sentence_becomes_stems_and_pairs_of_stems() -> None:
    expected = Terms(["talk", "istanbul", "end"], ["talk istanbul", "istanbul end"])

    assert expected == analyze("The talks in Istanbul ended", "en")


def test_repeated_words_are_kept_in_order() -> None:
    assert ["war", "peac", "war"] == words("War and peace and war")


def test_pairs_reach_across_function_words_but_not_across_sentences() -> None:
    assert ["truce kursk"] == pairs("truce for Kursk. Sudzha")
    assert [] == pairs("truce\nKursk")
    assert [] == pairs("“The truce.” Kursk")
    assert [] == pairs("جنگ۔ پاکستان", "ur")


def test_a_stop_after_two_letters_ends_no_sentence() -> None:
    assert ["st petersburg"] == pairs("St. Petersburg")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Russia's Russia’s RUSSIA", ["russia", "russia", "russia"]),
        ("the G7 and a 30-day truce", ["g7", "30", "day", "truce"]),
        ("U.S. and U.N. envoys", ["us", "un", "envoy"]),
        ("1,000 drones, Leap 13.2, v1.2", ["1000", "drone", "leap", "13.2", "v1.2"]),
        ("COVID-19, Covid 19, Covid-19", ["covid", "19"] * 3),
        ("F-16, F16, F-16s and F16s", ["f16", "f16", "f16", "f16"]),
        ("G-7, G7, 5G and the 1990s in 2025", ["g7", "g7", "5g", "1990s", "2025"]),
        ("pre-2020, MiG-29, 12-1 and a - 7", ["pre", "2020", "mig", "29", "12"]),
        ("_italic_ snake_case", ["ital", "snake", "case"]),
        ("I don't, we won't, they'll", []),
        ("a b c 1 2", []),
        ("x" * 65 + " kept", ["kept"]),
    ],
)
def test_english_tokens(text: str, expected: list[str]) -> None:
    assert expected == words(text)


def test_words_that_news_is_about_are_never_function_words() -> None:
    about = {"world", "state", "million", "system", "fire", "home", "research", "us", "bill"}

    assert about.isdisjoint(stop_words("en"))


def test_elided_articles_go() -> None:
    assert ["homm", "état"] == words("L’homme de l'État aujourd'hui", "fr")
    assert ["arte", "acqua"] == words("dell'arte nell’acqua", "it")


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "talked", "talks"),
        ("es", "naciones", "nación"),
        ("de", "Häuser", "Haus"),
        ("ru", "Ёлки", "елка"),
        ("ro", "ştiri", "știri"),
        ("tr", "IŞIK", "ışık"),
        ("tr", "İstanbul'da", "istanbul"),
        ("en", "İstanbul", "Istanbul"),
        ("hi", "सरकारों", "सरकार"),
        ("ta", "இந்தியாவின்", "இந்தியா"),
        ("el", "ουκρανία", "ΟΥΚΡΑΝΊΑ"),
        ("ar", "المدرسة", "المدرسةُ"),
        ("ar", "أوكرانيا", "اوكرانيا"),
        ("ar", "ﻻﻋﺐ", "لاعب"),
        ("fa", "کتاب\u200cها", "كتابها"),
        ("ur", "پاکستان", "پاكستان"),
        ("ur", "ہمسایہ", "همسايه"),
        ("uk", "п'ять", "п’ять"),
        ("he", 'צה"ל', "צה״ל"),
        (None, "ＯｐｅｎＡＩ", "openai"),
        (None, "۲۰۲۵", "2025"),
        (None, "٢٠٢٥", "२०२५"),
    ],
)
def test_spellings_of_one_word_are_one_term(language: str | None, one: str, other: str) -> None:
    assert words(one, language) == words(other, language) != []


@pytest.mark.parametrize(
    ("language", "text"), [("hi", "हिन्दी"), ("ml", "മലയാളം"), ("bn", "শ্রী"), ("am", "ማንቸስተር")]
)
def test_words_with_combining_marks_stay_whole(language: str, text: str) -> None:
    assert 1 == len(words(text, language))


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("zh", "停火协议", ["停火", "火协", "协议"]),
        ("zh", "了的", []),
        ("zh", "京", ["京"]),
        ("ja", "ロシアです", ["ロシ", "シア", "アで"]),
        ("ko", "러시아가 북", ["러시", "시아", "아가", "북"]),
        ("th", "ที่นี่", ["ที่นี่"]),
        ("zh", "5G网络 OpenAI", ["5g", "网络", "openai"]),
        (None, "停火协", ["停火", "火协"]),
    ],
)
def test_scripts_without_spaces_become_bigrams(
    language: str | None, text: str, expected: list[str]
) -> None:
    assert expected == words(text, language)


def test_bigrams_form_no_pairs_and_part_their_neighbours() -> None:
    assert [] == pairs("OpenAI 网络 Google", "zh")


def test_marks_stay_with_their_letter_in_thai() -> None:
    assert all(not word.startswith("\u0e48") for word in words("ที่ประเทศไม่ใหญ่", "th"))


def test_an_unknown_language_keeps_every_word_as_it_is() -> None:
    assert ["the", "talks", "ended"] == words("The talks ended", None)


@given(st.text(), LANGUAGES)
def test_any_text_in_any_language_has_well_formed_terms(text: str, language: str | None) -> None:
    terms = analyze(text, language)

    assert all(word and not any(map(str.isspace, word)) for word in terms.words)
    assert all(len(pair.split(" ")) == 2 for pair in terms.pairs)
    assert {word for pair in terms.pairs for word in pair.split(" ")} <= set(terms.words)


def read_as_a_whole(text: str, language: str | None) -> Terms:
    """The definition: tokens in the order of the text, and nothing remembered."""
    tokens = analyzer._TOKEN.findall(analyzer._fold(text, language))
    stems, runs = analyzer._stems_and_runs(tokens, language)
    found, pairs_found, before = [], [], ""
    for token in tokens:
        stem = stems.get(token)
        if stem:
            found.append(stem)
            pairs_found += [f"{before} {stem}"] if before else []
            before = stem
        elif stem is None:  # a run or the end of a sentence; what is no term has an empty stem
            found += runs.get(token, ())
            before = ""
    return Terms(found, pairs_found)


@given(st.text() | readable, LANGUAGES)
def test_a_text_read_in_pieces_says_what_it_says_as_a_whole(
    text: str, language: str | None
) -> None:
    assert read_as_a_whole(text, language) == analyze(text, language)


def test_what_is_remembered_of_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyzer, "MAX_CACHED_PIECES", 100)
    texts = [" ".join(f"word{n}x{m}" for m in range(30)) + " y" * 9 + "z" * n for n in range(100)]
    found = [analyze(text, "en") for text in texts]
    for number in range(100):
        analyze(f"a word of {number}", f"x{number}")
    languages = len(analyzer._cache)
    analyze("one word", "en")

    assert languages <= analyzer.MAX_CACHED_LANGUAGES
    assert [read_as_a_whole(text, "en") for text in texts] == found
    assert 0 < len(analyzer._cache["en"]) <= 100
    assert all(len(piece) <= 40 for piece in analyzer._cache["en"])


@given(st.text() | readable, LANGUAGES)
def test_the_lines_of_a_text_have_the_terms_that_each_has_alone(
    text: str, language: str | None
) -> None:
    assert analyze_lines(text, language) == [analyze(line, language) for line in text.split("\n")]


@given(st.text() | readable, LANGUAGES)
def test_every_term_and_nothing_else_has_a_spelling(text: str, language: str | None) -> None:
    terms, shown = analyze(text, language), surfaces(text, language)

    assert {*terms.words, *terms.pairs} == shown.keys()
    assert all(shown.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the Kursk region. Kursk Region, Kursk region", {"kursk region": "Kursk region"}),
        ("Talks ended. The talks in Istanbul", {"talk istanbul": "talks in Istanbul"}),
        ("a 30-day truce", {"30 day": "30-day", "30": "30", "day truce": "day truce"}),
        ("“Talks, talks”", {"talk": "talks", "talk talk": "Talks, talks"}),
        ("negotiations, a negotiation", {"negoti": "negotiation"}),
        ("Russia’s F-16s and F-16s", {"russia": "Russia", "f16": "F-16s"}),
        ("_Snake_Case_", {"snake": "snake", "snake case": "snake case"}),
        ("Sudzha", {"sudzha": "Sudzha"}),
        ("停火协", {"停火": "停火", "火协": "火协"}),
        ("war " + "and the " * 30 + "Peace", {"war peac": "war Peace"}),
    ],
)
def test_terms_are_shown_as_the_text_spells_them(text: str, expected: dict[str, str]) -> None:
    assert expected.items() <= surfaces(text, "en").items()


@given(st.text() | readable, LANGUAGES)
def test_every_term_occurs_as_often_as_it_is_found(text: str, language: str | None) -> None:
    terms = analyze(text, language)
    found = list(occurrences(text, language))

    assert Counter([*terms.words, *terms.pairs]) == Counter(one.term for one in found)


@given(st.text() | readable, LANGUAGES)
@example("ก一ัၚ", None)  # where Thai runs into Han with a Thai mark
def test_what_occurs_somewhere_is_spelt_there(text: str, language: str | None) -> None:
    for one in occurrences(text, language):
        if one.start >= 0:
            assert one.shown == text[one.start : one.end]
            assert one.term in {*chain(*analyze(one.shown, language))}


@pytest.mark.parametrize(
    ("text", "language", "term", "places"),
    [
        ("The talks in Istanbul. Talks!", "en", "talk", ["talks", "Talks"]),
        ("The talks in Istanbul. Talks!", "en", "talk istanbul", ["talks in Istanbul"]),
        ("東京、2025年東京都", "ja", "東京", ["東京", "東京"]),
        ("2025年東京", "ja", "2025", ["2025"]),
        ("ที่กรุงเทพ", "th", "กรุ", ["กรุ"]),
        ("a truce, e\u0301t 停火。truce", None, "truce", ["truce", "truce"]),
    ],
)
def test_a_term_is_found_where_it_stands(
    text: str, language: str | None, term: str, places: list[str]
) -> None:
    found = [one for one in occurrences(text, language) if one.term == term]

    assert places == [text[one.start : one.end] for one in found if one.start >= 0]


@given(st.lists(st.sampled_from(["war", "talks", "the", ". ", "\n", "网络", "G7"])), LANGUAGES)
def test_there_are_fewer_pairs_than_words(parts: list[str], language: str | None) -> None:
    terms = analyze(" ".join(parts), language)

    assert len(terms.pairs) <= max(0, len(terms.words) - 1)


@pytest.mark.parametrize(
    ("hostile", "count"),
    [
        ("a." * 50_000, 0),
        ("1," * 50_000, 0),
        ("п'" * 50_000, 0),
        ("中" * 50_000, 49_999),
        ("ก" + "\u0e48" * 50_000, 1),
        ("\uff9e" * 50_000, 0),
        ("a\u200d" * 50_000, 0),
        ("\n" * 50_000 + "truce", 1),
    ],
    ids=lambda value: ascii(value)[:8],
)
def test_hostile_text_is_analysed_like_any_other(hostile: str, count: int) -> None:
    assert count == len(words(hostile))
    assert set(words(hostile)) <= surfaces(hostile, "en").keys()


def test_threads_get_the_same_terms() -> None:
    texts = [f"negotiations number {i} ended in countries without agreements" for i in range(400)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: analyze(text, "en"), texts))

    assert [analyze(text, "en") for text in texts] == found


def test_every_stemmer_exists_and_serves_a_known_language() -> None:
    assert set(analyzer._ALGORITHM_OF.values()) <= set(Stemmer.algorithms())
    assert all(code == normalize_language(code) for code in analyzer._ALGORITHM_OF)


@pytest.mark.parametrize("language", STOP_WORDS)
def test_stop_words_are_listed_once_and_stand_under_the_code_we_use(language: str) -> None:
    assert language == normalize_language(language)
    assert 25 <= len(stop_words(language)) <= 200


@pytest.mark.parametrize("language", sorted(STOP_WORDS.keys() - {"ja", "zh"}))
def test_a_stop_word_is_no_term_of_its_language(language: str) -> None:
    assert [] == words(STOP_WORDS[language], language)
