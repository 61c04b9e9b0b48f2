"""A WordPress archive, as its REST API gives it, and the boxes of its posts."""

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from click.testing import CliRunner
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from api.cli.main import main
from recommender.errors import InvalidInput
from recommender.sources.wordpress import post_fields

FIXTURES = Path(__file__).parents[2] / "shared/data/fixtures/wordpress.tar.gz"
POST: dict[str, Any] = {
    "id": 42,
    "date": "2025-03-13T09:12:44",
    "date_gmt": "2025-03-13T07:12:44",
    "modified_gmt": "2025-03-14T07:00:00",
    "link": "https://news.example/42/",
    "status": "publish",
    "title": {"rendered": "Flag over Sudzha &#8211; again"},
    "content": {"rendered": "<p>A video showed troops.</p>", "protected": False},
    "excerpt": {"rendered": "<p>A video [&hellip;]</p>"},
    "categories": [3],
    "tags": [5, 6],
    "_embedded": {
        "author": [{"name": "Ana Ruiz"}],
        "wp:term": [
            [{"taxonomy": "category", "name": "World"}],
            [{"taxonomy": "post_tag", "name": "Kursk"}],
        ],
        "wp:featuredmedia": [
            {
                "source_url": "https://news.example/a.jpg",
                "alt_text": "A flag",
                "media_details": {"width": 800, "height": 450},
            }
        ],
    },
}


@pytest.fixture
def command(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("ALSOSEE_REDIS_URL", redis_url)
    return lambda *arguments: CliRunner().invoke(main, ["import", *map(str, arguments)])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_page_of_posts_is_imported_as_it_comes(
    command: Callable[..., Any],
    client: FlaskClient,
    key: dict[str, str],
    tmp_path: Path,
    pack: Callable[[bytes], bytes],
) -> None:
    file = tmp_path / "posts.json"
    file.write_bytes(pack(orjson.dumps([POST])))
    result = command(file)

    assert (0, True) == (result.exit_code, result.stdout.startswith("1 added"))
    assert {
        "id": "42",
        "title": "Flag over Sudzha – again",
        "body": "A video showed troops.",
        "url": "https://news.example/42/",
        "excerpt": "A video […]",
        "published_at": "2025-03-13T07:12:44Z",
        "updated_at": "2025-03-14T07:00:00Z",
        "section": "World",
        "tags": ["Kursk"],
        "authors": ["Ana Ruiz"],
        "language": "en",
        "image": {
            "url": "https://news.example/a.jpg",
            "width": 800,
            "height": 450,
            "alt": "A flag",
        },
        "version": None,
    } == client.get("/v1/main/articles/42", headers=key).json


@pytest.mark.parametrize(
    "post",
    [
        {**POST, "status": "draft"},
        {**POST, "content": {"rendered": "", "protected": True}},
    ],
)
def test_what_nobody_may_read_is_refused_in_words(post: Any) -> None:
    assert isinstance(post_fields(post), InvalidInput)


@pytest.mark.parametrize("rubbish", [None, 0, "x", [], [None], {}, {"0": []}, [[[]]], [{"a": 1}]])
@pytest.mark.parametrize("field", ["content", "excerpt", "_embedded", "date_gmt", "link"])
def test_rubbish_in_a_post_breaks_nothing(field: str, rubbish: Any) -> None:
    assert isinstance(post_fields({**POST, field: rubbish}), dict)


def test_what_is_no_post_in_an_array_of_posts_is_refused_alone(
    command: Callable[..., Any], raw_redis: "redis.Redis", tmp_path: Path
) -> None:
    file = tmp_path / "posts.json"
    file.write_bytes(orjson.dumps([POST, None, [], {"id": 1, "title": 5}]))
    result = command(file)

    assert result.stdout.startswith("1 added, 0 changed, 0 unchanged, 3 rejected")
    assert f"{file}:2: expected a JSON object" in result.stderr
    assert f"{file}:4: title: expected a string" in result.stderr


# A real site: 373 posts of a Spanish magazine


def embedded(posts: list[dict[str, Any]], media: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The posts as `_embed` would give them; the mirror has the pictures in a file of their own."""
    pictures = {one["id"]: one for one in media}
    return [
        {**post, "_embedded": {"wp:featuredmedia": [pictures[post["featured_media"]]]}}
        if post["featured_media"] in pictures
        else post
        for post in posts
    ]


@pytest.fixture
def magazine(
    client: FlaskClient, tmp_path: Path, command: Callable[..., Any]
) -> list[dict[str, Any]]:
    """Its posts, once they are imported."""
    if not FIXTURES.exists():
        pytest.skip("NO SHARED DATA: the WordPress fixture is not in this checkout")
    with tarfile.open(FIXTURES) as archive:
        posts, media = (
            orjson.loads(archive.extractfile(f"site/wp-json/wp/v2/{name}.json").read())  # type: ignore[union-attr]
            for name in ("posts", "media")
        )
    file = tmp_path / "posts.json"
    file.write_bytes(orjson.dumps(embedded(posts, media)))
    result = command(file)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].startswith(f"{len(posts)} added, 0 changed")
    return posts


def test_every_post_of_a_real_site_has_its_box(
    magazine: list[dict[str, Any]], client: FlaskClient
) -> None:
    boxes = [
        LexborHTMLParser(client.get(f"/v1/main/articles/{post['id']}/related.html").text)
        for post in magazine[::20]
    ]
    links = {link.attributes["href"] for box in boxes for link in box.css(".also-see-title a")}

    assert {5} == {len(box.css(".also-see-card")) for box in boxes}
    assert {"Leer también"} == {box.css_first("h2").text() for box in boxes}
    assert links <= {post["link"] for post in magazine}
    assert any(box.css(".also-see-picture") for box in boxes)


def test_a_real_post_is_found_by_its_address(
    magazine: list[dict[str, Any]], client: FlaskClient
) -> None:
    post = magazine[0]
    answer = client.get("/v1/main/related", query_string={"url": post["link"] + "?utm_source=x"})

    assert str(post["id"]) == answer.json["source"]["id"]
