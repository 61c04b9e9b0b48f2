"""The names under which other systems send the fields of an article."""

import re
from collections.abc import Mapping
from typing import Any

# Of several names in one record, the first in this order that has a value is read. Case, blanks,
# hyphens and underscores do not count, so `post_title` is also "Post Title" and `postTitle`.
# README.md shows this table, and a test compares the two.
FIELD_ALIASES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "_id", "nid", "article_id", "post_id", "objectID", "guid", "uuid", "identifier",
        "slug", "post_name",
    ),
    "title": ("title", "headline", "name", "post_title"),
    "body": (
        "body", "content", "text", "body_html", "content_html", "content:encoded", "articleBody",
        "post_content", "html", "content_text", "plaintext",
    ),
    "url": (
        "url", "link", "permalink", "canonical_url", "web_url", "page_url", "mainEntityOfPage",
        "path",
    ),
    "excerpt": (
        "excerpt", "summary", "description", "standfirst", "dek", "teaser", "post_excerpt",
        "custom_excerpt", "abstract", "subtitle",
    ),
    "published_at": (
        "published_at", "published", "date_gmt", "post_date_gmt", "date", "pub_date", "pubDate",
        "datePublished", "post_date", "first_published_at", "published_date", "publish_date",
        "publication_date", "webPublicationDate", "isoDate", "created_at", "created",
        "dateCreated",
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
        "og_image",
    ),
    "version": ("version", "revision"),
}  # fmt: skip

DATES = ("published_at", "updated_at")
MAX_NAME_CHARS = 40  # longer names are none of ours
_SEPARATORS = str.maketrans("", "", " _-\t")
# How systems write "no date": the zero date of MySQL, and the first moment of a calendar.
_NO_DATE = re.compile(r"[-+]?000[01]-|1970-01-01(?:[T ]00:00(?::00)?|$)")


def folded_name(name: object) -> str:
    """*name* as names are compared; empty for what cannot be one of ours."""
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS:
        return ""
    return name.casefold().translate(_SEPARATORS)


_KNOWN: dict[str, tuple[str, int]] = {}
"""A name, as above and folded → our field, and the place of the name among those of the field."""
for _field, _aliases in FIELD_ALIASES.items():
    for _rank, _alias in enumerate(_aliases):
        _KNOWN.setdefault(_alias, (_field, _rank))
        _KNOWN.setdefault(folded_name(_alias), (_field, _rank))


def sender_names(data: Mapping[str, Any]) -> dict[str, str]:
    """Our field → the sender's name for it; null and empty strings count only when alone."""
    best: dict[str, tuple[bool, int]] = {}
    names: dict[str, str] = {}
    for name, value in data.items():
        known = None if value is None else _KNOWN.get(name) or _KNOWN.get(folded_name(name))
        if known is None:
            continue
        field, rank = known
        order = (_is_empty(field, value), rank)
        if field not in best or order < best[field]:
            best[field] = order
            names[field] = name
    return names


def _is_empty(field: str, value: object) -> bool:
    if field not in DATES or not isinstance(value, str):
        return value == ""
    return not value or _NO_DATE.match(value) is not None
