"""HTML to text, and Unicode hygiene."""

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.markup import prepared
from features.text import (
    clean_text,
    excerpt,
    html_to_text,
    looks_like_html,
    normalized,
    plain_text,
)

ANY_TEXT = st.text() | st.text(alphabet="<>&;/!-\"'= \nabp#1\u0301\u200d\u202e\x00")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<b>Sud</b>zha", "Sudzha"),
        ("<p>One</p><p>two</p>", "One\n\ntwo"),
        ("<div>One<div>two</div>three</div>", "One\n\ntwo\n\nthree"),
        ("One<br>two<br/>three", "One\ntwo\nthree"),
        ("<h2>Head</h2>Body<ul><li>one<li>two</ul>", "Head\n\nBody\n\none\n\ntwo"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\n\nc"),
        ("Fish&nbsp;&amp;&#32;chips &#8217; &eacute;", "Fish & chips ’ é"),
        ("<p>two\n lines   of <i>one</i>\nparagraph", "two lines of one paragraph"),
        ("First paragraph.\n\nSecond <em>one</em>.", "First paragraph.\n\nSecond one."),
        ("5 < 6 and I <3 you", "5 < 6 and I <3 you"),
    ],
)
def test_html_becomes_paragraphs(source: str, text: str) -> None:
    assert text == html_to_text(source)


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>if (a < b) { '<p>' }</script>",
        "<STYLE>p::after { content: '</p>' }</STYLE >",
        "<noscript><p>no script</p></noscript>",
        "<template><p>later</p></template>",
        "<iframe src=x>frame</iframe>",
        "<svg><text>drawn <svg>twice</svg></text></svg>",
        "<form><label>Mail</label><button>Send</button></form>",
        "<!-- a comment with <p>tags</p> -->",
        "<!doctype html><?php echo 1 ?>",
        "<a title='a > b' href=\"c>d\"></a>",
    ],
)
def test_what_is_not_the_story_goes(hidden: str) -> None:
    assert "before after" == html_to_text(f"before {hidden}after").replace("\n\n", " ")


def test_an_element_that_never_closes_hides_nothing() -> None:
    assert "Sign up\n\nThe story" == html_to_text("<form>Sign up<p>The story")


@pytest.mark.parametrize(
    ("hostile", "text"),
    [
        ("<!--" * 50_000, ""),
        ("<" * 200_000, "<" * 200_000),
        ("<div>" * 200_000 + "story", "story"),
        ("<ul><li>" * 50_000 + "story", "story"),
        ("<p " + " ".join(f"a{i}=1" for i in range(200_000)) + ">story", "story"),
        ("story<p class='" * 50_000, "story"),
        ("<script>" * 25_000, ""),
        ("<form>x" * 20_000 + "</form>" * 20_000 + "story", "story"),
        ("&#" + "9" * 100_000 + "; story", "\ufffd story"),
        ("</" * 100_000, ""),
        ("<b> </b>" * 25_000 + "story", "story"),
        ("&amp" * 50_000, "&" * 50_000),
    ],
    ids=lambda value: value[:12],
)
def test_hostile_html_is_read_like_any_other(hostile: str, text: str) -> None:
    assert text == html_to_text(hostile)


@pytest.mark.parametrize(
    "text",
    [
        "<p>",
        "<br/>",
        "</div>",
        "a <b>bold</b> word",
        "<a href=x>",
        "<!-- wp:paragraph -->",
        "<!DOCTYPE html>",
        "&amp;",
        "&#8217;",
        "&#x27;",
        "caf&eacute;",
    ],
)
def test_markup_is_recognised(text: str) -> None:
    assert looks_like_html(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a < b",
        "R&D",
        "AT&T; x",
        "I <3 you",
        "if (a<b && c>d)",
        "Ann <ann@example.com>",
        "x <y> z",
        "a <b and c> d",
        "Q&A;",
        "&",
        "<>",
        "2 << 3 >> 1",
    ],
)
def test_prose_is_not_taken_for_markup(text: str) -> None:
    assert not looks_like_html(text)


@given(ANY_TEXT)
def test_escaped_text_comes_back(text: str) -> None:
    shown = clean_text(html_to_text(html.escape(text)))

    assert clean_text(text).split() == shown.split()


@given(ANY_TEXT)
def test_html_to_text_survives_anything(text: str) -> None:
    assert "\n\n\n" not in html_to_text(text)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("Cafe\u0301", "Café"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen"),
        ("nul\x00 bell\x07", "nul bell"),
        ("می\u200cروم", "می\u200cروم"),
        ("क्\u200dष", "क्\u200dष"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("a \t  b\u00a0c\u3000d", "a b c d"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("one\n \n\n\n two", "one\n\ntwo"),
        ("  \n padded \n ", "padded"),
    ],
)
def test_invisible_characters_go(dirty: str, clean: str) -> None:
    assert clean == clean_text(dirty)


def test_a_letter_carries_eight_marks_at_most() -> None:
    assert "x" + 8 * "\u0316" + "y" == clean_text("x" + 100_000 * "\u0316" + "y")


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_text(text) == clean_text(clean_text(text))


@given(st.text(alphabet="a\u0344\u0958\u0301\u0316\u0f71\u0f73\u1100\u1161\u11a8 \n"))
def test_cleaning_marks_twice_changes_nothing(text: str) -> None:
    assert clean_text(text) == clean_text(clean_text(text))


@given(ANY_TEXT)
def test_clean_text_is_composed_and_visible(text: str) -> None:
    clean = clean_text(text)

    assert unicodedata.is_normalized("NFC", clean)
    assert {unicodedata.category(c) for c in clean if c not in "\n\u200c\u200d"}.isdisjoint(
        {"Cc", "Cf", "Cs"}
    )


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("<p>Talks &amp; truce</p>", "Talks & truce"),
        ("Talks &amp; truce", "Talks & truce"),
        ("Profits < losses\nat R&D", "Profits < losses\nat R&D"),
        ("<p>x\u202e</p>", "x"),
    ],
)
def test_plain_text_takes_html_and_plain_text(sent: str, stored: str) -> None:
    assert stored == plain_text(sent)


def test_a_short_text_is_its_own_excerpt() -> None:
    assert "Talks begin. More soon." == excerpt("Talks begin.\n\nMore soon.")


def test_an_excerpt_ends_with_a_sentence_if_one_fills_half_the_room() -> None:
    text = "Gov. Smith met the negotiators. They spoke for an hour about the truce."

    assert "Gov. Smith met the negotiators." == excerpt(text, limit=50)


def test_an_excerpt_ends_with_a_word_otherwise() -> None:
    assert "The envoys, who met in…" == excerpt("The envoys, who met in Istanbul, left.", limit=27)


def test_scripts_without_spaces_are_cut_between_characters() -> None:
    assert "谈判代表在伊斯坦布…" == excerpt("谈判代表在伊斯坦布尔会面讨论停火协议", limit=10)


def test_a_letter_is_never_cut_from_its_marks() -> None:
    assert "ที่ที่…" == excerpt("ที่" * 10, limit=8)


@given(st.text(st.sampled_from("ab. \n\t\xa0\u3000\x1c"), max_size=120), st.integers(1, 20))
def test_an_excerpt_is_that_of_the_text_without_needless_blanks(text: str, limit: int) -> None:
    assert excerpt(" ".join(text.split()), limit) == excerpt(text, limit)


@given(st.text(st.sampled_from("ab \n\r\t\xa0\u3000\x0b\x1c\x85"), max_size=30))
def test_lines_are_tidy_after_cleaning(text: str) -> None:
    lines = [" ".join(line.split()) for line in normalized(text).split("\n")]

    assert re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n") == clean_text(text)


@given(ANY_TEXT, st.integers(min_value=1, max_value=60))
def test_an_excerpt_fits(text: str, limit: int) -> None:
    assert len(excerpt(text, limit)) <= limit


@given(st.text(st.characters(min_codepoint=9, max_codepoint=126), max_size=30))
def test_a_plain_line_is_read_as_every_other_text_is(text):
    text_without_templates = prepared(text)
    read = html_to_text if looks_like_html(text_without_templates) else str

    assert clean_text(read(text_without_templates)) == plain_text(text)
