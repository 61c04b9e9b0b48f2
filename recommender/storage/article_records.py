"""How an article is stored: its keys, and the arguments of the scripts that write it."""

from base64 import b32encode
from hashlib import blake2b, sha1

import orjson

from features.analysis import AnalysedArticle
from features.vectorizer import ArticleFeatures
from recommender.articles import card_of
from recommender.sources.urls import normalize_url
from recommender.storage.keyspace import LOG_LENGTH, site_key
from recommender.storage.packing import pack_record, pack_vector

ScriptCall = tuple[list[str], list[str | int | bytes]]
"""Keys and arguments of a Lua script."""


def article_key(site: str, article_id: str) -> str:
    """128 bits of BLAKE2 in base32, so two articles never share a key, whatever their ids are."""
    digest = blake2b(f"{site}\0{article_id}".encode(), digest_size=16).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def url_key(url: str) -> str:
    return blake2b(normalize_url(url).encode(), digest_size=16).hexdigest()


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
        url_key(article.url) if article.url else "",
        pack_record(orjson.dumps(card_of(article))),
        pack_record(text),
        pack_vector(analysed.features),
        LOG_LENGTH,
    ]
    return _script_keys(site, key), args


def delete_call(site: str, article_id: str, revision: int | None) -> ScriptCall:
    """For `delete.lua`."""
    key = article_key(site, article_id)
    args: list[str | int | bytes] = [key, article_id, _text(revision), LOG_LENGTH]
    return _script_keys(site, key), args


def reindex_call(site: str, text: bytes, features: ArticleFeatures) -> ScriptCall:
    """For `reindex.lua`; *text* is the stored text that the features were made from."""
    article_id = orjson.loads(text)["id"]
    key = article_key(site, article_id)
    record_digest = sha1(pack_record(text), usedforsecurity=False).hexdigest()
    args: list[str | int | bytes] = [
        key,
        article_id,
        "",
        record_digest,
        pack_vector(features),
        LOG_LENGTH,
    ]
    return _script_keys(site, key), args


def _script_keys(site: str, key: str) -> list[str]:
    shared = [site_key(site, name) for name in ("version", "log", "at", "heads", "urls")]
    return [*shared, *(site_key(site, kind, key) for kind in ("card", "text", "vector"))]


def _text(revision: int | None) -> str:
    return "" if revision is None else str(revision)
