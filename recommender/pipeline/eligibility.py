"""The conditions that an article must pass to be in a list, each with its name in explanations."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.language import UNKNOWN, relatives
from recommender.articles import NO_PAGE, UNDATED, instant
from recommender.index.corpus import Corpus
from recommender.index.facets import FacetTable
from recommender.pipeline.signals import Source
from recommender.policy.list_options import ListOptions, moment_of
from recommender.policy.option_types import ANY_LANGUAGE
from recommender.policy.ranking_model import RankingModel
from recommender.policy.rule_set import AppliedRules

OTHER_LANGUAGE = "other_language"

Mask = NDArray[np.bool_]


class Condition(NamedTuple):
    """
    One condition that an article must pass to be in a list.

    Fields:
        code: its name in explanations.
        passed: by slot, shape (slots,).
        binds_pins: whether it applies to articles that an editor has pinned too.
    """

    code: str
    passed: Mask
    binds_pins: bool = True


def conditions(
    corpus: Corpus,
    source: Source | None,
    options: ListOptions,
    rules: AppliedRules,
    model: RankingModel,
    now: datetime,
) -> list[Condition]:
    """All conditions of one list; explanations name the first one that fails."""
    facets = corpus.facets
    sources = () if source is None else source.each
    itself = [one.slot for one in sources if one.slot is not None]
    return [
        Condition("itself", _all_but(facets, np.array(itself, np.intp))),
        Condition("same_page", _other_pages(facets, sources)),
        Condition("not_published", facets.published_between(None, None, now)),
        Condition("hidden", _all_but(facets, corpus.slots(rules.hidden))),
        Condition("blocked", _all_but(facets, corpus.slots(rules.blocked))),
        *_section_blocks(facets, rules),
        Condition("excluded", _all_but(facets, corpus.slots(options.exclude))),
        *_filters(facets, options),
        *_dates(facets, source, options, model, now),
        *_language(facets, source, options),
    ]


def _other_pages(facets: FacetTable, sources: Sequence[Source]) -> Mask:
    """The articles at other addresses than the sources."""
    others = np.ones(facets.pages.size, dtype=np.bool_)
    for page in {source.facets.page for source in sources} - {NO_PAGE}:
        others &= facets.pages != np.uint64(page)
    return others


def all_passed(required: Sequence[Condition]) -> Mask:
    """The articles that pass all conditions, shape (slots,)."""
    mask = required[0].passed.copy()
    for condition in required[1:]:
        mask &= condition.passed
    return mask


def first_failed(required: Sequence[Condition], slot: int) -> str | None:
    """The code of the first condition that the article in *slot* fails."""
    for condition in required:
        if not condition.passed[slot]:
            return condition.code
    return None


def _section_blocks(facets: FacetTable, rules: AppliedRules) -> list[Condition]:
    if not rules.blocked_sections:
        return []
    return [Condition("blocked_section", ~facets.mask("section", list(rules.blocked_sections)))]


def _filters(facets: FacetTable, options: ListOptions) -> list[Condition]:
    filters = {"section": options.section, "tag": options.tag, "author": options.author}
    required = []
    for field, values in filters.items():
        if values:
            mask = facets.mask(field, values)
            required.append(Condition(f"other_{field}", mask))
    return required


def _dates(
    facets: FacetTable,
    source: Source | None,
    options: ListOptions,
    model: RankingModel,
    now: datetime,
) -> list[Condition]:
    required = []
    after = moment_of(options.published_after, now)
    before = moment_of(options.published_before, now)
    if after is not None:
        required.append(Condition("too_old", facets.published_between(after, None, now)))
    if before is not None:
        required.append(Condition("too_new", facets.published_between(None, before, now)))
    if options.max_age is not None:
        young = facets.published_between(now - options.max_age, None, now)
        evergreen = facets.mask("tag", model.evergreen_tags)
        required.append(Condition("too_old", young | evergreen, binds_pins=False))
    if options.mode == "background" and source is not None:
        # A text without a date is mostly a draft: every published article is older.
        own = source.facets.published
        older = facets.published <= (instant(now) if own == UNDATED else own)
        required.append(Condition("newer_than_source", older, binds_pins=False))
    return required


def _language(facets: FacetTable, source: Source | None, options: ListOptions) -> list[Condition]:
    if options.lang is None:
        languages = source.facets.language if source is not None else (UNKNOWN,)
    else:
        languages = (UNKNOWN,) if ANY_LANGUAGE in options.lang else options.lang
    if UNKNOWN in languages:
        return []
    readable: set[str] = set()
    for language in languages:
        readable.update(relatives(language.casefold()))
    if options.lang is None:
        readable.add(UNKNOWN)  # or articles whose language is unknown would be in no list
    mask = facets.mask("language", sorted(readable))
    # An editor may pin a story in another language, but not against the filter of a request.
    return [Condition(OTHER_LANGUAGE, mask, binds_pins=options.lang is not None)]


def _all_but(facets: FacetTable, slots: NDArray[np.intp]) -> Mask:
    mask = np.ones(facets.published.size, dtype=np.bool_)
    mask[slots] = False
    return mask
