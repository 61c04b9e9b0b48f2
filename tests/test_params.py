"""Input from outside is checked where it enters: it is refused with a reason, or does no harm."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest
import redis
from clocks import million_steps
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news import article
from werkzeug.test import TestResponse

from api.app import create_app
from features.values import MAX_LABELS
from recommender.backend import Backend
from recommender.config import Settings

Put = Callable[..., None]
Key = dict[str, str]

ARTICLE = "/v1/main/articles/kursk"
KURSK = f"{ARTICLE}/related"
TOO_LARGE = 2 * 2**20 + 1
MAX_STEPS = 20_000_000  # 0.3 s on a quiet machine; a parser bomb takes many seconds
REUSED = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Refusal(NamedTuple):
    status: int
    pointer: str | None


class Sender:
    """Sends requests that must be refused at little cost, with a reason, and without storing."""

    def __init__(self, client: FlaskClient, key: Key, raw_redis: "redis.Redis") -> None:
        self._client = client
        self._key = key
        self._redis = raw_redis

    def sends(self, method: str, path: str, **request: Any) -> Refusal:
        before = self._stored()
        response, steps = self._send(method, path, **request)
        if steps > MAX_STEPS:  # the garbage collector may have run
            response, steps = self._send(method, path, **request)

        assert (before, True) == (self._stored(), steps < MAX_STEPS)
        return Refusal(response.status_code, first_pointer(response))

    def _send(self, method: str, path: str, **request: Any) -> tuple[TestResponse, float]:
        """The answer, and its cost in steps of a plain loop."""
        began = time.thread_time()  # of this thread alone: other programs do not count
        response = self._client.open(path, method=method, headers=self._key, **request)
        cost = time.thread_time() - began
        return response, 1_000_000 * cost / million_steps()

    def _stored(self) -> tuple[int, bytes | None]:
        return self._redis.dbsize(), self._redis.get("see:{main}:version")


def first_pointer(response: TestResponse) -> str | None:
    """Check that the answer is a problem document, and return the first field that it names."""
    assert "application/problem+json" == response.content_type
    problem = response.json
    assert {"type", "title", "status", "detail"} <= problem.keys() <= {*problem, "errors"}
    assert (response.status_code, "about:blank") == (problem["status"], problem["type"])
    assert problem["title"]
    assert problem["detail"]
    errors = problem.get("errors", [])
    assert all({"pointer", "detail"} == error.keys() and error["detail"] for error in errors)
    return errors[0]["pointer"] if errors else None


# One store for the whole file, because refused requests change nothing.


@pytest.fixture(scope="module")
def raw_redis(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="module")
def backend(redis_url: str, raw_redis: "redis.Redis") -> Iterator[Backend]:
    with Backend(Settings(redis_url=redis_url, store_timeout_seconds=5)) as backend:
        yield backend


@pytest.fixture(scope="module")
def client(backend: Backend) -> FlaskClient:
    return create_app(backend=backend).test_client()


@pytest.fixture(scope="module")
def key(backend: Backend) -> Key:
    return {"Authorization": f"Bearer {backend.keys.create('main', ['ingest', 'edit'])}"}


@pytest.fixture(scope="module", autouse=True)
def archive(client: FlaskClient, key: Key) -> None:
    for name in ("kursk", "sudzha"):
        client.put(f"/v1/main/articles/{name}", json=article(name), headers=key)


@pytest.fixture(scope="module")
def sender(client: FlaskClient, key: Key, raw_redis: "redis.Redis") -> Sender:
    return Sender(client, key, raw_redis)


def warned(client: FlaskClient, key: Key, fields: dict[str, Any]) -> tuple[int, str]:
    """Send an article; the status, and the first field that is left out or cut."""
    response = client.put(ARTICLE, json=article() | fields, headers=key)
    return response.status_code, response.json["warnings"][0]["pointer"]


def body(**fields: Any) -> bytes:
    return orjson.dumps(article() | fields)


# Bodies that are not an article

NO_ARTICLES = {
    "empty": b"",
    "blank": b" \n",
    "null": b"null",
    "list": b"[]",
    "list of articles": b"[" + body() + b"]",
    "string": b'"text"',
    "number": b"7",
    "two objects": body() + body(),
    "half an object": body()[:-1],
    "NaN": b'{"title": "x", "version": NaN}',
    "Infinity": b'{"title": "x", "version": -Infinity}',
    "4,301 digits": b'{"title": "x", "version": ' + b"9" * 4301 + b"}",
    "4,301 digits in an unknown field": b'{"title": "x", "other": ' + b"9" * 4301 + b"}",
    "lone surrogate": b'{"title": "x\\ud800"}',
    "surrogates turned round": b'{"title": "x\\udc00\\ud800"}',
    "lone surrogate in a name": b'{"title": "x", "\\udfff": 1}',
    "surrogate as bytes": b'{"title": "x\xed\xa0\x80"}',
    "Latin-1": '{"title": "Moscú"}'.encode("latin-1"),
    "overlong UTF-8": b'{"title": "x\xc0\x80"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "UTF-32": '{"title": "x"}'.encode("utf-32"),
    "1,000 levels": b'{"title": "x", "other": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    "100,000 levels": b'{"title": "x", "other": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 open lists": b"[" * 100_000,
    "100,000 open objects": b'{"a":' * 100_000,
    "2 MiB of open lists": b"[" * 2 * 2**20,
    "two titles": b'{"title": "x", "title": "y"}',
    "two names alike once read": b'{"title": "x", "t\\u0069tle": "y"}',
    "two names deep inside": b'{"title": "x", "image": {"url": "a", "url": "b"}}',
    "raw newline in a string": b'{"title": "x\ny"}',
    "raw NUL": b'{"title": "x\x00y"}',
    "comment": b'{"title": "x"} // no JSON',
    "trailing comma": b'{"title": "x",}',
    "single quotes": b"{'title': 'x'}",
    "form": b"title=x&body=y",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
}


@pytest.mark.parametrize("name", NO_ARTICLES)
@pytest.mark.parametrize(("method", "path"), [("PUT", ARTICLE), ("POST", "/v1/main/related")])
def test_a_body_that_is_not_a_json_object_is_refused(
    sender: Sender, method: str, path: str, name: str
) -> None:
    assert (400, "") == sender.sends(method, path, data=NO_ARTICLES[name])


@pytest.mark.parametrize(
    "name", sorted(NO_ARTICLES.keys() - {"empty", "blank", "raw newline in a string"})
)
def test_a_line_that_is_not_a_json_object_is_one_bad_line(
    client: FlaskClient, key: Key, name: str
) -> None:
    bad = NO_ARTICLES[name].replace(b"\n", b"")
    lines = b"\n".join([body(title=name), bad, body(id="sudzha", title=name)])
    answers = client.post("/v1/main/articles", data=lines, headers=key).data.splitlines()

    assert ["changed", "rejected", "changed"] == [
        orjson.loads(answer)["status"] for answer in answers
    ]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", ARTICLE), ("POST", "/v1/main/related"), ("POST", "/v1/main/articles")],
)
def test_a_compressed_body_is_refused_by_its_name(
    sender: Sender, client: FlaskClient, key: Key, method: str, path: str, encoding: str
) -> None:
    bomb = gzip.compress(b" " * 10 * 2**20)
    headers = {**key, "Content-Encoding": encoding}
    response = client.open(path, method=method, data=bomb, headers=headers)

    assert (415, "identity") == (response.status_code, response.headers["Accept-Encoding"])
    assert repr(encoding) in response.json["detail"]
    assert (415, None) == sender.sends(method, path, data=bomb)  # without the header


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
def test_a_body_that_is_not_compressed_may_say_so(
    client: FlaskClient, key: Key, encoding: str
) -> None:
    headers = {**key, "Content-Encoding": encoding}
    response = client.put(ARTICLE, data=body(title=f"As {encoding}"), headers=headers)

    assert "changed" == response.json["outcome"]


def test_a_byte_order_mark_before_a_body_is_no_part_of_it(client: FlaskClient, key: Key) -> None:
    """PowerShell and some editors write one; only the first may be there."""
    mark = b"\xef\xbb\xbf"
    article_sent = client.put(ARTICLE, data=mark + body(title="Marked"), headers=key)
    bulk = mark + body(title="Marked") + b"\n" + mark + body(title="Marked again")
    lines = client.post("/v1/main/articles", data=bulk, headers=key).data.splitlines()
    draft = client.post("/v1/main/related", data=mark + body(), headers=key)

    assert ("changed", 200) == (article_sent.json["outcome"], draft.status_code)
    assert ["unchanged", "rejected"] == [orjson.loads(line)["status"] for line in lines]
    assert 400 == client.put(ARTICLE, data=mark * 2 + body(), headers=key).status_code


@pytest.mark.parametrize(("method", "path"), [("PUT", ARTICLE), ("POST", "/v1/main/related")])
def test_a_body_of_more_than_2_mib_is_refused(sender: Sender, method: str, path: str) -> None:
    assert (413, None) == sender.sends(method, path, data=b" " * TOO_LARGE)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "\xff"]
)
def test_the_content_type_does_not_matter(client: FlaskClient, key: Key, content_type: str) -> None:
    text = body(title=f"Sent as {content_type!r}")
    response = client.put(ARTICLE, data=text, headers=key, content_type=content_type)

    assert "changed" == response.json["outcome"]


# Fields

EVERY_FIELD = [
    *("title", "body", "url", "excerpt", "published_at", "updated_at", "section", "tags"),
    *("authors", "language", "image", "version"),
]
# Without these there is no article, or no order between two versions of it.
REQUIRED = ["title", "version"]
UNSAFE_WITH_NUL = ["title", "body", "url", "excerpt", "section", "authors", "language"]
WRONG_TYPES = [
    (field, value)
    for field in EVERY_FIELD
    for value in (7, 1.5, True, {"a": 1}, [["x"]], [None], [7])
    # a number is a version, in a list a tag; of several categories the first is the main one
    if (field, value) != ("version", 7)
    and not (field in ("section", "excerpt") and value in ([None], {"a": 1}))
    and not (field in ("tags", "authors") and value in ([7], [["x"]]))
    and not (field in ("language", "image") and value == [None])
    and not (field == "url" and value == {"a": 1})
]


@pytest.mark.parametrize(("field", "value"), WRONG_TYPES)
def test_a_field_of_the_wrong_type_is_named(
    sender: Sender, client: FlaskClient, key: Key, field: str, value: Any
) -> None:
    if field in REQUIRED:
        status, pointer = sender.sends("PUT", ARTICLE, data=body(**{field: value}))
    else:
        status, pointer = warned(client, key, {field: value})

    assert (400 if field in REQUIRED else 200, field) == (status, str(pointer).split("/")[1])


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        *((field, "x\0y", f"/{field}") for field in UNSAFE_WITH_NUL),
        ("tags", ["x\0y"], "/tags"),
        ("image", {"url": "https://news.example/", "alt": "\0"}, "/image/alt"),
        ("title", "", "/title"),
        ("title", " \u200b\u202e\n", "/title"),
        ("title", "<b></b>", "/title"),
        ("title", None, "/title"),
        ("title", "x" * 1001, "/title"),
        ("title", "<div>" * 400_000, "/title"),
        ("title", "&#x41;" * 300_000, "/title"),
        ("url", "javascript:alert(1)", "/url"),
        ("url", "java\tscript:alert(1)", "/url"),
        ("url", "data:text/html,x", "/url"),
        ("url", "https://user@news.example/", "/url"),
        ("url", "https://news.example\\@evil.example/", "/url"),
        ("url", "https://news.example/\u202e", "/url"),
        ("version", -1, "/version"),
        ("version", 2**53, "/version"),
        ("version", "7.0", "/version"),
        ("version", 7.0, "/version"),
    ],
)
def test_a_bad_field_is_named(sender: Sender, field: str, value: Any, pointer: str) -> None:
    assert (400, pointer) == sender.sends("PUT", ARTICLE, data=body(**{field: value}))


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("body", "x " * 100_001, "x " * 99_999 + "x"),
        ("body", "<" * 800_001, "<" * 200_000),
        ("excerpt", "x" * 2001, "x" * 1999 + "…"),
        ("section", "x" * 2001, None),
        ("tags", [f"x{n}" for n in range(MAX_LABELS + 1)], [f"x{n}" for n in range(MAX_LABELS)]),
        ("tags", ["x" * 1001, "war"], ["war"]),
        ("tags", [{"name": 7.5}, {}, "war"], ["war"]),
        ("authors", ["https://social.example/ana", "Ana"], ["Ana"]),
        ("url", "kursk", None),
        ("url", "/kursk", None),
        ("url", "//news.example/kursk", None),
        ("url", "ftp://news.example/kursk", None),
        ("url", "https:news.example", None),
        ("url", "https://", None),
        ("url", "https://news.example:99999/", None),
        ("url", "https://[::1/", None),
        ("url", "https://news.example/" + "x" * 2000, None),
        ("image", "data:image/png;base64,AAAA", None),
        ("image", {"width": 7}, None),
        ("image", {"url": "https://news.example/\0"}, None),
        ("language", "tlhIngan Hol", "en"),
        ("language", "x" * 10_000, "en"),
    ],
)
def test_an_optional_field_that_cannot_be_read_is_left_out_with_a_warning(
    client: FlaskClient, key: Key, field: str, value: Any, kept: Any
) -> None:
    assert (200, f"/{field}") == warned(client, key, {field: value})
    assert kept == client.get(ARTICLE, headers=key).json[field]


@pytest.mark.parametrize(("sent", "kept"), [(0, None), ("12px", 12), (2**63, None), ("auto", None)])
def test_a_size_of_a_picture_is_a_number_of_pixels_or_unknown(
    client: FlaskClient, key: Key, sent: Any, kept: int | None
) -> None:
    picture = {"url": "https://news.example/a", "width": sent}
    answer = client.put(ARTICLE, json=article(image=picture), headers=key).json

    assert [] == [w for w in answer["warnings"] if w["pointer"].startswith("/image")]
    assert kept == client.get(ARTICLE, headers=key).json["image"]["width"]


def test_a_bad_field_is_named_as_its_sender_calls_it(
    sender: Sender, client: FlaskClient, key: Key
) -> None:
    assert (400, "/headline") == sender.sends("PUT", ARTICLE, data=b'{"headline": 7}')
    fields = {"title": "x", "pubDate": "yesterday"}
    answer = client.put(ARTICLE, json=fields, headers=key).json
    assert ["/pubDate"] == [warning["pointer"] for warning in answer["warnings"]]


def test_all_bad_fields_are_named_at_once(client: FlaskClient, key: Key) -> None:
    fields = article(title=7, url="kursk", image={"url": "x\\"}, tags=7, published_at="never")
    errors = client.put(ARTICLE, json=fields, headers=key).json["errors"]

    assert ["/title", "/url", "/published_at", "/tags", "/image"] == [
        error["pointer"] for error in errors
    ]


def test_an_unknown_field_is_ignored(client: FlaskClient, key: Key) -> None:
    with_mood, without = article("grim", mood="grim"), article("grim")
    outcomes = [
        client.put("/v1/main/articles/grim", json=fields, headers=key).json["outcome"]
        for fields in (with_mood, without)
    ]

    assert ["added", "unchanged"] == outcomes


def test_the_longest_allowed_article_is_accepted(client: FlaskClient, key: Key) -> None:
    fields = article(
        "long",
        title="t" * 1000,
        body="中" * 200_000,
        excerpt="e" * 2000,
        tags=[f"{n} " + "g" * 900 for n in range(MAX_LABELS)],
        url="https://news.example/" + "u" * 1979,
    )

    assert 201 == client.put("/v1/main/articles/long", json=fields, headers=key).status_code


# Dates

ONE_INSTANT = [
    "2025-03-13T07:12:44Z",
    "2025-03-13T07:12:44.000Z",
    "2025-03-13T07:12:44+00:00",
    "2025-03-13 07:12:44+00",
    "20250313T071244Z",
    "2025-W11-4T07:12:44Z",
    "2025-03-13T09:12:44+02:00",
    "2025-03-12T23:12:44-0800",
    "2025-03-13T12:57:44+05:45",
    "2025-03-13T07:12:44",
    " 2025-03-13T07:12:44 ",
    "Thu, 13 Mar 2025 07:12:44 GMT",
    "Thu, 13 Mar 2025 09:12:44 +0200",
    "13 Mar 2025 03:12:44 EDT",
    "Thu, 13 Mar 2025 07:12:44 -0000",
]


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another zone for the whole process."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_an_instant_is_the_same_in_every_spelling_and_time_zone(
    client: FlaskClient, key: Key, time_zone: str
) -> None:
    dates = set()
    for spelling in ONE_INSTANT:
        client.put(ARTICLE, json=article(published_at=spelling), headers=key)
        dates.add(client.get(ARTICLE, headers=key).json["published_at"])

    assert {"2025-03-13T07:12:44Z"} == dates


def test_a_day_means_midnight_in_utc_in_every_time_zone(
    client: FlaskClient, key: Key, put: Put, time_zone: str
) -> None:
    put(article("midnight", published_at="1999-12-31"))
    lists = {
        name: [item["id"] for item in client.get(f"{KURSK}?{query}").json["items"]]
        for name, query in {
            "from that day on": "published_after=1999-12-31&published_before=2000-01-01",
            "before that day": "published_before=1999-12-31",
        }.items()
    }

    assert {"from that day on": ["midnight"], "before that day": []} == lists


@pytest.mark.parametrize(
    "date",
    [
        *("yesterday", "03/04/2025", "2025-13-01", "2025-02-30", "2025-03-13T25:00Z", "2025"),
        *("2025-03-13T07:12:44+99:00", "Thu, 32 Mar 2025 07:12:44 +0000", "-1", "now()"),
        *("٢٠٢٥-٠٣-١٣", "２０２５-03-13", "9" * 10_000),
        "Thu, 13 Mar " + "9" * 5000 + " 07:12:44 +0000",
        *(7, 45729.3, True, [], {}, ["2025-03-13"]),
    ],
)
@pytest.mark.parametrize("field", ["published_at", "updated_at"])
def test_a_date_that_cannot_be_read_is_left_out_with_a_warning(
    client: FlaskClient, key: Key, field: str, date: Any
) -> None:
    assert (200, f"/{field}") == warned(client, key, {field: date})
    assert client.get(ARTICLE, headers=key).json[field] is None


@REUSED
@given(st.text(st.sampled_from("0123456789-:TZ+., WMarThuGMT"), max_size=40))
def test_a_date_is_read_or_refused_but_never_breaks_anything(
    client: FlaskClient, key: Key, date: str
) -> None:
    response = client.put(ARTICLE, json=article(published_at=date), headers=key)

    assert response.status_code in (200, 201, 400)


# Parameters

BAD_PARAMETERS = [
    *((f"limit={value}", "/limit") for value in ("0", "51", "-1", "abc", "1e3", "", "５", "1２")),
    *((f"limit={value}", "/limit") for value in ("0x5", "5;6", "null", "NaN", "9" * 4301)),
    *((f"offset={value}", "/offset") for value in ("-1", "1001", "x", "", "1.5", "9" * 4301)),
    *((f"min_score={value}", "/min_score") for value in ("-0.1", "1.1", "x", "", "nan", "inf")),
    *((f"sort={value}", "/sort") for value in ("", "newest", "SCORE", "score,published_at")),
    *((f"fallback={value}", "/fallback") for value in ("", "2", "maybe", "null")),
    *((f"lang={value}", "/lang") for value in ("", "tlhIngan%20Hol", "%00", "..", "*")),
    *((f"{name}=", f"/{name}") for name in ("section", "tag", "author", "exclude")),
    *((f"{name}={'x' * 1001}", f"/{name}") for name in ("section", "tag", "author", "exclude")),
    ("exclude=a%0Ab", "/exclude"),
    ("exclude=%00", "/exclude"),
    ("&".join(["exclude=x"] * 201), "/exclude"),
    ("&".join(["tag=x"] * 51), "/tag"),
    ("&".join(["lang=en"] * 51), "/lang"),
    *((f"published_after={v}", "/published_after") for v in ("x", "7", "7y", "-7d", "7 d", "７d")),
    *((f"published_after={v}", "/published_after") for v in ("123456d", "2025-13-01", "%00")),
    ("published_before=0001-01-01T00:00:00%2B14:00", "/published_before"),
    ("pub_date_start=yesterday", "/pub_date_start"),
    ("pub_date_end=yesterday", "/pub_date_end"),
    ("respect_empty_results=maybe", "/respect_empty_results"),
    *((f"{name}=1&{name}=1", f"/{name}") for name in ("limit", "offset", "min_score", "fallback")),
    ("sort=score&sort=score", "/sort"),
    ("published_after=7d&published_after=7d", "/published_after"),
    ("published_after=7d&pub_date_start=7d", "/pub_date_start"),
    ("respect_empty_results=1&respect_empty_results=0", "/respect_empty_results"),
]


@pytest.mark.parametrize(("query", "pointer"), BAD_PARAMETERS)
def test_a_parameter_with_a_bad_value_is_named(sender: Sender, query: str, pointer: str) -> None:
    paths = [KURSK, f"{KURSK}.html", "/v1/main/recent"]

    assert [(400, pointer)] * 3 == [sender.sends("GET", f"{path}?{query}") for path in paths]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"limit": 0}, "/limit"),
        ({"limit": "x"}, "/limit"),
        ({"limit": [5]}, "/limit"),
        ({"offset": -1}, "/offset"),
        ({"exclude": "kursk"}, "/exclude"),
        ({"exclude": [""]}, "/exclude"),
        ({"exclude": [["kursk"]]}, "/exclude"),
        ({"published_after": 7}, "/published_after"),
        ({"min_score": 2}, "/min_score"),
        ({"sort": 7}, "/sort"),
        ({"fallback": {}}, "/fallback"),
        ({"tag": [""]}, "/tag"),
        ({"title": 7}, "/title"),
        ({"title": "", "body": ""}, "/title"),
        ({"title": None, "body": None}, "/title"),
        ({"id": "a\nb"}, "/id"),
        ({"url": "javascript:alert(1)"}, "/url"),
    ],
)
def test_a_bad_field_or_parameter_of_a_draft_is_named(
    sender: Sender, fields: dict[str, Any], pointer: str
) -> None:
    assert (400, pointer) == sender.sends("POST", "/v1/main/related", json=article() | fields)


@pytest.mark.parametrize(("query", "pointer"), BAD_PARAMETERS[::5])
def test_a_bad_parameter_in_the_request_of_a_draft_is_named(
    sender: Sender, query: str, pointer: str
) -> None:
    path = f"/v1/main/related?{query}"

    assert (400, pointer) == sender.sends("POST", path, json=article())


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&".join(f"x{n}=1" for n in range(5_000)),
        "x=" + "y" * 100_000,
        "&" * 10_000,
        "=" * 10_000,
        "%" * 10_000,
        "%FF=%FE",
        "\udcff=1",
        "__proto__[limit]=1&limit[]=7",
        "url=x",
    ],
)
def test_unknown_parameters_are_ignored(client: FlaskClient, query: str) -> None:
    query_string = quote(query, safe="&=%[]", errors="surrogateescape")

    assert 200 == client.get(KURSK, query_string=query_string).status_code


@REUSED
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    *("limit", "offset", "section", "tag", "author", "lang", "exclude", "sort"),
                    *("published_after", "published_before", "min_score", "fallback", "url"),
                    *("pub_date_start", "respect_empty_results", "version", "x"),
                ]
            ),
            st.one_of(
                st.text(max_size=12),
                st.integers().map(str),
                st.floats().map(str),
                st.sampled_from(["7d", "99999w", "2025-03-13", "en", "any", "true", "score"]),
            ),
        ),
        max_size=5,
    )
)
def test_no_query_string_breaks_anything(
    client: FlaskClient, key: Key, query: list[tuple[str, str]]
) -> None:
    paths = [KURSK, f"{KURSK}.html", "/v1/main/recent", "/v1/main/related"]
    encoded = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query)
    statuses = {client.get(f"{path}?{encoded}").status_code for path in paths}

    assert statuses <= {200, 400, 404}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@REUSED
@given(st.dictionaries(st.sampled_from([*EVERY_FIELD, "id", "headline", "keywords"]), JSON))
def test_no_article_breaks_anything(client: FlaskClient, key: Key, fields: dict[str, Any]) -> None:
    text = json.dumps(article() | fields)
    statuses = [
        client.put(ARTICLE, data=text, headers=key).status_code,
        client.post("/v1/main/related", data=text, headers=key).status_code,
        client.get("/v1/main/recent").status_code,
    ]

    assert statuses[0] in (200, 201, 400, 409)
    assert statuses[1] in (200, 400)
    assert statuses[2] == 200


# Paths


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/main/articles/\xff",
        b"/v1/main/articles/\xff/related",
        b"/v1/main/articles/\xed\xa0\x80/related",
        b"/v1/main/articles/\xc0\xaf/related.html",
        b"/v1/\xff/recent",
        b"/\xff",
        b"/static/\xff",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_path_that_is_not_utf_8_is_refused(sender: Sender, method: str, path: bytes) -> None:
    sent = sender.sends(
        method, "/", data=body(), environ_overrides={"PATH_INFO": path.decode("latin-1")}
    )

    assert (400, None) == sent


@pytest.mark.parametrize("article_id", ["", "%00", "a%0Ab", "%C2%85", "x" * 513, "x" * 99_999])
def test_an_impossible_id_in_the_address_of_a_list_is_refused(
    sender: Sender, article_id: str
) -> None:
    assert (400, "/id") == sender.sends("GET", f"/v1/main/articles/{article_id}/related")


@pytest.mark.parametrize("site", ["nowhere", "MAIN", "main%20", "*", "..", "%00", "x" * 9_999])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "recent"),
        ("GET", "related?url=https://news.example/kursk"),
        ("GET", "articles/kursk/related"),
        ("GET", "articles/kursk/related.html"),
        ("GET", "articles/kursk"),
        ("PUT", "articles/kursk"),
        ("DELETE", "articles/kursk"),
        ("POST", "articles"),
        ("POST", "related"),
    ],
)
def test_an_unknown_site_is_not_found(sender: Sender, site: str, method: str, path: str) -> None:
    assert (404, None) == sender.sends(method, f"/v1/{site}/{path}", data=body())


# Methods


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        # Two may be meant: the list beside `kursk`, and the article `kursk/related`.
        ("POST", KURSK, {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}),
        ("PATCH", "/v1/main/recent", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/v1/main/related", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PUT", "/v1/main/articles", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PATCH", ARTICLE, {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}),
        ("PUT", "/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/openapi.json", {"GET", "HEAD", "OPTIONS"}),
        ("TRACE", "/readyz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_an_unknown_method_is_answered_with_the_allowed_ones(
    client: FlaskClient, key: Key, method: str, path: str, allowed: set[str]
) -> None:
    response = client.open(path, method=method, headers=key)
    first_pointer(response)

    assert (405, allowed) == (response.status_code, set(response.headers["Allow"].split(", ")))
