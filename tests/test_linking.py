"""Where in a text a link belongs."""

from itertools import chain, pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from api.lists.words import WORDS
from features.analyzer import analyze
from features.offsets import read, utf16_offset
from features.vectorizer import term_ids
from recommender.pipeline.anchors import (
    ANNOUNCES,
    Anchor,
    Subject,
    announced_titles,
    link_addresses,
    place_links,
)

KURSK = "Russian troops advanced in the Kursk region."
TALKS = "The talks in Istanbul ended without a truce."
RATES = "The central bank kept its interest rates."


def terms(text: str, language: str | None = "en") -> list[int]:
    return term_ids([*chain(*analyze(text, language))])


def subject(text: str, title: str = "", language: str | None = "en") -> Subject:
    """An article that says *text* under a *title*; each of its terms weighs the same."""
    return Subject(dict.fromkeys(terms(text, language), 0.1), set(terms(title, language)))


def anchors(sent: str, *subjects: Subject, title: str = "") -> list[Anchor | None]:
    return place_links(read(sent), title, "en", subjects)


def phrases(sent: str, *subjects: Subject, title: str = "") -> list[str | None]:
    return [one and one.text for one in anchors(sent, *subjects, title=title)]


def test_a_link_stands_on_the_phrase_that_names_what_the_article_is_about() -> None:
    assert ["Kursk region"] == phrases(KURSK, subject("in the Kursk region"))


def test_two_words_that_belong_together_say_more_than_two_apart() -> None:
    text = "Sudzha fell, Kursk too. The Kursk region is quiet."

    assert ["Kursk region"] == phrases(text, subject("Sudzha. The Kursk region"))


def test_words_of_the_title_say_more_than_others() -> None:
    about = subject("troops. Kursk", title="Kursk")

    assert ["Kursk"] == phrases(KURSK, about)


def test_of_equal_phrases_the_first_is_taken() -> None:
    [anchor] = anchors("A truce. Another truce.", subject("truce"))

    assert anchor is not None and (2, 7) == (anchor.start, anchor.end)


def test_a_text_that_says_nothing_of_it_has_no_place_for_it() -> None:
    assert [None] == phrases(KURSK, subject("interest rates"))
    assert [None] == phrases("", subject("interest rates"))


def test_no_two_links_stand_in_one_paragraph_and_the_first_choose_first() -> None:
    kursk, troops = subject("the Kursk region"), subject("Russian troops")

    assert ["Kursk region", None] == phrases(KURSK, kursk, troops)
    assert ["Russian troops", None] == phrases(KURSK, troops, kursk)
    assert ["Kursk region", "Russian troops"] == phrases(f"{KURSK}\n\n{KURSK}", kursk, troops)


def test_a_name_in_passing_is_no_second_best_place() -> None:
    sent = f"{KURSK}\n\nHe said that troops tire."
    about = subject("Russian troops advanced in the Kursk region")

    assert [None] == phrases(sent, about, about)[1:]


def test_what_says_more_of_it_is_the_better_paragraph() -> None:
    sent = "A truce is far.\n\nThe truce of the Istanbul envoys, and what Moscow wants."
    [anchor] = anchors(sent, subject("truce. Istanbul. envoys. Moscow"))

    assert anchor is not None and 1 == anchor.paragraph


@pytest.mark.parametrize(
    "sent",
    [
        '<p>After <a href="/x">the truce</a>.</p>',
        "<h2>The truce</h2><p>Other words.</p>",
        "<p>Also See: The truce</p>",
        "Also See: The truce",
        "Lesen Sie auch: truce",
        "[the truce](https://news.example/truce)",
        "https://news.example/truce",
        "## The truce",
        "<pre>truce</pre>",
        "truce@news.example",
        "The truce\n\nOther words.",
    ],
)
def test_no_link_stands_in_a_link_a_heading_or_the_title(sent: str) -> None:
    assert [None] == phrases(sent, subject("truce"), title="The truce")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("In Sudzha, a border town", "Sudzha"),
        ("the <b>Sudzha</b> border", "Sudzha"),
        ("Sudzha (border)", "Sudzha"),
        ("Sudzha – border", "Sudzha"),
        ("the Sudzha border", "Sudzha border"),
        ("a Sudzha-border town", "Sudzha-border"),
    ],
)
def test_a_phrase_reaches_across_no_mark_and_no_tag(sent: str, text: str) -> None:
    assert [text] == phrases(sent, subject("Sudzha border"))


def test_a_long_chain_of_shared_words_is_not_all_of_it_a_link() -> None:
    [anchor] = anchors(KURSK * 3, subject(KURSK))

    assert anchor is not None and len(anchor.text) <= 40


@pytest.mark.parametrize(
    ("sent", "language", "about", "text"),
    [
        ("軍は2025年3月、東京都知事の小池氏と会談した。", "ja", "東京都知事", "東京都知事"),
        ("ประเทศไทยและกรุงเทพมหานครจัดการเลือกตั้ง", "th", "กรุงเทพมหานคร", "กรุงเทพมหานคร"),
        ("انسحبت القوات من مدينة سودجا في منطقة كورسك", "ar", "منطقة كورسك", "منطقة كورسك"),
        ("서울특별시장 선거가 2025년에", "ko", "서울특별시장", "서울특별시장"),
        ("The cafe\u0301 war", "en", "café", "cafe\u0301"),
        ("<p>The caf&eacute; war", "en", "café war", "caf&eacute; war"),
        ("The U.S. troops", "en", "US troops", "U.S. troops"),
    ],
)
def test_any_script_has_its_phrases(sent: str, language: str, about: str, text: str) -> None:
    [anchor] = place_links(read(sent), "", language, [subject(about, language=language)])

    assert anchor is not None and text == anchor.text


SAID = [
    *("Kursk", "region", "troops", "Istanbul", "truce", "talks", "the", "in", "停火协议", "2025年"),
    *("東京", "😀", "cafe\u0301", "ﻻﻋﺐ", "منطقة كورسك", "กรุงเทพ", "\u00ad", "\u200f", "&amp;"),
    *(". ", ", ", " ", " ", " ", "\n", "\n\n", "\r\n"),
]
MARKUP = [
    *("<p>", "</p>", "<b>", "</b>", "<a href='https://news.example/b'>", "</a>", "<h2>", "</h2>"),
    *("<ul><li>", "</ul>", "Also See: ", "[x](https://news.example/c)"),
]
SUBJECTS = [
    subject(text, title, language)
    for text, title, language in [
        ("the Kursk region. troops", "Kursk", "en"),
        ("talks in Istanbul, a truce, café", "truce", "en"),
        ("停火协议 東京", "東京", "zh"),
        ("منطقة كورسك", "", "ar"),
        ("กรุงเทพ Kursk truce", "", "th"),
    ]
]
sent_texts = st.lists(st.sampled_from(SAID + MARKUP), max_size=25).map("".join)


@given(sent_texts, st.permutations(SUBJECTS), st.sampled_from(["en", "zh", "ar", "th", None]))
def test_anchors_slice_the_text_as_it_was_sent_and_never_meet(
    sent: str, subjects: list[Subject], language: str | None
) -> None:
    found = [one for one in place_links(read(sent), "", language, subjects) if one is not None]
    units = sent.encode("utf-16-le")

    for one in found:
        start, end = (2 * utf16_offset(sent, place) for place in (one.start, one.end))
        assert one.text == sent[one.start : one.end] == units[start:end].decode("utf-16-le")
        assert one.words and one.words == " ".join(one.words.split())
        assert one.end <= one.closes_at <= len(sent)
    in_order = sorted(found)
    assert all(a.closes_at <= b.start and a.paragraph < b.paragraph for a, b in pairwise(in_order))


@given(sent_texts, st.sampled_from(SUBJECTS), st.sampled_from(["en", "zh", "ar", "th"]))
def test_an_anchor_holds_whole_characters_and_no_markup(
    sent: str, about: Subject, language: str
) -> None:
    [anchor] = place_links(read(sent), "", language, [about])

    if anchor is not None:
        boundaries = {0, *(match.end() for match in regex.finditer(r"\X", sent))}
        assert {anchor.start, anchor.end} <= boundaries
        assert not regex.search(r"<[a-z/]|\n\n|https?:", anchor.text)
        assert set(terms(anchor.words, language)) & about.weights.keys()


@pytest.mark.parametrize("heading", [heading for heading, _ in WORDS.values()])
def test_a_line_as_we_write_it_is_known_again(heading: str) -> None:
    assert ANNOUNCES.match(f"{heading}: Title")
    assert ["Title"] == announced_titles(f"Text.\n{heading}: Title\nMore.")


def test_addresses_are_those_of_markup_and_of_plain_text() -> None:
    assert ["/b?x=1&y=2"] == link_addresses(read('<a href="/b?x=1&amp;y=2">b</a>'))
    assert ["https://n.example/b", "http://n.example/c?d=1"] == link_addresses(
        read("[b](https://n.example/b), see http://n.example/c?d=1")
    )


@pytest.mark.parametrize("letter", ["‹", "中", "[", "a@", "a"])
def test_a_long_text_without_a_blank_is_read_like_any_other(letter: str) -> None:
    """What looks back at all of it from each letter takes minutes, and the test's own limit."""
    sent = f"{KURSK}\n\n{letter * (200_000 // len(letter))}"

    assert ["Kursk region"] == phrases(sent, subject("in the Kursk region"))
