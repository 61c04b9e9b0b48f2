"""The names that other systems give to the fields of an article."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from features.dates import is_placeholder

# If a record has several of these names, the first in this order that has a value is read. Case,
# blanks, hyphens and underscores are ignored: `post_title` is also "Post Title" and `postTitle`. A
# test compares this table with the one in the documentation.
FIELD_ALIASES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "_id", "@id", "nid", "article_id", "post_id", "objectID", "guid", "uuid",
        "identifier", "databaseId", "pk", "slug", "post_name",
    ),
    "title": ("title", "headline", "name", "post_title", "webTitle", "headlines"),
    "body": (
        "body", "content", "text", "body_html", "content_html", "content:encoded", "articleBody",
        "post_content", "html", "content_text", "plaintext", "bodyText", "content_elements",
        "blocks", "lead_paragraph", "markdown", "body_markdown", "content_markdown", "body_md",
        "content_md",
    ),
    "url": (
        "url", "link", "permalink", "web_url", "page_url", "mainEntityOfPage",
        "path",
    ),
    "canonical_url": ("canonical_url", "canonical", "rel_canonical"),
    "excerpt": (
        "excerpt", "summary", "description", "standfirst", "dek", "teaser", "post_excerpt",
        "custom_excerpt", "abstract", "subtitle", "short_description", "trailText", "snippet",
    ),
    "published_at": (
        "published_at", "published", "date_gmt", "post_date_gmt", "date", "pub_date", "pubDate",
        "datePublished", "post_date", "first_published_at", "published_date", "publish_date",
        "publication_date", "webPublicationDate", "isoDate", "display_date", "created_at",
        "created", "dateCreated",
    ),
    "updated_at": (
        "updated_at", "updated", "modified_gmt", "post_modified_gmt", "modified", "modified_at",
        "dateModified", "post_modified", "last_modified", "last_modified_at", "last_updated",
        "latest_published_at", "lastmod", "changed",
    ),
    "section": (
        "section", "category", "articleSection", "desk", "categories", "primary_category",
        "section_name", "primary_tag",
    ),
    "tags": ("tags", "keywords", "topics", "news_keywords", "post_tag"),
    "authors": (
        "authors", "author", "byline", "creator", "dc:creator", "primary_author", "author_name",
        "author_username",
    ),
    "language": ("language", "lang", "inLanguage", "locale", "langcode"),
    "image": (
        "image", "image_url", "thumbnail", "thumb_url", "featured_image", "picture",
        "feature_image", "featured_image_url", "thumbnail_url", "banner_image", "cover_image",
        "og_image", "urlToImage",
    ),
    "version": ("version", "revision"),
}  # fmt: skip

DATES = ("published_at", "updated_at")
MAX_NAME_CHARS = 40  # no known name is longer
NOTHING_CHOSEN: Mapping[str, str] = MappingProxyType({})
_SEPARATORS = str.maketrans("", "", " _-\t")


def folded_name(name: object) -> str:
    """*name* in the form in which names are compared; empty if it cannot be a known name."""
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS:
        return ""
    return _folded(name)


@lru_cache(maxsize=1024)  # every record of a file has the same names
def _folded(name: str) -> str:
    return name.casefold().translate(_SEPARATORS)


# A name, as above and folded → our field, and the rank of the name among those of the field.
_KNOWN: dict[str, tuple[str, int]] = {}
for _field, _aliases in FIELD_ALIASES.items():
    for _rank, _alias in enumerate(_aliases):
        _KNOWN.setdefault(_alias, (_field, _rank))
        _KNOWN.setdefault(folded_name(_alias), (_field, _rank))


def sender_names(
    data: Mapping[str, Any], chosen: Mapping[str, str] = NOTHING_CHOSEN
) -> dict[str, str]:
    """Our field → the sender's name for it. An empty value is taken only if there is no other."""
    return {field: names[0] for field, names in sender_names_by_rank(data, chosen).items()}


def sender_names_by_rank(
    data: Mapping[str, Any], chosen: Mapping[str, str] = NOTHING_CHOSEN
) -> dict[str, list[str]]:
    """
    Our field → the sender's names for it, the one to read first; names with null are left out.

    Args:
        chosen: our field → the name that its site has chosen, which comes before all others.
    """
    ours = _by_folded_name(chosen)
    ranked: dict[str, list[tuple[int, str]]] = {}
    for name, value in data.items():
        known = None if value is None else _known_name(name, ours)
        if known is not None:
            field, rank = known
            ranked.setdefault(field, []).append((rank, name))
    return {field: _in_order(field, names, data) for field, names in ranked.items()}


def _by_folded_name(chosen: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    return {folded_name(name) or name: (field, -1) for field, name in chosen.items()}


def _known_name(name: str, ours: Mapping[str, tuple[str, int]]) -> tuple[str, int] | None:
    """The field that a name stands for, and its rank there."""
    folded = folded_name(name)
    return ours.get(folded or name) or _KNOWN.get(name) or _KNOWN.get(folded)


def _in_order(field: str, ranked: list[tuple[int, str]], data: Mapping[str, Any]) -> list[str]:
    """The names of one field, those with a value first."""
    if len(ranked) == 1:  # as almost always; whether a date is none takes time to tell
        return [ranked[0][1]]
    by_value = sorted((_is_empty(field, data[name]), rank, name) for rank, name in ranked)
    return [name for *_, name in by_value]


def field_of(name: object) -> str | None:
    """The field that a name stands for."""
    known = _KNOWN.get(folded_name(name))
    return None if known is None else known[0]


def says_utc(name: str) -> bool:
    """Whether the name of a date says that it is in UTC, as `post_date_gmt` does."""
    return folded_name(name).endswith(("gmt", "utc"))


def _is_empty(field: str, value: object) -> bool:
    return is_placeholder(value) if field in DATES else value == ""
