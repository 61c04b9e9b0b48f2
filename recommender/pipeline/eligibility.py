"""Who may stand in this list at all, condition by condition, so that a refusal can be named."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.articles import UNDATED, instant
from recommender.pipeline.signals import Source
from recommender.similarity.catalogue import Catalogue
from recommender.similarity.corpus import Corpus
from recommender.wanted.model import RankingModel
from recommender.wanted.parameters import ANY_LANGUAGE, ListParameters
from recommender.wanted.rules import Applied

Mask = NDArray[np.bool_]


class Condition(NamedTuple):
    """
    One condition of standing in a list.

    Fields:
        code: names it in explanations.
        passed: by slot, shape (slots,).
        binds_pins: whether not even an editor's pin gets past it.
    """

    code: str
    passed: Mask
    binds_pins: bool = True


def conditions(
    corpus: Corpus,
    source: Source | None,
    wanted: ListParameters,
    rules: Applied,
    model: RankingModel,
    now: datetime,
) -> list[Condition]:
    """All conditions of one list, in the order in which a refusal should be told."""
    catalogue, none = corpus.catalogue, np.empty(0, np.intp)
    itself = none if source is None or source.slot is None else np.array([source.slot])
    return [
        Condition("itself", _all_but(catalogue, itself)),
        Condition("not_published", catalogue.published_between(None, None, now)),
        Condition("hidden", _all_but(catalogue, corpus.slots(rules.hidden))),
        Condition("blocked", _all_but(catalogue, corpus.slots(rules.blocked))),
        *_section_blocks(catalogue, rules),
        Condition("excluded", _all_but(catalogue, corpus.slots(wanted.exclude))),
        *_filters(catalogue, wanted),
        *_dates(catalogue, source, wanted, model, now),
        *_language(catalogue, source, wanted),
    ]


def all_passed(found: Sequence[Condition]) -> Mask:
    """Shape (slots,)."""
    mask = found[0].passed.copy()
    for condition in found[1:]:
        mask &= condition.passed
    return mask


def first_failed(found: Sequence[Condition], slot: int) -> str | None:
    """The code of the first condition that the article in *slot* fails."""
    return next((one.code for one in found if not one.passed[slot]), None)


def _section_blocks(catalogue: Catalogue, rules: Applied) -> list[Condition]:
    if not rules.blocked_sections:
        return []
    return [
        Condition("blocked_section", ~catalogue.having("section", list(rules.blocked_sections)))
    ]


def _filters(catalogue: Catalogue, wanted: ListParameters) -> list[Condition]:
    asked = (
        ("section", wanted.sections),
        ("tag", wanted.tags),
        ("author", wanted.authors),
    )
    return [
        Condition(f"other_{name}", catalogue.having(name, values))
        for name, values in asked
        if values
    ]


def _dates(
    catalogue: Catalogue,
    source: Source | None,
    wanted: ListParameters,
    model: RankingModel,
    now: datetime,
) -> list[Condition]:
    found = []
    after, before = _instant(wanted.published_after, now), _instant(wanted.published_before, now)
    if after is not None:
        found.append(Condition("too_old", catalogue.published_between(after, None, now)))
    if before is not None:
        found.append(Condition("too_new", catalogue.published_between(None, before, now)))
    if wanted.max_age is not None:
        young = catalogue.published_between(now - wanted.max_age, None, now)
        evergreen = catalogue.having("tag", model.evergreen_tags)
        found.append(Condition("too_old", young | evergreen, binds_pins=False))
    if wanted.mode == "background" and source is not None:
        # Beside a text without a date, a draft as a rule, all that is out came before.
        own = source.facets.published
        older = catalogue.published <= (instant(now) if own == UNDATED else own)
        found.append(Condition("newer_than_source", older, binds_pins=False))
    return found


def _language(
    catalogue: Catalogue, source: Source | None, wanted: ListParameters
) -> list[Condition]:
    if wanted.languages is None:
        languages = source.facets.language if source is not None else ()
    else:
        languages = () if ANY_LANGUAGE in wanted.languages else wanted.languages
    if not languages:
        return []
    spoken = catalogue.having("language", languages)
    # An editor who pins a story in another language means it; a caller's filter is a promise.
    return [Condition("other_language", spoken, binds_pins=wanted.languages is not None)]


def _all_but(catalogue: Catalogue, slots: NDArray[np.intp]) -> Mask:
    mask = np.ones(catalogue.published.size, dtype=np.bool_)
    mask[slots] = False
    return mask


def _instant(limit: datetime | timedelta | None, now: datetime) -> datetime | None:
    return now - limit if isinstance(limit, timedelta) else limit
