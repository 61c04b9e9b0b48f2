"""One JSON object that holds articles: JSON Feed, a Ghost export, the answer of a search or API."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from recommender.errors import InvalidInput
from recommender.sources import ghost
from recommender.sources.records import Note, Record, UnreadableDocument, parse_json

MAX_DEPTH = 3  # of objects around the list of articles


def read(document: BinaryIO) -> Iterator[Record | Note]:
    """The articles in it, numbered from 1."""
    try:
        data = parse_json(document.read())
    except InvalidInput as error:
        raise UnreadableDocument(f"is {error}") from None
    if not isinstance(data, dict):
        raise UnreadableDocument("is no JSON object")
    if data.keys() == {"code", "message", "data"}:
        raise UnreadableDocument(f"is an error that WordPress answered: {data['message']}")
    elements = ghost.posts(data) or _json_feed_items(data) or _articles(data, MAX_DEPTH)
    if elements is None:
        elements = [data]
    for number, element in enumerate(elements, 1):
        yield Record(number, element)


def _json_feed_items(feed: dict[str, Any]) -> list[Any] | None:
    """The items of a JSON Feed, with what the feed says for all of them."""
    items = feed.get("items")
    if "jsonfeed.org" not in str(feed.get("version")) or not isinstance(items, list):
        return None
    shared = {}
    for name in ("language", "authors", "author"):
        if feed.get(name) is not None:
            shared[name] = feed[name]
    # A field of the item comes before that of the feed.
    return [{**shared, **item} if isinstance(item, dict) else item for item in items]


def _articles(data: dict[str, Any], depth: int) -> list[Any] | None:
    """
    The longest list of objects, in *data* or in an object in it.

    None when there is no such list: then the object itself is the article.
    """
    lists: list[list[Any]] = [value for value in data.values() if _is_list_of_objects(value)]
    if lists:
        return max(lists, key=len)
    if depth:
        for value in data.values():
            nested = _articles(value, depth - 1) if isinstance(value, dict) else None
            if nested is not None:
                return nested
    return None


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
