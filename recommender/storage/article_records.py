"""
How an article is stored: its keys, and the arguments of the scripts that write it.

Without redis, because processes that only analyse articles import it.
"""

from base64 import b32encode
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b, sha1
from typing import Any, cast

import orjson

from features.addresses import normalize_url, plain_url
from features.analysis import AnalysedArticle
from features.article import Article
from features.vectorizer import ArticleFeatures
from recommender.articles import Card, card_of
from recommender.errors import CorruptRecord
from recommender.storage.packing import pack_record, pack_vector, unpack_record

LOG_LENGTH = 100_000  # entries that a site's change log keeps

# Of addresses; head.lua has them too.
KEY_LENGTH = 32
MAX_APART = 7  # keys under one plain address
FULL = "*"  # stands for those that there was no room for

_TEXT_ARGUMENT = 6  # of `put_call`

ScriptCall = tuple[list[str], list[str | int | bytes]]
"""Keys and arguments of a Lua script."""


def site_key(site: str, *parts: str) -> str:
    """
    Return `see:{site}:part:part`.

    The braces are Redis Cluster's hash tag. An article id is never a part: pass its digest.
    """
    return ":".join((f"see:{{{site}}}", *parts))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_date_or_none(value: Any) -> bool:
    if not isinstance(value, str):
        return value is None
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_image_or_none(value: Any) -> bool:
    if not isinstance(value, dict):
        return value is None
    sizes = (value.get("width"), value.get("height"))
    has_sizes = all(size is None or type(size) is int for size in sizes)
    return has_sizes and _is_text(value.get("url")) and _is_text_or_none(value.get("alt"))


# Checked by hand: a model of pydantic takes three times as long for each card of a list.
_CARD_FIELDS: dict[str, Callable[[Any], bool]] = {
    "id": _is_text,
    "title": _is_text,
    "url": _is_text_or_none,
    "excerpt": _is_text_or_none,
    "published_at": _is_date_or_none,
    "updated_at": _is_date_or_none,
    "section": _is_text_or_none,
    "tags": _is_list_of_texts,
    "authors": _is_list_of_texts,
    "language": _is_text_or_none,
    "image": _is_image_or_none,
}
_TEXT_FIELDS: dict[str, Callable[[Any], bool]] = {
    **_CARD_FIELDS,
    "body": _is_text,
    "version": lambda value: value is None or type(value) is int,
}


def parse_card(payload: bytes) -> Card:
    """Raises CorruptRecord for anything but the fields of a card."""
    return cast(Card, _parse(payload, _CARD_FIELDS))


def parse_text(payload: bytes) -> dict[str, Any]:
    """Raises CorruptRecord for anything but the fields of an article."""
    return _parse(payload, _TEXT_FIELDS)


def _parse(payload: bytes, checks: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
    try:
        fields = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise CorruptRecord("article: no JSON") from error
    if not isinstance(fields, dict):
        raise CorruptRecord("article: no fields")
    for name, is_valid in checks.items():
        if name not in fields or not is_valid(fields[name]):
            raise CorruptRecord(f"article: {name}")
    return fields


def article_key(site: str, article_id: str) -> str:
    """128 bits of BLAKE2 in base32, so two articles never share a key, whatever their ids are."""
    digest = blake2b(f"{site}\0{article_id}".encode(), digest_size=16).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def address_key(address: str) -> str:
    """The field of an address, as `features.addresses` spells it, in the hash of addresses."""
    return blake2b(address.encode(), digest_size=16).hexdigest()


def address_keys(url: str | None) -> str:
    """
    What a head says of an address: the key of its normal form and, where that has parameters that
    only may be tracking, of the form without them.
    """
    if not url:
        return ""
    exact, plain = normalize_url(url), plain_url(url)
    return address_key(exact) + (address_key(plain) if plain != exact else "")


def split_address_keys(keys: str) -> tuple[str, str]:
    """From what a head says, the field of the address itself, and that of `apart_key` or ''."""
    exact, plain = keys[:KEY_LENGTH], keys[KEY_LENGTH:]
    return exact, f"~{plain}" if plain else ""


def apart_key(address: str) -> str:
    """
    The field under which the hash of addresses has the keys of those that differ from this plain
    one only in parameters that may be tracking.
    """
    return "~" + address_key(address)


def put_call(site: str, analysed: AnalysedArticle) -> ScriptCall:
    """For `put.lua`."""
    article = analysed.article
    text = article.model_dump_json().encode()
    key = article_key(site, article.id)
    args: list[str | int | bytes] = [
        key,
        article.id,
        _text(article.revision),
        blake2b(text, digest_size=16).hexdigest(),
        address_keys(article.url),
        pack_record(orjson.dumps(card_of(article))),
        pack_record(text),
        pack_vector(analysed.features),
        LOG_LENGTH,
        "1" if article.version is None and article.updated_at is not None else "",
    ]
    return _script_keys(site, key), args


def live_head(site: str, text: bytes) -> tuple[str, str]:
    """The key of a stored article, and the head that `put.lua` writes for its *text*."""
    fields = parse_text(text)
    updated_at = fields["updated_at"] and datetime.fromisoformat(fields["updated_at"])
    article = Article.model_construct(**fields | {"updated_at": updated_at})
    digest = blake2b(text, digest_size=16).hexdigest()
    parts = ("live", _text(article.revision), digest, address_keys(fields["url"]))
    return article_key(site, fields["id"]), "|".join(parts)


def stored_fields(call: ScriptCall) -> dict[str, Any]:
    """The article that `put_call` stores."""
    _, args = call
    return parse_text(unpack_record(cast(bytes, args[_TEXT_ARGUMENT])))


def delete_call(site: str, article_id: str, revision: int | None) -> ScriptCall:
    """For `delete.lua`."""
    key = article_key(site, article_id)
    args: list[str | int | bytes] = [key, article_id, _text(revision), LOG_LENGTH]
    return _script_keys(site, key), args


def reindex_call(site: str, text: bytes, features: ArticleFeatures) -> ScriptCall:
    """For `reindex.lua`; *text* is the stored text that the features were made from."""
    fields = parse_text(text)
    card = {name: fields[name] for name in _CARD_FIELDS}
    key = article_key(site, fields["id"])
    args: list[str | int | bytes] = [
        key,
        fields["id"],
        "",
        sha1(pack_record(text), usedforsecurity=False).hexdigest(),
        pack_vector(features),
        address_keys(fields["url"]),
        pack_record(orjson.dumps(card)),
        LOG_LENGTH,
    ]
    return _script_keys(site, key), args


def _script_keys(site: str, key: str) -> list[str]:
    shared = [site_key(site, name) for name in ("version", "log", "at", "heads", "urls")]
    return [*shared, *(site_key(site, kind, key) for kind in ("card", "text", "vector"))]


def _text(revision: int | None) -> str:
    return "" if revision is None else str(revision)
