"""The names that other systems give to the fields of an article."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from features.dates import is_placeholder

# If a record has several of these names, the first in this order that has a value is read. Case,
# blanks, hyphens and underscores are ignored: `post_title` is also "Post Title" and `postTitle`. A
# test compares this table with the one in the documentation.
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
        "url", "link", "permalink", "web_url", "page_url", "mainEntityOfPage",
        "path",
    ),
    "canonical_url": ("canonical_url", "canonical", "rel_canonical"),
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
MAX_NAME_CHARS = 40  # no known name is longer
NOTHING_CHOSEN: Mapping[str, str] = MappingProxyType({})
_SEPARATORS = str.maketrans("", "", " _-\t")


def folded_name(name: object) -> str:
    """*name* in the form in which names are compared; empty if it cannot be a known name."""
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS:
        return ""
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
    ours = {folded_name(name) or name: (field, -1) for field, name in chosen.items()}
    ranked: dict[str, list[tuple[bool, int, str]]] = {}
    for name, value in data.items():
        if value is None:
            continue
        folded = folded_name(name)
        known = ours.get(folded or name) or _KNOWN.get(name) or _KNOWN.get(folded)
        if known is not None:
            field, rank = known
            ranked.setdefault(field, []).append((_is_empty(field, value), rank, name))
    return {field: [name for *_, name in sorted(names)] for field, names in ranked.items()}


def says_utc(name: str) -> bool:
    """Whether the name of a date says that it is in UTC, as `post_date_gmt` does."""
    return folded_name(name).endswith(("gmt", "utc"))


def is_known_name(name: object, chosen: Mapping[str, str] = NOTHING_CHOSEN) -> bool:
    """Whether this is a name for one of our fields."""
    return bool(sender_names({name: ""}, chosen)) if isinstance(name, str) else False


def _is_empty(field: str, value: object) -> bool:
    return is_placeholder(value) if field in DATES else value == ""
