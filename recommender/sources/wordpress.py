"""Posts as WordPress's REST API gives them: `/wp-json/wp/v2/posts?per_page=100&_embed`."""

from itertools import chain
from typing import Any

from recommender.errors import InvalidInput


def is_post(data: object) -> bool:
    """Whether this is a post, and not a record of another system with a title."""
    return isinstance(_at(data, "title", "rendered"), str)


def post_fields(post: dict[str, Any]) -> dict[str, Any] | InvalidInput:
    """The post under our names; section, tags, authors and picture need `_embed`."""
    if post.get("status", "publish") != "publish":
        return _refused(f"not published: {post['status']!r}")
    if _at(post, "content", "protected"):
        return _refused("protected by a password")
    embedded = post.get("_embedded")
    return {
        "id": post.get("id"),
        "title": _at(post, "title", "rendered"),
        "body": _at(post, "content", "rendered"),
        "url": post.get("link"),
        "excerpt": _at(post, "excerpt", "rendered"),
        # The local times come second: they do not say of which zone they are.
        "date_gmt": post.get("date_gmt"),
        "date": post.get("date"),
        "modified_gmt": post.get("modified_gmt"),
        "modified": post.get("modified"),
        "section": _terms(embedded, "category"),
        "tags": _terms(embedded, "post_tag"),
        "authors": [_at(one, "name") for one in _all(_at(embedded, "author"))],
        "language": post.get("lang"),
        "image": _image(_at(embedded, "wp:featuredmedia", 0)),
    }


def _terms(embedded: object, taxonomy: str) -> list[Any]:
    terms = [*chain.from_iterable(map(_all, _all(_at(embedded, "wp:term"))))]
    return [_at(term, "name") for term in terms if _at(term, "taxonomy") == taxonomy]


def _image(media: object) -> dict[str, Any] | None:
    if not _at(media, "source_url"):
        return None
    return {
        "url": _at(media, "source_url"),
        "width": _at(media, "media_details", "width"),
        "height": _at(media, "media_details", "height"),
        "alt": _at(media, "alt_text"),
    }


def _at(value: Any, *path: str | int) -> Any:
    """What stands at the end of *path*, or None where that leads nowhere."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _all(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _refused(reason: str) -> InvalidInput:
    return InvalidInput.at("", reason)
