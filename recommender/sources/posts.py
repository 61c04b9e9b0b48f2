"""Posts of Hugo, Jekyll, Zola and the like: front matter in YAML, TOML or JSON above Markdown."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import yaml
from markdown_it import MarkdownIt

from recommender.sources.encodings import utf8_bytes
from recommender.sources.places import Place
from recommender.sources.records import Note, Record, guess_note, refused

_YAML = re.compile(
    r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_TOML = re.compile(r"\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
# Tags of Hugo ({{< … >}}, {{% … %}}) and Liquid ({% … %}, {{ … }}), whose inner text stays, and
# attributes of kramdown ({: … }).
_TEMPLATE = re.compile(
    r"\{\{[<%].*?[>%]\}\}|\{%.*?%\}|\{\{.*?\}\}|^\{:[^}\n]*\}[ \t]*$", re.DOTALL | re.MULTILINE
)
# Tables of front matter whose entries belong to the post, by what generators call them.
_NESTED = ("params", "extra", "taxonomies")
# Where themes have the picture: an address, or an object with one.
_PICTURES = ("image", "images", "cover", "header", "featured_image", "thumbnail", "teaser")
_PICTURE_ADDRESSES = ("url", "src", "path", "image", "teaser", "og_image", "feature")


def read(
    document: BinaryIO, path: str = "", generator: str = "", permalink: str = "", home: str = ""
) -> Iterator[Record | Note]:
    """
    The one post that a file holds.

    Args:
        path: of the file below the folder of posts, with slashes.
        generator: `hugo` or `jekyll`, whose rules then make id and address; without one the path
            is the id.
        permalink: how the site's configuration forms addresses of posts; empty for the default.
        home: address of the site.
    """
    place = Place.of(PurePosixPath(path), generator, permalink)
    if place.is_section:
        yield Note("page of a section, not an article")
        return
    guesses: list[str] = []
    text = utf8_bytes(document.read(), guesses.append).decode(errors="surrogateescape").lstrip()
    yield from map(guess_note, guesses)
    try:
        matter, body = _split(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        yield refused(1, f"front matter is not readable: {reason[:300]}")
        return
    yield Record(1, _fields(_with_nested(matter), _html(body), place, home))


def _fields(matter: dict[str, Any], body: str, place: Place, home: str) -> dict[str, Any]:
    address = place.address(matter)
    own = {name: value for name, value in matter.items() if name not in _PICTURES}
    fields = {
        "title": place.title,
        "date": place.date,
        "language": place.language,
        **own,
        "id": matter.get("id") or place.article_id(address, home),
        "url": home.rstrip("/") + address,
        "body": body,
        "image": _picture(matter),
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _split(text: str) -> tuple[dict[str, Any], str]:
    """Front matter and text. Raises ValueError for front matter that has no end, or is no table."""
    if text.startswith("{"):
        matter, end = json.JSONDecoder().raw_decode(text)
        body = text[end:]
    else:
        is_toml = text.startswith("+")
        match = (_TOML if is_toml else _YAML).match(text)
        if match is None:
            raise ValueError("it has no end")
        matter = tomllib.loads(match[1]) if is_toml else _yaml(match[1])
        body = text[match.end() :]
    if not isinstance(matter, Mapping):
        raise ValueError("expected names with values")
    return {str(name): _as_json(value) for name, value in matter.items()}, body


def _yaml(text: str) -> Any:
    loader = yaml.CSafeLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _as_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(one) for one in value]
    return value


def _with_nested(matter: dict[str, Any]) -> dict[str, Any]:
    """The post's own fields, and those of a table in it."""
    fields: dict[str, Any] = {}
    for name in _NESTED:
        table = matter.get(name)
        if isinstance(table, dict):
            fields |= table
    return fields | {name: value for name, value in matter.items() if name not in _NESTED}


def _html(markdown: str) -> str:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    html: str = parser.render(_TEMPLATE.sub(" ", markdown))
    return html


def _picture(matter: dict[str, Any]) -> dict[str, Any] | None:
    for name in _PICTURES:
        value = matter.get(name)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, str) and value:
            return {"url": value}
        if isinstance(value, dict):
            address = next((value[key] for key in _PICTURE_ADDRESSES if value.get(key)), None)
            if isinstance(address, str):
                return {"url": address, "alt": value.get("alt")}
    return None
