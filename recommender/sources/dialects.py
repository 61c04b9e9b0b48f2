"""Turns the nested records of other systems into flat ones, and refuses drafts."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from features.fields import NOTHING_CHOSEN, field_of, folded_name, sender_names
from recommender.errors import InvalidInput
from recommender.sources.blocks import text_of_blocks
from recommender.sources.markdown import MARKDOWN_NAMES, text_of_markdown
from recommender.sources.records import Record
from recommender.sources.wordpress import is_post, post_fields

# WordPress's types of what is in its table of posts and is no article.
NO_ARTICLES = {
    "attachment", "custom_css", "customize_changeset", "nav_menu_item", "oembed_cache", "page",
    "product", "product_variation", "revision", "shop_coupon", "shop_order", "user_request",
    "wp_block", "wp_font_face", "wp_font_family", "wp_global_styles", "wp_navigation",
    "wp_template", "wp_template_part",
}  # fmt: skip
# What content systems call a text that readers may not see. `future` and `scheduled` are no part
# of it: such an article has its date and is shown from then on.
UNPUBLISHED = {
    "archived", "auto-draft", "deleted", "draft", "inherit", "pending", "private", "trash",
    "unpublished",
}  # fmt: skip
# Columns that are understood, though they are no fields: see `why_not_public`. Folded.
CONTROLS = {
    "draft", "isdraft", "ispublished", "password", "postpassword", "poststatus", "posttype",
    "state", "status", "type", "visibility",
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# Objects in which systems put the fields of an article, beside its number and the like.
_WRAPPERS = ("node", "item", "document", "post", "article", "fields", "Item")
# Names of the one value that an object stands for: JSON-LD, the New York Times, Arc XP.
_VALUES = ("@value", "main", "original", "basic")
_LOCALE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
# Fields of which a list may have several.
_LISTS = {"tags", "authors", "section", "image"}
_ADDRESS = ("http://", "https://", "/")
NO_ID = "articles without an id: their address is used as one"
NOT_EMBEDDED = "posts without section, tags, authors and picture: fetch them with ?_embed"


def flattened(
    record: Record, notes: Counter[str], chosen: Mapping[str, str] = NOTHING_CHOSEN
) -> Record:
    """
    The record with the fields of its article at the top, or why it is none that may be shown.

    Args:
        notes: counts what is worth a remark.
        chosen: field → the name that the site has chosen for it.
    """
    data = record.data
    if not isinstance(data, dict):
        return record
    if is_post(data):
        reason = _objection("type", data.get("type"))
        fields = InvalidInput.at("", reason) if reason else post_fields(data)
        if "_embedded" not in data and isinstance(fields, dict):
            notes[NOT_EMBEDDED] += 1
        return record._replace(data=fields)
    fields = {name: _single(name, _plain(value)) for name, value in _unpacked(data).items()}
    if "id" not in fields:
        _use_address_as_id(fields, notes, chosen)
    reason = why_not_public(fields)
    if reason:
        return record._replace(data=InvalidInput.at("", reason))
    return record._replace(data=fields)


def why_not_public(fields: Mapping[str, Any]) -> str:
    """Why readers may not see this, or why it is no article; empty if they may."""
    for name, value in fields.items():
        folded = folded_name(name)
        if folded in CONTROLS or folded == "published":
            reason = _objection(folded, value)
            if reason:
                return reason
    return ""


def _objection(name: str, value: object) -> str:
    word = value.strip().casefold() if isinstance(value, str) else value
    if name in ("status", "poststatus", "state") and word in UNPUBLISHED:
        return f"not published: {value!r}"
    if name in ("draft", "isdraft") and word in (True, "true", "1", "yes"):
        return "not published: a draft"
    if name in ("published", "ispublished") and word in (False, "false", "0", "no"):
        return "not published"
    if name in ("postpassword", "password") and isinstance(value, str) and value:
        return "protected by a password"
    if name in ("posttype", "type") and word in NO_ARTICLES:
        return f"no article: {value!r}"
    return ""


def _unpacked(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record in the envelope of its system; without `published: true`."""
    fields = data
    if isinstance(data.get("_source"), dict):  # a hit of Elasticsearch
        fields = {**_only(data, "_id"), **data["_source"]}
    elif isinstance(data.get("attributes"), dict):  # JSON:API, as Drupal and Strapi speak it
        fields = {**_only(data, "id"), **data["attributes"]}
        fields = {**fields, **_renamed(fields, "drupal_internal__nid", "id")}
    else:
        fields = _unwrapped(data)
    if fields.get("published") is not True:
        return fields
    # For us, `published` is a date.
    return {name: value for name, value in fields.items() if name != "published"}


def _unwrapped(data: dict[str, Any]) -> dict[str, Any]:
    wrapper = next((name for name in _WRAPPERS if isinstance(data.get(name), dict)), None)
    if wrapper is None:
        return data
    outer = {name: value for name, value in data.items() if name != wrapper}
    if isinstance(data.get("sys"), dict):  # Contentful
        outer |= _only(data["sys"], "id")
    inner: dict[str, Any] = data[wrapper]
    return outer | inner


def _use_address_as_id(
    fields: dict[str, Any], notes: Counter[str], chosen: Mapping[str, str]
) -> None:
    names = sender_names(fields, chosen)
    address = fields[names["url"]] if "url" in names else None
    if "id" not in names and isinstance(address, str) and address.startswith(_ADDRESS):
        fields["id"] = address
        notes[NO_ID] += 1


def _single(name: str, value: Any) -> Any:
    """The value of a field that has one, where a system sends lists, blocks or Markdown."""
    if isinstance(value, str) and folded_name(name) in MARKDOWN_NAMES:
        return text_of_markdown(value)
    if not isinstance(value, list | dict) or not value:
        return value
    field = field_of(name)
    if field == "body":
        return text_of_blocks(value) or value
    if field not in _LISTS and isinstance(value, list) and len(value) == 1:
        return value[0]
    return value


def _only(data: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: data[name]} if name in data else {}


def _renamed(data: dict[str, Any], theirs: str, ours: str) -> dict[str, Any]:
    return {ours: data[theirs]} if theirs in data else {}


def _plain(value: Any) -> Any:
    """A value without the wrapping that some systems put around it."""
    if isinstance(value, list):
        # Every field of Drupal's REST export; lists in lists of some JSON-LD.
        if len(value) == 1 and (_is_drupal_value(value[0]) or isinstance(value[0], list)):
            return _plain(value[0])
        return [_plain(one) for one in value]
    if not isinstance(value, dict) or not value:
        return value
    keys = value.keys()
    if keys == {"$oid"} or keys <= {"$numberLong", "$numberInt", "$numberDouble", "$uuid"}:
        return next(iter(value.values()))
    if keys == {"$date"}:
        return _mongo_date(value["$date"])
    if "rendered" in keys and keys <= {"rendered", "raw", "protected"}:
        return value["rendered"]
    if _is_drupal_value(value):
        return value.get("processed") or value["value"]
    if keys == {"date", "timezone_type", "timezone"}:  # PHP's DateTime
        return f"{value['date']} {value['timezone']}"
    if len(keys) == 1 and keys <= {"S", "N", "BOOL"}:  # DynamoDB
        return next(iter(value.values()))
    if "givenName" in keys and "name" not in keys:  # schema.org
        parts = (value["givenName"], value.get("familyName"))
        return {**value, "name": " ".join(part for part in parts if isinstance(part, str))}
    if len(keys) == 1 and keys <= {"node", "nodes", "edges", "data", "@list", "@set"}:
        return _plain(next(iter(value.values())))
    if keys == {"id", "attributes"}:
        return _plain(value["attributes"])
    for name in _VALUES:
        if isinstance(value.get(name), str):
            return value[name]
    if all(map(_LOCALE.fullmatch, keys)):  # Contentful: the first is the main language
        return _plain(next(iter(value.values())))
    if keys >= {"alias"} and keys <= {"alias", "pid", "langcode"}:
        return value["alias"]
    return value


def _is_drupal_value(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    if "alias" in value:
        return True
    return "value" in value and value.keys() <= {"value", "format", "processed", "summary", "lang"}


def _mongo_date(value: Any) -> Any:
    """ISO 8601; in the canonical form a date is a number of milliseconds."""
    if isinstance(value, dict):
        value = value.get("$numberLong")
    try:
        return (_EPOCH + timedelta(milliseconds=int(value))).isoformat()
    except (TypeError, ValueError, OverflowError):
        return value  # the relaxed form is ISO 8601 already
