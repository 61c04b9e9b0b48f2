"""Fills a list with the newest articles if too few are related."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import chain

import numpy as np

from recommender.articles import NO_PAGE
from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import in_order
from recommender.pipeline.diversity import newest
from recommender.pipeline.eligibility import Mask
from recommender.pipeline.fingerprints import Fingerprints
from recommender.pipeline.request import Request
from recommender.pipeline.results import RankedArticle, Reason
from recommender.pipeline.selection import beyond_caps
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import one_per_story

# Batches of the newest articles that are tried. In an archive with a single text, or with a single
# section under a cap, none would fit, and readers must not wait until all articles were tried.
BATCHES = 8
BATCH_FACTOR = 4  # a batch is so many times what is missing, because some articles will not fit


def fallback(
    request: Request,
    source: Source,
    kept_out: Collection[int],
    places: Sequence[RankedArticle],
) -> list[RankedArticle]:
    """
    The newest articles of the source's section, then of the site, to follow *places*.

    Args:
        kept_out: slots of articles that must not be in this list.
    """
    rest = request.eligible.copy()
    rest[[*kept_out, *(place.slot for place in places)]] = False
    more: list[RankedArticle] = []
    for _ in range(BATCHES):
        missing = request.options.depth - len(places) - len(more)
        batch = _batch(request, source, rest, missing)
        if not batch:
            break
        more += _fitting(request, [*places, *more], batch)[:missing]
        rest[[place.slot for place in batch]] = False
        rest &= ~_in_full_sections(request, [*places, *more])
    return more


def newest_places(request: Request, eligible: Mask, k: int, reason: Reason) -> list[RankedArticle]:
    """The *k* newest of the *eligible* that no other list of the page shows, one of each page."""
    if k <= 0:
        return []
    corpus = request.corpus
    page_token = request.options.page_token
    slots = newest(corpus.facets.published, eligible, 2 * k + len(page_token))
    ordered = slots[in_order(corpus, slots, np.zeros(slots.size))].tolist()
    if page_token:
        ids = corpus.ids(ordered)
        ordered = [
            slot
            for slot, article_id in zip(ordered, ids, strict=True)
            if article_id not in page_token
        ]
    return [RankedArticle(slot, reason) for slot in _one_per_page(corpus, ordered)[:k]]


def _one_per_page(corpus: Corpus, slots: Sequence[int]) -> list[int]:
    """The *slots*, but of several articles at one address only the first."""
    pages = corpus.facets.pages[np.array(slots, np.intp)].tolist()
    seen: set[int] = set()
    firsts = []
    for slot, page in zip(slots, pages, strict=True):
        if page not in seen:
            firsts.append(slot)
        if page != NO_PAGE:
            seen.add(page)
    return firsts


def _batch(request: Request, source: Source, rest: Mask, missing: int) -> list[RankedArticle]:
    """The next articles to look at, the source's section first."""
    k = BATCH_FACTOR * missing
    own = rest & request.corpus.facets.mask("section", source.facets.section)
    batch = newest_places(request, own, k, "same_section")
    return batch + newest_places(request, rest & ~own, k - len(batch), "recent")


def _in_full_sections(request: Request, places: Sequence[RankedArticle]) -> Mask:
    """The articles that cannot fit any more because the cap of their section is reached."""
    facets = request.corpus.facets
    cap = request.options.max_per_section
    if cap is None:
        return facets.mask("section", [])
    counts: Counter[str] = Counter()
    for place in places:
        counts.update(facets.of(place.slot).section)
    return facets.mask("section", [name for name, count in counts.items() if count >= cap])


def _fitting(
    request: Request, places: Sequence[RankedArticle], batch: Sequence[RankedArticle]
) -> list[RankedArticle]:
    """The articles of *batch* that may follow *places*: one per story, and within caps."""
    corpus = request.corpus
    slots = np.array([place.slot for place in (*places, *batch)], dtype=np.intp)
    fingerprints = Fingerprints(corpus, slots)
    pairs = fingerprints.with_same_page(fingerprints.candidate_pairs())
    one_pool = np.zeros_like(slots)
    stories = one_per_story(
        pairs,
        fingerprints.comparison(pairs),
        range(slots.size),
        corpus.facets.published[slots],
        one_pool,
        "best",
    )
    others = set(chain.from_iterable(story.others for story in stories))
    # Articles that are in the list already stay, even if a newer one tells their story.
    order = [n for n in range(slots.size) if n < len(places) or n not in others]
    caps = beyond_caps(corpus.facets, slots, order, request.options)
    return [place for n, place in enumerate(batch, len(places)) if caps.get(n) == ""]
