"""Lists as readers get them: content, order, caching and HTML."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import redis
from clocks import before_and_at
from flask.testing import FlaskClient
from news import STORIES, article
from selectolax.lexbor import LexborHTMLParser
from werkzeug.test import TestResponse

from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings

Put = Callable[..., None]
PutAll = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
Key = dict[str, str]

KURSK = "/v1/main/articles/kursk/related"
ARCHIVE = [
    article("kursk", section="World", tags=["Ukraine", "Kursk"], authors=["Ana Ruiz"]),
    article(
        "sudzha",
        section="World",
        tags=["ukraine"],
        authors=["Bo Li", "Ana Ruiz"],
        published_at="2025-03-12T08:00:00Z",
    ),
    article(
        "ceasefire",
        section="Politics",
        tags=["Diplomacy", "UKRAINE"],
        authors=["Straße"],
        published_at="2025-03-11T08:00:00Z",
    ),
    article("budget", section="Local", tags=["Council"], published_at="2025-03-10T08:00:00Z"),
    article("final", section="Sport", authors=["bo li"], published_at="2025-03-09T08:00:00Z"),
    article(
        "tregua",
        title="Kursk: Moscú examina la tregua",
        body="El Kremlin examina la propuesta. Sudzha, en Kursk, volvió a manos rusas.",
        language="es",
        published_at="2025-03-14T08:00:00Z",
    ),
]


@pytest.fixture
def put_all(client: FlaskClient, key: Key) -> PutAll:
    """Store all articles in one request, hostile ones too; return the results."""

    def store(articles: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines = b"\n".join(map(orjson.dumps, articles))
        answer = client.post("/v1/main/articles", data=lines, headers=key)
        return [orjson.loads(line) for line in answer.data.splitlines()]

    return store


@pytest.fixture
def archive(put_all: PutAll) -> None:
    put_all(ARCHIVE)


def path_of(article_id: str, suffix: str = "/related") -> str:
    return f"/v1/main/articles/{quote(article_id, safe='')}{suffix}"


def ids(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json["items"]]


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


# The answer


def test_a_list_has_the_documented_fields(client: FlaskClient, put: Put) -> None:
    put(article("kursk"))
    put(
        article(
            "sudzha",
            excerpt="A flag over the square.",
            image={
                "url": "https://news.example/flag.jpg",
                "width": 800,
                "height": 450,
                "alt": "A flag",
            },
            updated_at="2025-03-13T09:30:00+02:00",
            section="World",
            tags=["Ukraine", "Kursk"],
            authors=["Ana Ruiz"],
        )
    )

    answer = client.get(KURSK).json
    recommendation_id, score = answer["recommendation_id"], answer["items"][0]["score"]
    page_token = answer["page_token"]

    assert {
        "source": {
            "id": "kursk",
            "url": "https://news.example/kursk",
            "title": "Russia retakes villages in the Kursk region",
        },
        "items": [
            {
                "id": "sudzha",
                "url": "https://news.example/sudzha",
                "title": "Flag raised over Sudzha as Ukraine withdraws",
                "excerpt": "A flag over the square.",
                "image": {
                    "url": "https://news.example/flag.jpg",
                    "width": 800,
                    "height": 450,
                    "alt": "A flag",
                },
                "published_at": "2025-03-13T07:12:44Z",
                "updated_at": "2025-03-13T07:30:00Z",
                "section": "World",
                "tags": ["Ukraine", "Kursk"],
                "authors": ["Ana Ruiz"],
                "language": "en",
                "score": score,
                "position": 1,
                "reason": {"code": "similar", "text": "About the same subject"},
            }
        ],
        "recommendation_id": recommendation_id,
        "version": 2,
        "fallback": False,
        "page_token": page_token,
    } == answer
    assert 0 < score < 1
    assert isinstance(recommendation_id, str)


def test_a_body_is_never_in_an_answer(client: FlaskClient, put: Put) -> None:
    put(article("kursk", body="unmistakable " * 50), article("sudzha", body="unmistakable " * 50))

    assert "unmistakable " * 30 not in client.get(KURSK).text


def test_positions_count_from_the_start_of_the_page(client: FlaskClient, archive: None) -> None:
    items = client.get(KURSK, query_string={"offset": 1, "limit": 2}).json["items"]

    assert [1, 2] == [item["position"] for item in items]


@pytest.mark.parametrize("article_id", ["one", "two", "three"])
@pytest.mark.parametrize("query", ["", "fallback=true&limit=50", "sort=published_at", "lang=any"])
def test_an_article_is_never_in_its_own_list(
    client: FlaskClient, put: Put, article_id: str, query: str
) -> None:
    copies = {"one", "two", "three"}
    put(*(article(copy) for copy in copies))

    assert copies - {article_id} == set(ids(client.get(f"{path_of(article_id)}?{query}")))


def test_a_list_has_five_items_by_default(client: FlaskClient, put: Put) -> None:
    put(*(article(f"kursk-{n}") for n in range(8)))

    assert 5 == len(ids(client.get(path_of("kursk-0"))))


def test_an_unknown_article_is_not_found(client: FlaskClient, archive: None) -> None:
    response = client.get(path_of("nobody"))

    assert (404, "no article 'nobody'") == (response.status_code, response.json["detail"])


def test_an_unknown_site_is_not_found(client: FlaskClient, archive: None) -> None:
    assert 404 == client.get("/v1/nowhere/articles/kursk/related").status_code


def test_lists_have_only_articles_of_their_site(client: FlaskClient, archive: None) -> None:
    assert 404 == client.get("/v1/other/articles/kursk/related").status_code
    assert [] == ids(client.get("/v1/other/recent"))


# Order and pages


def test_equal_scores_are_ordered_by_date_then_by_id(client: FlaskClient, put: Put) -> None:
    put(
        article("source", published_at="2025-03-11T00:00:00Z"),
        article("b", published_at="2025-03-10T00:00:00Z"),
        article("c", published_at="2025-03-12T00:00:00Z"),
        article("a", published_at="2025-03-10T00:00:00Z"),
        article("undated", published_at=None),
    )

    response = client.get(path_of("source"))

    assert ["c", "a", "b", "undated"] == ids(response)
    assert 1 == len({item["score"] for item in response.json["items"][:3]})


def test_ties_at_the_end_of_a_page_are_ordered(client: FlaskClient, put: Put) -> None:
    names = [f"{n:03}" for n in range(40)]
    put(article("source"), *(article(name) for name in random.Random(3).sample(names, 40)))

    assert names[:3] == ids(client.get(path_of("source"), query_string={"limit": 3}))


def test_every_page_is_a_slice_of_the_whole_list(client: FlaskClient, put: Put) -> None:
    put(*(article(name, published_at=f"2025-03-0{n + 1}") for n, name in enumerate(STORIES)))
    put(*(article(f"kursk-{n}", title=f"Kursk, day {n}") for n in range(4)))
    whole = ids(client.get(KURSK, query_string={"limit": 50}))
    pages = {
        (offset, limit): ids(client.get(KURSK, query_string={"offset": offset, "limit": limit}))
        for offset in range(10)
        for limit in (1, 2, 3, 7)
    }

    assert 8 == len(whole)
    assert {(offset, limit): whole[offset : offset + limit] for offset, limit in pages} == pages


def test_a_page_beyond_the_end_is_empty(client: FlaskClient, archive: None) -> None:
    assert [] == ids(client.get(KURSK, query_string={"offset": 1000}))


def test_the_newest_of_a_page_come_first_when_sorted_by_date(client: FlaskClient, put: Put) -> None:
    put(
        article("kursk"),
        article("early", published_at="2025-03-10T07:00:00Z"),
        article("half-a-second-later", published_at="2025-03-10T07:00:00.5Z"),
        article("late", published_at="2025-03-11T01:00:00+02:00"),
        article("undated", published_at=None),
    )

    found = ids(client.get(KURSK, query_string={"sort": "published_at"}))

    assert ["late", "half-a-second-later", "early", "undated"] == found


# Filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("section=World", {"sudzha"}),
        ("section=world", {"sudzha"}),
        ("section=World&section=POLITICS", {"sudzha", "ceasefire"}),
        ("tag=ukraine", {"sudzha", "ceasefire"}),
        ("tag=council&tag=diplomacy", {"budget", "ceasefire"}),
        ("author=BO%20LI", {"sudzha", "final"}),
        ("author=strasse", {"ceasefire"}),
        ("section=World&author=Straße", set()),
        ("section=Nowhere", set()),
        ("tag=ukraine&exclude=sudzha", {"ceasefire"}),
        ("lang=es", {"tregua"}),
        ("lang=es&lang=EN-gb", {"sudzha", "ceasefire", "budget", "final", "tregua"}),
        ("lang=any", {"sudzha", "ceasefire", "budget", "final", "tregua"}),
        ("lang=es&lang=any&tag=ukraine", {"sudzha", "ceasefire"}),
        ("published_after=2025-03-11T08:00:00Z", {"sudzha", "ceasefire"}),
        ("published_after=2025-03-11T08:00:00.000001Z", {"sudzha"}),
        ("published_before=2025-03-11T08:00:00Z", {"budget", "final"}),
        ("published_before=2025-03-11T10:00:01%2B02:00", {"ceasefire", "budget", "final"}),
        ("published_after=2025-03-10&published_before=2025-03-11", {"budget"}),
        ("pub_date_start=2025-03-10&pub_date_end=2025-03-11", {"budget"}),
        ("published_after=7d", set()),
    ],
)
def test_filters_limit_the_articles_of_a_list(
    client: FlaskClient, archive: None, query: str, expected: set[str]
) -> None:
    assert expected == set(ids(client.get(f"{KURSK}?{query}")))


def test_a_list_is_in_the_language_of_its_source(client: FlaskClient, archive: None) -> None:
    assert "tregua" not in ids(client.get(KURSK))
    items = client.get(path_of("tregua")).json["items"]
    assert {"other_language"} == {item["reason"]["code"] for item in items}


def test_a_text_of_unknown_language_gets_all_languages(client: FlaskClient, put: Put) -> None:
    put(*ARCHIVE, article("numbers", title="7 : 0", body="", language=None))

    assert {"tregua", "kursk"} <= set(ids(client.get(path_of("numbers"))))


def test_ages_count_back_from_now(client: FlaskClient, put: Put) -> None:
    put(
        article("kursk", published_at=in_seconds(-1)),
        article("yesterday", published_at=in_seconds(-86_400)),
        article("last-month", published_at=in_seconds(-30 * 86_400)),
    )
    newer = {
        age: ids(client.get(KURSK, query_string={"published_after": age}))
        for age in ("30m", "25h", "7d", "5w")
    }

    assert {
        "30m": [],
        "25h": ["yesterday"],
        "7d": ["yesterday"],
        "5w": ["yesterday", "last-month"],
    } == newer
    assert ["last-month"] == ids(client.get(KURSK, query_string={"published_before": "7d"}))


def test_an_excluded_article_is_replaced_by_the_next(client: FlaskClient, archive: None) -> None:
    whole = ids(client.get(KURSK, query_string={"limit": 50}))
    without_first = ids(
        client.get(KURSK, query_string={"exclude": [whole[0], "unknown", "kursk"], "limit": 2})
    )

    assert whole[1:3] == without_first


def test_excluding_everything_leaves_an_empty_list(client: FlaskClient, archive: None) -> None:
    answer = client.get(KURSK, query_string={"exclude": list(STORIES)}).json

    assert ([], False) == (answer["items"], answer["fallback"])


def test_no_similar_item_is_below_the_minimum(client: FlaskClient, archive: None) -> None:
    whole = client.get(f"{KURSK}?fallback=false").json["items"]
    second = whole[1]["score"]
    items = client.get(f"{KURSK}?fallback=false&min_score={second}").json["items"]

    assert whole[:2] == items


# The fallback


def test_a_short_list_is_filled_with_the_newest_and_marked(client: FlaskClient, put: Put) -> None:
    put(
        article("kursk"),
        article("sudzha", published_at="2025-01-01"),
        article("budget", published_at="2025-03-10", body=""),
        article("final", published_at="2025-03-12", body=""),
    )
    answer = client.get(KURSK).json
    items = [(item["id"], item["reason"]["code"], item["score"] > 0) for item in answer["items"]]

    assert [
        ("sudzha", "similar", True),
        ("final", "recent", False),
        ("budget", "recent", False),
    ] == items
    assert answer["fallback"] is True


@pytest.mark.parametrize(
    ("query", "filled_up"),
    [
        ("fallback=true", True),
        ("fallback=false", False),
        ("respect_empty_results=true", False),
        ("respect_empty_results=1", False),
        ("respect_empty_results=false", True),
        ("respect_empty_results=true&fallback=true", True),
    ],
)
def test_a_list_is_not_filled_without_fallback(
    client: FlaskClient, put: Put, query: str, filled_up: bool
) -> None:
    put(article("kursk"), article("final", body=""))
    answer = client.get(f"{KURSK}?{query}").json

    assert (filled_up, ["final"] if filled_up else []) == (
        answer["fallback"],
        [item["id"] for item in answer["items"]],
    )


def test_a_full_page_is_not_marked_as_filled(client: FlaskClient, archive: None) -> None:
    assert client.get(f"{KURSK}?limit=1").json["fallback"] is False


@pytest.mark.parametrize("title", ["!!!", "🙂", "the"])
def test_a_story_without_words_to_compare_gets_the_newest(
    client: FlaskClient, key: Key, put_all: PutAll, title: str
) -> None:
    silent = article("silent", title=title, body="")
    put_all([silent, *ARCHIVE])
    draft = client.post("/v1/main/related", json=silent, headers=key)

    assert ["kursk", "sudzha", "ceasefire", "budget", "final"] == ids(client.get(path_of("silent")))
    assert ids(draft) == ids(client.get(path_of("silent")))


# Changes of the archive


@pytest.mark.parametrize("path", [KURSK, f"{KURSK}.html", "/v1/main/recent"])
def test_a_deleted_article_is_gone_from_the_next_list(
    client: FlaskClient, key: Key, archive: None, path: str
) -> None:
    before = client.get(path).text
    client.delete(path_of("sudzha", ""), headers=key)
    after = client.get(path).text

    assert (True, False) == ("Flag raised" in before, "Flag raised" in after)


def test_a_deleted_article_has_no_list(client: FlaskClient, key: Key, archive: None) -> None:
    client.get(KURSK)
    client.delete(path_of("kursk", ""), headers=key)

    assert 404 == client.get(KURSK).status_code


@pytest.mark.parametrize("path", [KURSK, f"{KURSK}.html", "/v1/main/recent"])
def test_an_edited_title_shows_at_once(
    client: FlaskClient, put: Put, archive: None, path: str
) -> None:
    client.get(path)
    put(article("sudzha", title="Sudzha, corrected"))

    assert "Sudzha, corrected" in client.get(path).text


def test_a_new_article_shows_at_once(client: FlaskClient, put: Put, archive: None) -> None:
    client.get(KURSK)
    put(article("newcomer"))

    assert "newcomer" == ids(client.get(KURSK))[0]


@pytest.mark.parametrize("path", [KURSK, "/v1/main/recent"])
def test_an_article_with_a_future_date_shows_when_its_time_has_come(
    client: FlaskClient, put: Put, archive: None, path: str
) -> None:
    def put_and_read(moment: datetime) -> list[TestResponse]:
        put(article("embargoed", published_at=moment.isoformat()))
        return [client.get(path), client.get(path)]

    first, second = before_and_at(put_and_read)

    assert ("AlsoSee; hit", False) == (second.headers["Cache-Status"], "embargoed" in ids(first))
    assert "embargoed" in ids(client.get(path))


def test_the_last_instant_of_the_calendar_is_only_another_future_date(
    client: FlaskClient, put: Put, archive: None
) -> None:
    put(article("never", published_at="9999-12-31T23:59:59.999999Z"))

    assert "never" not in ids(client.get(KURSK))


def test_a_first_instant_of_the_calendar_is_only_another_past_date(
    client: FlaskClient, put: Put
) -> None:
    put(article("kursk"), article("ancient", published_at="0001-01-01T00:00:00Z"))

    assert ["ancient"] == ids(client.get(KURSK))


# Caching


def test_the_second_answer_comes_from_the_cache(client: FlaskClient, archive: None) -> None:
    states = [client.get(KURSK).headers["Cache-Status"] for _ in range(2)]

    assert ["AlsoSee; fwd=miss", "AlsoSee; hit"] == states


@pytest.mark.parametrize("query", ["", "limit=20&sort=published_at", "section=World&lang=en"])
@pytest.mark.parametrize("form", ["", ".html"])
def test_cached_and_uncached_answers_are_the_same_bytes(
    client: FlaskClient,
    raw_redis: "redis.Redis",
    settings: Settings,
    archive: None,
    query: str,
    form: str,
) -> None:
    path = f"{KURSK}{form}?{query}"
    made, cached = client.get(path), client.get(path)
    raw_redis.delete(*raw_redis.keys("see:{main}:list:*"))
    made_again = client.get(f"{path}&spelt=differently")  # the worker itself remembers the other
    raw_redis.delete(*raw_redis.keys("see:{main}:list:*"))
    with Backend(settings) as other_worker:
        elsewhere = create_app(backend=other_worker).test_client().get(path)

    assert ["fwd=miss", "hit", "fwd=miss", "fwd=miss"] == [
        response.headers["Cache-Status"].removeprefix("AlsoSee; ")
        for response in (made, cached, made_again, elsewhere)
    ]
    assert {made.data} == {cached.data, made_again.data, elsewhere.data}
    assert {made.headers["ETag"]} == {r.headers["ETag"] for r in (cached, made_again, elsewhere)}


def test_any_cache_may_keep_a_list_for_ten_seconds(client: FlaskClient, archive: None) -> None:
    expected = "public, max-age=10, stale-while-revalidate=20, stale-if-error=20"

    assert expected == client.get(KURSK).headers["Cache-Control"]


@pytest.mark.parametrize("path", [KURSK, f"{KURSK}.html", "/v1/main/recent", f"{KURSK}?limit=0"])
def test_head_answers_as_get_without_the_body(
    client: FlaskClient, archive: None, path: str
) -> None:
    client.get(path)
    full, head = client.get(path), client.head(path)

    assert (full.status_code, dict(full.headers), b"") == (
        head.status_code,
        dict(head.headers),
        head.data,
    )


@pytest.mark.parametrize("spelling", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_a_list_that_did_not_change_is_not_sent_again(
    client: FlaskClient, archive: None, spelling: str
) -> None:
    first = client.get(KURSK)
    tags = spelling.format(etag=first.headers["ETag"])
    second = client.get(KURSK, headers={"If-None-Match": tags})

    assert (304, b"", first.headers["ETag"], first.headers["Cache-Control"], "*") == (
        second.status_code,
        second.data,
        second.headers["ETag"],
        second.headers["Cache-Control"],
        second.headers["Access-Control-Allow-Origin"],
    )


@pytest.mark.parametrize(
    "path", [KURSK, "/v1/main/recent.rss", "/v1/main/recent", "/widget.js", "/static/demo.css"]
)
def test_conditions_on_whatever_exists(put: Put, client: FlaskClient, path: str) -> None:
    put(*ARCHIVE)
    conditions = [{"If-Match": "*"}, {"If-None-Match": "*"}, {"If-Match": '"other"'}]
    for _ in range(3):  # made, from the list cache, and a hot answer
        answers = [client.get(path, headers=condition) for condition in conditions]
        for answer in answers:
            answer.close()  # a file stays open until then

        assert [200, 304, 412] == [answer.status_code for answer in answers]


def test_a_list_that_changed_is_sent_again(client: FlaskClient, put: Put, archive: None) -> None:
    old = client.get(KURSK).headers["ETag"]
    put(article("sudzha", title="Sudzha, corrected"))
    response = client.get(KURSK, headers={"If-None-Match": old})

    assert (200, True) == (response.status_code, old != response.headers["ETag"])


@pytest.mark.parametrize(
    "spelling",
    [
        "utm_source=x",
        "nonsense=1&nonsense=2",
        "limit=5",
        "fallback=1&sort=score",
        "LIMIT=7",
        "callback=alert(1)",
        "respect_empty_results=false",
    ],
)
def test_unknown_and_default_parameters_are_no_part_of_a_cache_key(
    client: FlaskClient, raw_redis: "redis.Redis", archive: None, spelling: str
) -> None:
    plain = client.get(KURSK)
    keys = raw_redis.dbsize()
    spelt = client.get(f"{KURSK}?{spelling}")

    assert (plain.data, "AlsoSee; hit", keys) == (
        spelt.data,
        spelt.headers["Cache-Status"],
        raw_redis.dbsize(),
    )


def test_equal_options_have_one_cache_key(
    client: FlaskClient, raw_redis: "redis.Redis", archive: None
) -> None:
    client.get(f"{KURSK}?section=World&limit=3")
    keys = raw_redis.dbsize()
    client.get(f"{KURSK}?limit=3&section=world")

    assert keys == raw_redis.dbsize()


@pytest.mark.parametrize(
    "made_up",
    [
        "tag=ukraine&tag={}",
        "section=World&section={}",
        "author=Ana%20Ruiz&author={}",
        "tag={}",
        "exclude={}",
        "offset={:d}",
        "min_score=0.{:03d}",
        "published_after=2025-01-01T00:00:00.{:06d}Z",
        "published_before={:d}m",
        "pub_date_start={:d}m",
        "{}=1",
        "lang=en&lang={:03d}",
        "lang=en&lang=en-{:03d}",
    ],
)
def test_made_up_queries_leave_nothing_in_the_store(
    client: FlaskClient, raw_redis: "redis.Redis", archive: None, made_up: str
) -> None:
    client.get(KURSK)
    keys = raw_redis.dbsize()
    for number in range(1, 8):
        client.get(f"{KURSK}?{made_up.format(number)}")

    assert raw_redis.dbsize() <= keys + 1


def test_unknown_ids_leave_nothing_in_the_store(
    client: FlaskClient, raw_redis: "redis.Redis", archive: None
) -> None:
    keys = raw_redis.dbsize()
    for number in range(20):
        client.get(path_of(f"nobody-{number}"))

    assert keys == raw_redis.dbsize()


# By address


@pytest.mark.parametrize(
    "spelling",
    [
        "https://news.example/kursk",
        "http://news.example/kursk",
        "HTTPS://NEWS.example/kursk",
        "https://www.news.example/kursk",
        "https://news.example:443/kursk",
        "https://news.example/kursk/",
        "https://news.example/kursk?utm_source=feed&fbclid=1",
        "https://news.example/kursk#comments",
        "http://www.news.example/kursk/?gclid=7&utm_medium=mail#top",
        "https://news.example/%6Bursk",
        "  https://news.example/kursk ",
    ],
)
def test_an_article_is_found_by_any_spelling_of_its_address(
    client: FlaskClient, archive: None, spelling: str
) -> None:
    by_url = client.get("/v1/main/related", query_string={"url": spelling})

    assert client.get(KURSK).data == by_url.data


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://news.example/kursk-2", 404),
        ("https://news.example/kursk?id=2", 404),
        ("https://elsewhere.example/kursk", 404),
        ("https://news.example:8443/kursk", 404),
        ("kursk", 400),
        ("", 400),
        ("javascript:alert(1)", 400),
        ("https://", 400),
        ("https://[::1", 400),
        ("https://news.example:port/kursk", 400),
        ("https://news.example/" + "k" * 2000, 400),
        ("https://news.example/\0", 404),
        ("https://news.example/%FF%00", 404),
    ],
)
def test_another_address_is_not_found_and_no_address_is_refused(
    client: FlaskClient, archive: None, url: str, status: int
) -> None:
    assert status == client.get("/v1/main/related", query_string={"url": url}).status_code


def test_the_address_must_be_given_once(client: FlaskClient, archive: None) -> None:
    answers = [client.get("/v1/main/related"), client.get("/v1/main/related?url=a&url=b")]

    assert [(400, "/url")] * 2 == [
        (answer.status_code, answer.json["errors"][0]["pointer"]) for answer in answers
    ]


def test_an_article_that_moved_is_found_by_its_new_address_only(
    client: FlaskClient, put: Put, archive: None
) -> None:
    put(article("kursk", url="https://news.example/moved"))
    statuses = [
        client.get("/v1/main/related", query_string={"url": f"https://news.example/{page}"})
        for page in ("moved", "kursk")
    ]

    assert [200, 404] == [response.status_code for response in statuses]


# The newest


def test_recent_lists_the_newest_of_all_languages(client: FlaskClient, archive: None) -> None:
    response = client.get("/v1/main/recent")

    assert ["tregua", "kursk", "sudzha", "ceasefire", "budget"] == ids(response)
    assert (None, False, {"recent"}) == (
        response.json["source"],
        response.json["fallback"],
        {item["reason"]["code"] for item in response.json["items"]},
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tag=ukraine&limit=2", ["kursk", "sudzha"]),
        ("offset=4", ["budget", "final"]),
        ("lang=es", ["tregua"]),
        ("exclude=tregua&exclude=kursk&limit=1", ["sudzha"]),
        ("published_before=2025-03-10", ["final"]),
    ],
)
def test_recent_takes_the_same_filters(
    client: FlaskClient, archive: None, query: str, expected: list[str]
) -> None:
    assert expected == ids(client.get(f"/v1/main/recent?{query}"))


def test_an_empty_site_has_an_empty_list(client: FlaskClient) -> None:
    assert [] == ids(client.get("/v1/main/recent"))


# Drafts


def test_a_draft_gets_the_list_its_text_would_have_without_the_story_it_tells_again(
    client: FlaskClient, key: Key, archive: None
) -> None:
    title, body = STORIES["kursk"]
    draft = {"headline": title, "content": f"<p>{body}</p>"}
    response = client.post("/v1/main/related", json=draft, headers=key)

    assert "sudzha" == ids(response)[0]
    assert "kursk" not in ids(response)
    assert {"id": None, "url": None, "title": title} == response.json["source"]


@pytest.mark.parametrize(
    ("in_body", "query"),
    [
        ({"published_before": "2025-03-12", "limit": 1}, ""),
        ({}, "published_before=2025-03-12&limit=1"),
        ({"published_before": "1d", "limit": 3}, "published_before=2025-03-12&limit=1"),
        ({"exclude": ["kursk", "sudzha"], "limit": 1}, ""),
        ({"limit": 1}, "section=politics"),
        ({"limit": 1, "section": "World", "lang": "en"}, "tag=diplomacy"),
    ],
)
def test_a_draft_takes_parameters_in_its_body_and_in_the_query_string(
    client: FlaskClient, key: Key, archive: None, in_body: dict[str, Any], query: str
) -> None:
    draft = {"title": "Kursk and Sudzha", "body": STORIES["kursk"][1]} | in_body
    response = client.post(f"/v1/main/related?{query}", json=draft, headers=key)

    assert ["ceasefire"] == ids(response)


def test_a_saved_draft_does_not_list_itself(client: FlaskClient, key: Key, archive: None) -> None:
    response = client.post("/v1/main/related", json=article("kursk"), headers=key)

    assert "kursk" not in ids(response)


def test_a_draft_leaves_nothing_in_the_store(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis", archive: None
) -> None:
    keys, version = raw_redis.dbsize(), raw_redis.get("see:{main}:version")
    client.post("/v1/main/related", json=article("new"), headers=key)

    assert (keys, version) == (raw_redis.dbsize(), raw_redis.get("see:{main}:version"))


def test_the_list_of_a_draft_is_not_cached(client: FlaskClient, key: Key, archive: None) -> None:
    response = client.post("/v1/main/related", json=article("new"), headers=key)

    assert ("no-store", None) == (
        response.headers["Cache-Control"],
        response.headers.get("Access-Control-Allow-Origin"),
    )


# The HTML fragment

HOSTILE = [
    '"><script>alert(1)</script>',
    "</h3></li></ol></aside><script src=//evil.example></script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/x",
    "https:evil.example",
    "https://news.example\\@evil.example/",
    "https://user:password@evil.example/",
    'https://news.example/"onclick="alert(1)',
    "https://news.example/'><script>alert(1)</script>",
    "https://news.example/\u202egpj.exe",
    "{{ 7 * 7 }} {% include '/etc/passwd' %}",
    "<!--<a href='--><b>x</b>",
    "<style>@import '//evil.example'</style>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<base href=//evil.example><form action=//evil.example><input type=submit>",
]
HARMLESS_TAGS = {"html", "head", "body", "aside", "h2", "h3", "ol", "li", "img", "a", "time", "p"}
HARMLESS_ATTRIBUTES = {
    *("alt", "aria-hidden", "aria-label", "class", "datetime", "decoding", "dir", "height"),
    *("href", "lang", "loading", "src", "tabindex", "width", "data-article", "data-recommendation"),
}


@pytest.fixture
def pages(client: FlaskClient, put_all: PutAll) -> list[LexborHTMLParser]:
    """The fragments of all pages of a list whose articles have every attack in every field."""
    picture = {"url": "https://news.example/a.jpg", "width": 10, "height": 10}
    put_all(
        [
            article("kursk"),
            *(
                article(f"{field}-{number}", **{field: text, "tags": [text]})
                for number, text in enumerate(HOSTILE)
                for field in ("title", "excerpt", "url", "image", "section", "language")
            ),
            *(
                article(f"alt-{number}", image={**picture, "alt": text}, authors=[text])
                for number, text in enumerate(HOSTILE)
            ),
        ]
    )
    found: list[LexborHTMLParser] = []
    while True:
        query = {"limit": 50, "offset": 50 * len(found), "lang": "any"}
        response = client.get(f"{KURSK}.html", query_string=query)
        if "<li" not in response.text:
            return found
        found.append(LexborHTMLParser(response.text))


def test_hostile_articles_are_shown_or_refused(
    pages: list[LexborHTMLParser],
) -> None:
    assert sum(len(page.css("li")) for page in pages) > 3 * len(HOSTILE)


def test_nothing_hostile_becomes_an_element(pages: list[LexborHTMLParser]) -> None:
    tags = {node.tag for page in pages for node in page.css("*")}

    assert tags <= HARMLESS_TAGS


def test_nothing_hostile_becomes_an_attribute(pages: list[LexborHTMLParser]) -> None:
    attributes = {name for page in pages for node in page.css("*") for name in node.attributes}

    assert attributes <= HARMLESS_ATTRIBUTES


def test_links_and_pictures_lead_to_http_or_https_only(pages: list[LexborHTMLParser]) -> None:
    addresses = [
        str(node.attributes[name])
        for page in pages
        for name in ("href", "src")
        for node in page.css(f"[{name}]")
    ]

    assert [] == [a for a in addresses if not a.startswith(("http://", "https://"))]
    links = [a for a in addresses if "evil.example" in a.split("/")[2]]
    assert {"https://evil.example/x"} >= set(links)  # a picture whose address says so


def test_a_hostile_title_is_shown_as_text(
    client: FlaskClient, pages: list[LexborHTMLParser]
) -> None:
    shown = [node.text().strip() for page in pages for node in page.css("h3")]
    titles = []
    for number in range(len(pages)):
        query = {"limit": 50, "offset": 50 * number, "lang": "any"}
        answer = client.get(KURSK, query_string=query).json
        titles += [item["title"] for item in answer["items"]]

    assert titles == shown


@pytest.mark.parametrize("field", ["title", "excerpt"])
def test_right_to_left_text_is_isolated(client: FlaskClient, put: Put, field: str) -> None:
    urdu = "کرسک میں جنگ بندی کی بات چیت"
    put(article("kursk"), article("urdu", **{field: f"\u202e{urdu}\u2067"}))
    node = LexborHTMLParser(client.get(f"{KURSK}.html").text).css_first(f".also-see-{field}")

    assert (urdu, "auto") == (node.text().strip(), node.attributes["dir"])


def test_an_empty_list_is_an_empty_fragment(client: FlaskClient, put: Put) -> None:
    put(article("kursk"))
    response = client.get(f"{KURSK}.html")

    assert (200, "text/html; charset=utf-8", "") == (
        response.status_code,
        response.content_type,
        response.text.strip(),
    )


def test_an_article_without_address_is_shown_without_a_link(client: FlaskClient, put: Put) -> None:
    put(article("kursk"), article("sudzha", url=None))
    page = LexborHTMLParser(client.get(f"{KURSK}.html").text)

    assert ("Flag raised over Sudzha as Ukraine withdraws", []) == (
        page.css_first("h3").text().strip(),
        page.css("a"),
    )


# Other origins


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (KURSK, 200),
        (f"{KURSK}.html", 200),
        ("/v1/main/recent", 200),
        ("/v1/main/related?url=https://news.example/kursk", 200),
        (f"{KURSK}?limit=0", 400),
        ("/v1/main/related", 400),
        ("/v1/main/articles/%00/related", 400),
        (path_of("nobody"), 404),
        ("/v1/nowhere/recent", 404),
    ],
)
def test_other_origins_may_read_lists_and_their_errors(
    client: FlaskClient, archive: None, path: str, status: int
) -> None:
    response = client.get(path)

    assert (status, "*", None) == (
        response.status_code,
        response.headers.get("Access-Control-Allow-Origin"),
        response.headers.get("Access-Control-Allow-Credentials"),
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", path_of("kursk", "")),
        ("GET", path_of("x/related", "")),
        ("GET", path_of("x/related.html", "")),
        ("PUT", path_of("kursk", "")),
        ("DELETE", path_of("kursk", "")),
        ("POST", "/v1/main/articles"),
        ("POST", "/v1/main/related"),
        ("POST", "/v1/main/recent"),
        ("OPTIONS", path_of("kursk", "")),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/nowhere"),
        ("GET", "/v1/main/recent/"),
    ],
)
@pytest.mark.parametrize("with_key", [True, False])
def test_other_origins_may_read_nothing_else(
    client: FlaskClient, key: Key, put: Put, method: str, path: str, with_key: bool
) -> None:
    put(article("kursk"))
    client.put(path_of("x/related", ""), json=article("x/related"), headers=key)
    client.put(path_of("x/related.html", ""), json=article("x/related.html"), headers=key)
    response = client.open(path, method=method, headers=key if with_key else {})

    assert "Access-Control-Allow-Origin" not in response.headers


def test_other_origins_may_not_send_keys(client: FlaskClient, archive: None) -> None:
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }
    response = client.options(path_of("kursk", ""), headers=headers)

    assert [] == [name for name, _ in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", [KURSK, f"{KURSK}.html", path_of("nobody"), "/nowhere"])
def test_browsers_do_not_sniff_content_types(client: FlaskClient, archive: None, path: str) -> None:
    assert "nosniff" == client.get(path).headers["X-Content-Type-Options"]
