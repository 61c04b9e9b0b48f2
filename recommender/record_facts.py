"""What an import reports of one record, without the text of its article."""

import re
from collections.abc import Collection, Mapping
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from features.addresses import normalize_url
from features.analysis import AnalysedArticle
from features.article import Article
from features.dates import DateRules, parse_date
from features.fields import folded_name, says_utc, sender_names_by_rank
from features.site_defaults import SiteDefaults
from recommender.sources.dialects import CONTROLS

_WITH_ZONE = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)$")
# Two zones in which no moment has the same wall time.
_ONE_ZONE, _OTHER_ZONE = (DateRules(ZoneInfo(name)) for name in ("UTC", "Etc/GMT-14"))
_FIELDS = tuple(Article.model_fields)
MAX_NAMES = 100  # of columns of one record
MIN_TEXT_CHARS = 100  # shorter texts are the same by chance


class RecordFacts(NamedTuple):
    """
    One accepted record.

    Fields:
        sources: field that is filled → the sender's name for it; empty where we made the value.
        unused: names of columns with a value that nothing here reads.
        has_zone: whether its date says in which zone it is; None without a date.
        published: ISO 8601.
        address, text: digests to find equal ones by; 0 for none.
        blocks: digests of its lines, uint64.
        block_terms: how many terms stand in each, uint32.
        terms: how many stand in the whole body.
    """

    sources: Mapping[str, str]
    unused: tuple[str, ...]
    published: str | None
    has_zone: bool | None
    language: str | None
    address: int
    text: int
    blocks: NDArray[np.uint64]
    block_terms: NDArray[np.uint32]
    terms: int


def facts_of(
    data: Mapping[str, Any], analysed: AnalysedArticle, defaults: SiteDefaults
) -> RecordFacts:
    """The facts of a record that became the article *analysed*."""
    article = analysed.article
    by_rank = sender_names_by_rank(data, defaults.fields)
    names = {field: ranked[0] for field, ranked in by_rank.items()}
    sources = {}
    for field in _FIELDS:
        if getattr(article, field) not in (None, "", ()):
            sources[field] = names.get(field, "")
    dated = names.get("published_at", "")
    blocks = analysed.features.blocks
    return RecordFacts(
        sources=sources,
        unused=_unused(data, known={*chain.from_iterable(by_rank.values())}),
        published=article.published_at.isoformat() if article.published_at else None,
        has_zone=_has_zone(dated, data.get(dated)) if article.published_at else None,
        language=article.language,
        address=_digest(normalize_url(article.url)) if article.url else 0,
        text=_digest(article.body) if len(article.body) >= MIN_TEXT_CHARS else 0,
        blocks=blocks.digests,
        block_terms=blocks.sizes(),
        terms=blocks.total,
    )


def _unused(data: Mapping[str, Any], known: Collection[str]) -> tuple[str, ...]:
    names = []
    for name, value in data.items():
        is_used = name in known or value in (None, "", [], {})
        if not is_used and folded_name(name) not in CONTROLS:
            names.append(name)
    return tuple(names[:MAX_NAMES])


def _has_zone(name: str, date: object) -> bool:
    """Whether the moment of a date is the same in every zone, as Unix times are too."""
    if says_utc(name) or not isinstance(date, str) or _WITH_ZONE.search(date):
        return True
    try:
        return parse_date(date, _ONE_ZONE) == parse_date(date, _OTHER_ZONE)
    except ValueError:
        return True  # another field has the date


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1
