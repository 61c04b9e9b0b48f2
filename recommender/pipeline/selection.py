"""Selects candidates for a list: one per story, different from each other, within caps."""

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
from recommender.pipeline.request import Request
from recommender.pipeline.results import Exclusion
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import Pairs, Story, one_per_story
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import StoryPolicy
from recommender.policy.ranking_model import Values

# Of 6,000 pairs of duplicates in opensuse-news, Reuters, Urdu rewrites and encyclopedic passages,
# none had a cosine below 0.39. Few other pairs have a higher one.
SAME_STORY_COSINE = 0.3
# A lower cosine says nothing: if most of the archive is one text, its terms have no weight.
UNINFORMATIVE_COSINE = 0.02


class Selection(NamedTuple):
    """
    The candidates that may be in the list, in order.

    Fields:
        penalties: what diversity subtracted from each of the *kept*, shape (n,), six decimals.
        same_story: slot → the slots of other articles whose story it represents.
        excluded: slot → why.
    """

    kept: Candidates
    penalties: Values
    same_story: Mapping[int, list[int]]
    excluded: Mapping[int, Exclusion[int]]


def select(request: Request, source: Source, candidates: Candidates) -> Selection:
    """Exclude the source's own story, keep one candidate per story, and diversify the rest."""
    corpus = request.corpus
    slots = candidates.slots.tolist()
    policy = request.options.story or request.model.story
    own, stories = _stories(corpus, source, candidates, policy)
    representatives = np.array([story.representative for story in stories], dtype=np.intp)
    order, taken = _diversified(request, candidates.take(representatives))
    penalties = np.zeros(len(slots))
    penalties[representatives[order]] = taken
    caps = beyond_caps(
        corpus.facets, candidates.slots, representatives[order].tolist(), request.options
    )
    kept = np.array([place for place, cap in caps.items() if not cap], dtype=np.intp)
    same_story = {}
    for story in stories:
        if story.others:
            others = [slots[other] for other in story.others]
            same_story[slots[story.representative]] = others
    excluded: dict[int, Exclusion[int]] = {}
    for place in own:
        excluded[slots[place]] = Exclusion("same_story_as_source")
    for representative, others in same_story.items():
        excluded |= dict.fromkeys(others, Exclusion("same_story", representative))
    for place, cap in caps.items():
        if cap:
            excluded[slots[place]] = Exclusion(cap)
    return Selection(candidates.take(kept), penalties[kept], same_story, excluded)


def _stories(
    corpus: Corpus, source: Source, candidates: Candidates, policy: StoryPolicy
) -> tuple[list[int], list[Story]]:
    """Places of the candidates that tell the source's story, and the stories of the others."""
    slots = candidates.slots
    fingerprints = Fingerprints.with_source(corpus, slots, source)
    similar = _similar_pairs(corpus, candidates, fingerprints.candidate_pairs())
    pairs = fingerprints.with_same_page(similar)
    is_duplicate = fingerprints.comparison(pairs)
    with_source = pairs[pairs[:, 0] == slots.size, 1].tolist()
    own = [number for number in with_source if is_duplicate(slots.size, number)]
    others = np.delete(np.arange(slots.size), own).tolist()
    published = corpus.facets.published[slots]
    return own, one_per_story(pairs, is_duplicate, others, published, candidates.pools, policy)


def _similar_pairs(corpus: Corpus, candidates: Candidates, pairs: Pairs) -> Pairs:
    """The *pairs* whose two articles both have a near enough article among source and pairs."""
    if not pairs.size:
        return pairs
    involved = np.unique(pairs)
    involved = involved[involved < candidates.slots.size]
    similarity = candidates.similarity[involved]
    cosines = corpus.index.cosines(candidates.slots[involved])
    np.fill_diagonal(cosines, -1.0)
    # The nearest may be any article, not only the other one of the pair, because terms that many
    # articles share have little weight in a cosine.
    closest = np.maximum(np.max(cosines, axis=0, initial=-1.0), similarity)
    is_near = np.ones(candidates.slots.size + 1, dtype=np.bool_)
    is_near[involved] = (closest >= SAME_STORY_COSINE) | (similarity < UNINFORMATIVE_COSINE)
    near: Pairs = pairs[is_near[pairs].all(axis=1)]
    return near


def beyond_caps(
    facets: FacetTable, slots: NDArray[np.intp], order: list[int], options: ListOptions
) -> dict[int, str]:
    """For each place in *order*: the cap that it exceeds, or an empty string."""
    caps = {
        "section": options.max_per_section,
        "author": options.max_per_author,
        "source": options.max_per_source,
    }
    requested = {field: cap for field, cap in caps.items() if cap is not None}
    if not requested:
        return dict.fromkeys(order, "")
    counts: Counter[tuple[str, str]] = Counter()
    codes = {}
    for place in order:
        article = facets.of(int(slots[place]))
        labels = []
        for field in requested:
            labels += [(field, value) for value in getattr(article, field)]
        full = [field for field, value in labels if counts[field, value] >= requested[field]]
        if full:
            codes[place] = f"enough_of_{full[0]}"
        else:
            codes[place] = ""
            counts.update(labels)
    return codes


def _diversified(request: Request, candidates: Candidates) -> tuple[NDArray[np.intp], Values]:
    """
    Order the candidates by score and by how different they are, each pool by itself.

    Returns:
        the order, and what diversity took from each, in that order.
    """
    options = request.options
    diversity = request.model.diversity if options.diversity is None else options.diversity
    order = np.arange(candidates.slots.size)
    if not diversity:
        return order, np.zeros(order.size)
    # Rounded like scores, or float noise would decide between articles of equal similarity.
    cosines = np.round(request.corpus.index.cosines(candidates.slots), SCORE_DECIMALS)
    orders = []
    penalties = []
    for pool in np.split(order, np.flatnonzero(np.diff(candidates.pools)) + 1):
        own_order, taken = diversified(
            candidates.scores[pool], cosines[np.ix_(pool, pool)], diversity, POOL
        )
        orders.append(pool[own_order])
        penalties.append(np.round(taken, SCORE_DECIMALS))
    return np.concatenate(orders), np.concatenate(penalties)
