"""Names with an ampersand are terms, and the spellings of one Indian word are one term."""

import pytest
from field_cases import needs_field_cases, rows
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from features.analyzer import analyze, surfaces
from features.indic import normalize_indic


def words(text: str, language: str | None) -> list[str]:
    return analyze(text, language).words


@needs_field_cases
@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("hm", "hm1", "hm2"), ("hm", "att1", "att2"), ("hi", "h1", "h2")],
)
def test_stories_of_the_field_about_one_name_stand_beside_each_other(
    put, client: FlaskClient, name, one, other
):
    put(*rows(f"17-terms/{name}.jsonl"))
    items = client.get(f"/v1/main/articles/{one}/related").json["items"]

    assert (other, "similar") == (items[0]["id"], items[0]["reason"]["code"])


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("H&M", ["h&m"]),
        ("AT&T's", ["at&t"]),
        ("R&D, Q&A (S&P) M&A.", ["r&d", "q&a", "s&p", "m&a"]),
        ("P&O-Fähre", ["p&o", "fahr"]),
        ("Ｈ＆Ｍ", ["h&m"]),
        ("A&E and B&B&B", ["a&e", "b&b&b"]),
        ("Johnson&Johnson", ["johnson", "johnson"]),
        ("rock&roll", ["rock", "roll"]),
        ("UK&US", ["uk", "us"]),
        ("a & b", []),
        ("&", []),
    ],
)
def test_letters_joined_by_an_ampersand_are_a_term(text, terms):
    assert terms == words(text, "de" if "Fähre" in text else "en")


def test_such_a_name_is_shown_as_it_is_written():
    assert {"h&m": "H&M", "h&m close": "H&M to close"}.items() <= (
        surfaces("H&M to close", "en").items()
    )


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("hi", "हिन्दी", "हिंदी"),
        ("hi", "मुम्बई", "मुंबई"),
        ("hi", "अन्तरराष्ट्रीय", "अंतरराष्ट्रीय"),
        ("hi", "खण्ड", "खंड"),
        ("hi", "पञ्जाब", "पंजाब"),
        ("hi", "अङ्क", "अंक"),
        ("hi", "सड़क", "सडक"),
        ("hi", "\u0915\u093c\u0932\u092e", "कलम"),
        ("hi", "\u0958लम", "कलम"),
        ("hi", "चाँद", "चांद"),
        ("mr", "हिन्दी", "हिंदी"),
        ("ne", "अन्तर्राष्ट्रिय", "अंतर्राष्ट्रिय"),
        ("bn", "অঙ্ক", "অংক"),
        ("bn", "চাঁদ", "চাংদ"),
        ("gu", "હિન્દી", "હિંદી"),
        ("pa", "ਪੰਜਾਬ", "ਪਂਜਾਬ"),
        ("te", "హిన్దీ", "హిందీ"),
        ("kn", "ಹಿನ್ದಿ", "ಹಿಂದಿ"),
        ("ml", "അവൻ", "അവന്\u200d"),
        (None, "हिन्दी", "हिंदी"),
    ],
)
def test_spellings_of_one_indian_word_are_one_term(language, one, other):
    assert words(one, language) == words(other, language) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [("जन्म", "जंम"), ("अन्य", "अंय"), ("दिन", "दीन"), ("बल", "बाल"), ("तमिल", "तमील")],
)
def test_words_that_only_look_alike_stay_apart(one, other):
    assert words(one, "hi") != words(other, "hi")


@given(st.text(st.characters(min_codepoint=0x900, max_codepoint=0xD7F), max_size=20))
def test_normalizing_twice_changes_nothing(text):
    once = normalize_indic(text)

    assert once == normalize_indic(once)
