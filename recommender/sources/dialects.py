"""Turns the nested records of other systems into flat ones, and refuses drafts."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from features.fields import folded_name
from recommender.errors import InvalidInput
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


NOT_EMBEDDED = "posts without section, tags, authors and picture: fetch them with ?_embed"


def flattened(record: Record, notes: Counter[str]) -> Record:
    """The record with the fields of its article at the top, or why it is none that may be shown."""
    data = record.data
    if not isinstance(data, dict):
        return record
    if is_post(data):
        reason = _objection("type", data.get("type"))
        fields = InvalidInput.at("", reason) if reason else post_fields(data)
        if "_embedded" not in data and isinstance(fields, dict):
            notes[NOT_EMBEDDED] += 1
        return record._replace(data=fields)
    fields = {name: _plain(value) for name, value in _unpacked(data).items()}
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
    if fields.get("published") is not True:
        return fields
    # For us, `published` is a date.
    return {name: value for name, value in fields.items() if name != "published"}


def _only(data: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: data[name]} if name in data else {}


def _renamed(data: dict[str, Any], theirs: str, ours: str) -> dict[str, Any]:
    return {ours: data[theirs]} if theirs in data else {}


def _plain(value: Any) -> Any:
    """A value without the wrapping that some systems put around it."""
    if isinstance(value, list):
        if len(value) == 1 and _is_drupal_value(value[0]):  # every field of Drupal's REST export
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
