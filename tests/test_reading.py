"""A text as it was sent, read with the place of every character."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.analyzer import analyze
from features.offsets import OffsetText, Spans, read, read_plain, utf16_offset
from features.text import plain_text

LETTERS = [
    *("Kursk ", "region", " the ", "cafe\u0301", "é", "\u1112\u1161\u11ab", "한국", "停火", "کرسک"),
    *("😀", "👨\u200d👩\u200d👧", ". ", "e" + "\u0301" * 12),
]
BLANKS = ["\n", "\n\n", "\r\n", "\t", "\xa0", "\u00ad", "\u200b", "\u202e"]
MARKUP = [
    *("&amp;", "&eacute;", "&#8217;", "&#99999999999;", "&copy 2025", "&bogus;", "<", ">"),
    *("<p>", "</p>", "<b>", "</b>", "<a href='/x?a=1&amp;b=2'>", "</a>", "<ul><li>", "</li></ul>"),
    *("<h2>", "</h2>", "<br>", "<!-- no -->", "<script>no</script>", "<head>", "</head>"),
]
sent_texts = st.lists(st.sampled_from(LETTERS + BLANKS + MARKUP), max_size=20).map("".join)


def paragraphs(reading: OffsetText) -> list[tuple[str, str]]:
    """Each paragraph as it is read, and what was sent until it is over."""
    text = reading.located.text
    return [
        (" ".join(text[start:end].split()), reading.sent[:closes_at])
        for start, end, closes_at in reading.paragraphs
    ]


@given(sent_texts | st.text())
def test_it_says_what_plain_text_says(sent: str) -> None:
    assert analyze(plain_text(sent), "en") == analyze(read(sent).located.text, "en")


@given(sent_texts | st.text())
def test_every_character_has_its_place_in_order(sent: str) -> None:
    located = read(sent).located

    assert len(located.text) == len(located.starts) == len(located.ends)
    assert sorted(located.starts) == located.starts.tolist()
    assert sorted(located.ends) == located.ends.tolist()
    assert (located.starts < located.ends).all()
    assert not located.text or located.ends[-1] <= len(sent)


@given(st.text())
def test_what_is_read_of_plain_text_stands_where_it_was_sent(sent: str) -> None:
    located = read_plain(sent).located

    for character, start, end in zip(*located, strict=True):
        written = unicodedata.normalize("NFC", sent[start:end].replace("\r", "\n"))
        assert character in written


@pytest.mark.parametrize(
    ("sent", "word", "expected"),
    [
        ("<p>A <b>truce</b></p>", "truce", "truce"),
        ("Fish &amp; chips", "& chips", "&amp; chips"),
        ("<i>caf&eacute;</i>", "café", "caf&eacute;"),
        ("the cafe\u0301", "café", "cafe\u0301"),
        ("Ver\u00adein", "Verein", "Ver\u00adein"),
        ("one\r\n\r\ntwo", "two", "two"),
        ("<p>Kur<wbr>sk</p>", "Kursk", "Kur<wbr>sk"),
        ("\u1112\u1161\u11ab국", "한", "\u1112\u1161\u11ab"),
    ],
)
def test_a_word_is_found_again(sent: str, word: str, expected: str) -> None:
    located = read(sent).located
    start = located.text.index(word)
    first, last = located.span(start, start + len(word))

    assert expected == sent[first:last]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("One.\n\nTwo\nlines.", [("One.", "One."), ("Two lines.", "One.\n\nTwo\nlines.")]),
        ("One.\nTwo.", [("One.", "One."), ("Two.", "One.\nTwo.")]),
        (
            "<p>One.</p><div><p>Two.</p></div>",
            [("One.", "<p>One.</p>"), ("Two.", "<p>One.</p><div><p>Two.</p>")],
        ),
        ("<p><b>One.</b></p>", [("One.", "<p><b>One.</b></p>")]),
        (
            "<p>A</p><ul><li>b</li>\n\n<li>c</li></ul><p>D",
            [
                ("A", "<p>A</p>"),
                ("b c", "<p>A</p><ul><li>b</li>\n\n<li>c</li></ul>"),
                ("D", "<p>A</p><ul><li>b</li>\n\n<li>c</li></ul><p>D"),
            ],
        ),
        (
            "<blockquote><p>A</p><p>B</p></blockquote>C",
            [
                ("A B", "<blockquote><p>A</p><p>B</p></blockquote>"),
                ("C", "<blockquote><p>A</p><p>B</p></blockquote>C"),
            ],
        ),
        ("One<br>two", [("One", "One"), ("two", "One<br>two")]),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_a_paragraph_is_over_where_another_can_be_put_in(
    sent: str, expected: list[tuple[str, str]]
) -> None:
    assert expected == paragraphs(read(sent))


@given(sent_texts)
def test_paragraphs_stand_in_order_and_hold_all_that_is_said(sent: str) -> None:
    reading = read(sent)
    text = reading.located.text
    said = [text[start:end] for start, end, _ in reading.paragraphs]
    closings = [closes_at for _, _, closes_at in reading.paragraphs]

    assert text.split() == " ".join(said).split()
    assert sorted(closings) == closings
    assert all(part == part.strip() and part for part in said)


def test_links_headings_and_code_are_no_prose() -> None:
    sent = '<h2>Head</h2><p>To <a href="/b?x=1&amp;y=2">the <b>flood</b></a>, <code>x</code></p>'
    reading = read(sent)
    link = '<a href="/b?x=1&amp;y=2">the <b>flood</b></a>'

    assert ["<h2>Head</h2>", link, "<code>x</code>"] == [
        sent[start:end] for start, end in sorted(reading.not_prose)
    ]
    assert ["/b?x=1&y=2"] == reading.addresses


def test_a_link_that_never_closes_reaches_to_the_end() -> None:
    sent = "<p>a <a href=/b>c</p><p>d</p>"

    assert [(5, len(sent))] == read(sent).not_prose


def test_of_a_stored_text_nothing_is_taken_for_markup() -> None:
    assert "The <b> tag &amp; others" == read_plain("The <b> tag &amp; others").located.text


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda s: (s[0], s[0] + s[1]))),
    st.integers(0, 25),
    st.integers(1, 4),
)
def test_what_lies_around_a_place_is_found(
    spans: list[tuple[int, int]], start: int, length: int
) -> None:
    places = set(range(start, start + length))
    touched = any(places & set(range(*span)) for span in spans)

    assert touched == (Spans(spans).around(start, start + length) is not None)


@given(st.text(alphabet="aé😀\u0301中"), st.data())
def test_an_offset_in_utf_16_counts_code_units(text: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(text)))
    units = text.encode("utf-16-le")

    assert text[:position] == units[: 2 * utf16_offset(text, position)].decode("utf-16-le")


@pytest.mark.parametrize(
    "hostile",
    ["<b>", "<ul>", "&amp;", "e\u0301", "<a href=", "<p>\n\n", "<head></head>", "<li></ul>"],
    ids=ascii,
)
def test_hostile_text_is_read_like_any_other(hostile: str) -> None:
    sent = "<p>A truce" + hostile * 20_000

    assert "A truce" in read(sent).located.text
