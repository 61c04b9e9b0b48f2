"""One spelling for the address of an article, however a reader came to it."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from news import article

from features.addresses import MAX_URL_CHARS, normalize_url
from features.article import parse_article
from recommender.errors import InvalidInput

PAGE = "https://news.example/2025/03/kursk?page=2"

SAME_PAGE = [
    "http://news.example/2025/03/kursk?page=2",
    "https://www.news.example/2025/03/kursk?page=2",
    "HTTPS://WWW.News.Example/2025/03/kursk?page=2",
    "https://news.example:443/2025/03/kursk?page=2",
    "http://news.example:80/2025/03/kursk?page=2",
    "https://news.example/2025/03/kursk/?page=2",
    "https://news.example/2025/03/kursk?page=2#comments",
    "https://news.example/2025/03/kursk?page=2&utm_source=x&UTM_Medium=y&fbclid=z",
    "https://news.example/2025/03/kur%73k?p%61ge=%32",
    "  https://news.example/2025/03/kursk?page=2\n",
]
OTHER_PAGES = [
    "https://news.example/2025/03/Kursk?page=2",
    "https://news.example/2025/03/kursk?page=3",
    "https://news.example/2025/03/kursk",
    "https://news.example/2025/03/kursk%3Fpage=2",
    "https://news.example/2025/03/kursk?page=2&page=2",
    "https://news.example:8443/2025/03/kursk?page=2",
    "https://www2.news.example/2025/03/kursk?page=2",
    "https://other.example/2025/03/kursk?page=2",
]

path_bytes = st.lists(st.sampled_from([0xD0, 0xC2, 0xE9, 0xFF, 0x41, 0x25, 0x3F, 0x20]), max_size=4)


@pytest.mark.parametrize("url", SAME_PAGE)
def test_what_does_not_change_the_page_does_not_count(url):
    assert normalize_url(PAGE) == normalize_url(url)


@pytest.mark.parametrize("url", OTHER_PAGES)
def test_what_may_change_the_page_counts(url):
    assert normalize_url(PAGE) != normalize_url(url)


def test_the_order_of_parameters_does_not_count():
    one, other = (normalize_url(f"https://news.example/?{query}") for query in ("a=1&b=", "b=&a=1"))

    assert one == other


@pytest.mark.parametrize("written", ["/новости/курск", "/caf\u00e9 noir", "/日本", "/a+b;c,d(e)!"])
def test_a_path_may_be_percent_encoded_or_not(written):
    assert normalize_url(f"https://news.example{quote(written)}") == normalize_url(
        f"https://news.example{written}"
    )


@given(path_bytes.map(bytes), path_bytes.map(bytes))
def test_paths_of_different_bytes_are_different_pages_in_any_encoding(one, other):
    """Old archives encode names in Latin-1 or GBK; those bytes are no UTF-8."""
    assume(one != other)

    for place in ("/", "/?name="):
        urls = [f"https://news.example{place}{quote(name)}" for name in (one, other)]
        assert normalize_url(urls[0]) != normalize_url(urls[1])


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.text(max_size=10))
def test_every_address_that_an_article_may_have_can_be_looked_up(rest, host):
    url = f"https://news.example{host}/{rest}"
    try:
        accepted = parse_article(article(url=url)).url
    except InvalidInput:
        return

    if accepted is not None:  # left out, where it is no address
        assert normalize_url(url) == normalize_url(accepted)


@given(st.text(max_size=30), st.sampled_from(["", "https://", "https://news.example/?"]))
def test_any_text_is_an_address_or_refused(text, start):
    with suppress(InvalidInput):
        assert normalize_url(start + text).encode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "kursk",
        "/2025/kursk",
        "//news.example/kursk",
        "ftp://news.example/kursk",
        "javascript:alert(1)",
        "https:///kursk",
        "https://[::1/kursk",
        "https://news.example:port/",
        "https://news.example:99999/",
        "https://news.example/\ud800",
        "https://news.example/" + "a" * MAX_URL_CHARS,
    ],
)
def test_anything_else_is_refused(url):
    with pytest.raises(InvalidInput, match="url: expected an absolute http or https URL"):
        normalize_url(url)
