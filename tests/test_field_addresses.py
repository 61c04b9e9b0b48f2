"""Every address by which readers come to a story finds it, and never another one's list."""

from collections.abc import Callable
from typing import Any

import pytest
from field_cases import FOLDER, needs_field_cases, rows
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.addresses import (
    MAX_FORMS,
    ascii_host,
    is_on,
    lookup_forms,
    normalize_url,
    page_key,
    parse_url,
)
from recommender.backend import Backend
from recommender.config import Settings
from recommender.ingest import ingest
from recommender.sources.records import Record

Put = Callable[..., None]

segments = st.text(st.sampled_from("aZ09-_~.é"), min_size=1, max_size=4)
paths = st.lists(segments, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))


def at(*urls: str) -> list[dict[str, Any]]:
    return [article(f"a{number}", url=url) for number, url in enumerate(urls)]


@pytest.fixture
def found(client: FlaskClient) -> Callable[[str], str | None]:
    """The id of the article whose list stands at an address."""

    def source(url: str) -> str | None:
        answer = client.get("/v1/main/related", query_string={"url": url})
        return answer.json["source"]["id"] if answer.status_code == 200 else None

    return source


@needs_field_cases
def test_every_address_of_the_field_finds_its_story(put: Put, found: Callable[[str], str | None]):
    put(*rows("09-url-variants/in.jsonl"))
    lines = (FOLDER / "09-url-variants/urls.txt").read_text().splitlines()
    expected = [tuple(line.split("\t")) for line in lines]

    assert expected == [(found(url), url) for _, url in expected]


def test_a_parameter_by_which_the_archive_tells_addresses_apart_is_never_dropped(put, found):
    put(*at("https://n.example/a.php?ref=5", "https://n.example/a.php?ref=6"))

    assert "a0" == found("https://n.example/a.php?ref=5")
    assert "a1" == found("https://n.example/a.php?ref=6&utm_source=x&s=09")
    assert found("https://n.example/a.php?ref=7") is None
    assert found("https://n.example/a.php") is None


def test_a_page_and_its_variant_are_told_apart_too(put, found):
    put(*at("https://n.example/a", "https://n.example/a?page=2"))

    assert ["a0", "a1"] == [found("https://n.example/a"), found("https://n.example/a?page=2")]
    assert "a0" == found("https://n.example/a?fbclid=x")
    assert found("https://n.example/a?page=3") is None


def test_where_all_the_archive_has_is_the_address_of_a_feed_it_is_found_without(put, found):
    put(*at("https://n.example/a?ref=rss"))

    assert {"a0"} == {
        found(f"https://n.example/a{query}") for query in ("", "?ref=rss", "?ref=x", "?s=1&ref=rss")
    }


def test_of_many_addresses_apart_none_is_taken_for_another_also_when_most_are_gone(
    put, found, client, key
):
    put(*at(*(f"https://n.example/a?ref={number}" for number in range(12))))
    for number in range(11):
        client.delete(f"/v1/main/articles/a{number}", headers=key)

    assert "a11" == found("https://n.example/a?ref=11")
    assert found("https://n.example/a?ref=5") is None


def test_an_article_that_moves_leaves_its_address(put, found):
    put(*at("https://n.example/a?ref=1", "https://n.example/a?ref=2"))
    put(article("a0", url="https://n.example/b"))

    assert ["a0", None] == [found("https://n.example/b"), found("https://n.example/c")]
    assert "a1" == found("https://n.example/a?ref=1") == found("https://n.example/a")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://spa.example/#/news/7", "https://spa.example/#/news/8"),
        ("https://spa.example/#!/news/7", "https://spa.example/#!/news/8"),
        ("https://spa.example/#!news/7", "https://spa.example/#!news/8"),
        ("https://spa.example/#/news?id=7", "https://spa.example/#/news?id=8"),
        ("https://n.example/a?id=7", "https://n.example/a?id=8"),
        ("https://n.example/?p=7", "https://n.example/?p=8"),
    ],
)
def test_addresses_of_different_pages_stay_apart(one, other):
    assert normalize_url(one) != normalize_url(other)
    assert page_key(one) != page_key(other)
    assert not {f.address for f in lookup_forms(one)} & {f.address for f in lookup_forms(other)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://bu\u0308cher.example/a", "https://BÜCHER.example/a"),
        ("https://例え.テスト/a", "https://xn--r8jz45g.xn--zckzah/a"),
        ("https://новости。рф/a", "https://xn--b1amnebsh.xn--p1ai/a"),
        ("https://faß.example/a", "https://xn--fa-hia.example/a"),
        ("https://b%C3%BCcher.example/a", "https://bücher.example/a"),
        ("https://ＢÜＣＨＥＲ.example/a", "https://www.XN--BCHER-KVA.example:443/a"),
        ("https://i❤.example/a", "https://xn--i-7iq.example/a"),
        ("https://my_site.example/a", "https://MY_SITE.example/a"),
        ("https://n.example/cafe\u0301", "https://n.example/caf%C3%A9"),
        ("https://n.example/한글", "https://n.example/\u1112\u1161\u11ab\u1100\u1173\u11af"),
        ("https://n.example./a", "https://n.example/a"),
        ("https://n.example/x/../a/./b", "https://n.example/a/b"),
        ("https://n.example/a;jsessionid=4F", "https://n.example/a"),
        ("https://n.example/#/a?utm_source=x", "https://n.example/#/a"),
        ("https://n.example/a#:~:text=oak", "https://n.example/a"),
    ],
)
def test_two_spellings_of_one_address_are_one(one, other):
    assert normalize_url(one) == normalize_url(other)


@pytest.mark.parametrize(
    "parameter",
    [
        *("utm_content", "gclid", "gbraid", "wbraid", "srsltid", "mkt_tok", "_hsenc", "igsh"),
        *("ttclid", "li_fat_id", "xtor", "at_medium", "mtm_campaign", "pk_kwd", "piwik_kwd"),
        *("wt_zmc", "fb_action_ids", "vero_id", "oly_anon_id", "gad_source", "ysclid", "UTM_Id"),
        *("gaa_at", "s_kwcid", "ef_id", "rb_clickid", "sfmc_id", "ved", "utm-source", "dm_i"),
    ],
)
def test_what_only_campaigns_append_is_no_part_of_an_address(parameter):
    assert "n.example/a" == normalize_url(f"https://n.example/a?{parameter}=1")


@pytest.mark.parametrize(
    "url",
    [
        *("https://n.example/a/amp/", "https://amp.n.example/a", "https://m.n.example/a?amp=1"),
        *(
            "https://n.example/a?amp",
            "https://n.example/a?outputType=amp",
            "http://www.n.example/a",
        ),
        "https://n-example.cdn.ampproject.org/c/s/n.example/a/amp",
        "https://n-example.translate.goog/a?_x_tr_sl=de&_x_tr_tl=en",
    ],
)
def test_versions_of_a_page_for_phones_are_the_page(url):
    assert "n.example/a" == page_key(url)


@given(paths, st.sampled_from(["", "/", "?amp=1", "?utm_source=x"]))
def test_the_short_way_to_the_key_of_a_page_is_the_long_one(path, end):
    url = f"https://www.n.example{path}{end}"
    parsed = parse_url(url + "?z=1") if "?" not in end else parse_url(url + "&z=1")
    plain = str(parsed._replace(query=())).removesuffix("/amp")

    assert plain.replace(".amp", "") == page_key(url).replace(".amp", "")


@pytest.mark.parametrize(
    "url",
    [
        "https://n.example/amp/2025/a",
        "https://n.example/2025/a.amp",
        "https://www.google.com/amp/s/n.example/2025/a",
        "https://www.google.co.uk/amp/s/amp.n.example/2025/a/amp/?ref=x",
        "https://www.bing-amp.com/c/s/n.example/2025/a",
        "https://n.example/2025/a?cid=5&sref=x",
    ],
)
def test_a_copy_of_a_page_is_looked_up_as_the_page(url):
    assert "n.example/2025/a" in {form.address for form in lookup_forms(url)}


@pytest.mark.parametrize(
    "url",
    [
        "https://google.com/amp-story/n.example/a",
        "https://n.example%2fb/a",
        "https://google.evil.example/amp/s/n.example/a",
        "https://www.google.com/amp/s/n.example/a",
    ],
)
def test_a_copy_of_a_page_is_no_link_to_its_host(url):
    assert not is_on(url, ["n.example"])


@given(st.text(max_size=60))
def test_any_query_has_few_forms_and_the_exact_one_first(query):
    url = f"https://n.example/a?{query}"
    try:
        exact = normalize_url(url)
    except ValueError:
        return

    forms = [form.address for form in lookup_forms(url)]
    assert exact == forms[0]
    assert len(set(forms)) == len(forms) <= MAX_FORMS


@pytest.mark.parametrize("host", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example:443"])
def test_hosts_of_a_site_may_be_international(host):
    [kept] = Settings(hosts=(host,)).hosts

    assert "xn--bcher-kva.example" == kept == ascii_host("bücher.example")
    assert is_on("https://bücher.example/a", [kept])
    assert is_on("https://www.xn--bcher-kva.example/a", [kept])
    assert not is_on("https://bucher.example/a", [kept])


def test_a_site_that_declared_an_international_host_links_to_it(settings: Settings):
    settings = settings.model_copy(update={"hosts": Settings(hosts=("bücher.example",)).hosts})
    with Backend(settings) as backend:
        list(
            ingest(backend.store, "main", [Record(1, article("a", url="https://bücher.example/a"))])
        )

        assert "https://bücher.example/a" == backend.store.cards("main", ["a"])["a"]["url"]
        assert "a" == backend.store.id_of_url("main", "https://xn--bcher-kva.example/a/")
