"""Which candidates stand in the list together: one per story, unlike each other, within caps."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.index.corpus import Corpus
from recommender.index.facets import FacetTable
from recommender.index.index import SCORE_DECIMALS
from recommender.pipeline.candidates import POOL, Candidates
from recommender.pipeline.diversity import diversified
from recommender.pipeline.fingerprints import Fingerprints
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import Pairs, Story, one_per_story
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import StoryPolicy
from recommender.policy.ranking_model import RankingModel, Values

# Of 6,000 pairs that tell one story, in opensuse-news, Reuters, Urdu rewrites and encyclopedic
# passages, none had a cosine below 0.39; few other articles have more.
SAME_STORY_COSINE = 0.3
TOLD_BY_NOTHING = 0.02


class Exclusion(NamedTuple):
    """Why an article is not in the list: a code, and the article, if any, that stands for it."""

    code: str
    by_slot: int | None = None


class Selection(NamedTuple):
    """
    The candidates that may stand in the list, in order.

    Fields:
        penalties: what diversity took from each of the *kept*, shape (n,), six decimals.
        same_story: slot → the slots of other articles that it speaks for.
        dropped: slot → why.
    """

    kept: Candidates
    penalties: Values
    same_story: Mapping[int, list[int]]
    dropped: Mapping[int, Exclusion]


def select(
    corpus: Corpus,
    source: Source,
    candidates: Candidates,
    options: ListOptions,
    model: RankingModel,
) -> Selection:
    """Take the source's own story out, keep one candidate per story, and spread the rest."""
    slots = candidates.slots.tolist()
    own, stories = _stories(corpus, source, candidates, options.story or model.story)
    speakers = np.array([story.representative for story in stories], dtype=np.intp)
    order, taken = _spread(corpus, candidates.take(speakers), options, model)
    penalties = np.zeros(len(slots))
    penalties[speakers[order]] = taken
    within = within_caps(corpus.facets, candidates.slots, speakers[order].tolist(), options)
    speaks_for = {
        slots[s.representative]: [slots[o] for o in s.others] for s in stories if s.others
    }
    dropped = {slots[place]: Exclusion("same_story_as_source") for place in own}
    dropped |= {o: Exclusion("same_story", s) for s, others in speaks_for.items() for o in others}
    dropped |= {slots[place]: Exclusion(cap) for place, cap in within.items() if cap}
    kept = np.array([place for place, cap in within.items() if not cap], dtype=np.intp)
    return Selection(candidates.take(kept), penalties[kept], speaks_for, dropped)


def _stories(
    corpus: Corpus, source: Source, candidates: Candidates, policy: StoryPolicy
) -> tuple[list[int], list[Story]]:
    """Places of the candidates that tell the source's story, and the stories of the others."""
    slots = candidates.slots
    wordings = Fingerprints.beside(corpus, slots, source)
    pairs = _close(corpus, candidates, wordings.in_common())
    is_duplicate = wordings.compared(pairs)
    with_source = pairs[pairs[:, 0] == slots.size, 1].tolist()
    own = [number for number in with_source if is_duplicate(slots.size, number)]
    others = np.delete(np.arange(slots.size), own).tolist()
    published = corpus.facets.published[slots]
    return own, one_per_story(pairs, is_duplicate, others, published, candidates.pools, policy)


def _close(corpus: Corpus, candidates: Candidates, pairs: Pairs) -> Pairs:
    """Those of *pairs* of which both are close to the source or to another one, or may be."""
    if not pairs.size:
        return pairs
    involved = np.unique(pairs)
    involved = involved[involved < candidates.slots.size]
    similarity = candidates.similarity[involved]
    cosines = corpus.index.cosines(candidates.slots[involved])
    np.fill_diagonal(cosines, -1.0)
    # Not only to each other: what many articles say has little weight in the cosine of two.
    closest = np.maximum(np.max(cosines, axis=0, initial=-1.0), similarity)
    is_near = np.ones(candidates.slots.size + 1, dtype=np.bool_)
    # Where most of the archive is one text, that text has no weight, and cosines tell nothing.
    is_near[involved] = (closest >= SAME_STORY_COSINE) | (similarity < TOLD_BY_NOTHING)
    near: Pairs = pairs[is_near[pairs].all(axis=1)]
    return near


def within_caps(
    facets: FacetTable, slots: NDArray[np.intp], order: list[int], options: ListOptions
) -> dict[int, str]:
    """For each place in *order*: empty, or the cap that it is beyond."""
    caps = {
        "section": options.max_per_section,
        "author": options.max_per_author,
        "source": options.max_per_source,
    }
    asked = {field: cap for field, cap in caps.items() if cap is not None}
    if not asked:
        return dict.fromkeys(order, "")
    taken: Counter[tuple[str, str]] = Counter()
    found = {}
    for place in order:
        article = facets.of(int(slots[place]))
        labels = [(field, value) for field in asked for value in getattr(article, field)]
        full = next((field for field, value in labels if taken[field, value] >= asked[field]), "")
        found[place] = f"enough_of_{full}" if full else ""
        if not full:
            taken.update(labels)
    return found


def _spread(
    corpus: Corpus, candidates: Candidates, options: ListOptions, model: RankingModel
) -> tuple[NDArray[np.intp], Values]:
    """
    An order of *candidates*, each pool by itself, so that deeper ones follow. And what diversity
    took from each, in that order.
    """
    diversity = model.diversity if options.diversity is None else options.diversity
    order = np.arange(candidates.slots.size)
    if not diversity:
        return order, np.zeros(order.size)
    # Rounded as scores are, or float noise would decide between articles that are equally unlike.
    alike = np.round(corpus.index.cosines(candidates.slots), SCORE_DECIMALS)
    spread = []
    for pool in np.split(order, np.flatnonzero(np.diff(candidates.pools)) + 1):
        scores, cosines = candidates.scores[pool], alike[np.ix_(pool, pool)]
        found, penalties = diversified(scores, cosines, diversity, POOL)
        spread.append((pool[found], np.round(penalties, SCORE_DECIMALS)))
    orders, taken = zip(*spread, strict=True)
    return np.concatenate(orders), np.concatenate(taken)
