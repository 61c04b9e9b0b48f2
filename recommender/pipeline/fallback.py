"""What fills a list up when too few articles are related: the newest, and said to be no more."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import DEEPER, in_order
from recommender.pipeline.diversity import newest
from recommender.pipeline.fingerprints import Fingerprints
from recommender.pipeline.results import RankedArticle, Reason
from recommender.pipeline.selection import within_caps
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import one_per_story
from recommender.policy.list_options import ListOptions

# Looks at the newest that are left. An archive of one text, or of one section under a cap, has
# nothing else to offer, and must not be read to its end while readers wait.
ROUNDS = 8

Mask = NDArray[np.bool_]


def filling(
    corpus: Corpus,
    source: Source,
    eligible: Mask,
    options: ListOptions,
    kept_out: Collection[int],
    places: Sequence[RankedArticle],
) -> list[RankedArticle]:
    """
    The newest of the source's section, then of the site, to stand behind *places*.

    Args:
        kept_out: slots of articles that must not fill this list.
    """
    rest = eligible.copy()
    rest[[*kept_out, *(place.slot for place in places)]] = False
    found: list[RankedArticle] = []
    for _ in range(ROUNDS):
        missing = options.depth - len(places) - len(found)
        batch = _batch(corpus, source, rest, options, missing)
        if not batch:
            break
        found += _fitting(corpus, [*places, *found], batch, options)[:missing]
        rest[[place.slot for place in batch]] = False
        rest &= ~_in_full_sections(corpus, [*places, *found], options)
    return found


def _batch(
    corpus: Corpus, source: Source, rest: Mask, options: ListOptions, missing: int
) -> list[RankedArticle]:
    """The next to be looked at: some more than are missing, for some will not fit."""
    k = DEEPER * missing
    own = rest & corpus.facets.mask("section", source.facets.section)
    found = newest_places(corpus, own, options, k, "same_section")
    return found + newest_places(corpus, rest & ~own, options, k - len(found), "recent")


def _in_full_sections(
    corpus: Corpus, places: Sequence[RankedArticle], options: ListOptions
) -> Mask:
    """Who cannot fit any more, however deep one looks."""
    cap = options.max_per_section
    taken = Counter(v for p in places for v in corpus.facets.of(p.slot).section)
    full = [section for section, count in taken.items() if cap is not None and count >= cap]
    return corpus.facets.mask("section", full)


def newest_places(
    corpus: Corpus, eligible: Mask, options: ListOptions, k: int, reason: Reason
) -> list[RankedArticle]:
    """The *k* newest of the *eligible* that no other box of the page shows."""
    if k <= 0:
        return []
    slots = newest(corpus.facets.published, eligible, k + len(options.page_token))
    ordered = slots[in_order(corpus, slots, np.zeros(slots.size))].tolist()
    if options.page_token:
        ids = corpus.ids(ordered)
        seen = [article_id in options.page_token for article_id in ids]
        ordered = [slot for slot, is_shown in zip(ordered, seen, strict=True) if not is_shown]
    return [RankedArticle(slot, reason) for slot in ordered[:k]]


def _fitting(
    corpus: Corpus,
    places: Sequence[RankedArticle],
    found: Sequence[RankedArticle],
    options: ListOptions,
) -> list[RankedArticle]:
    """Those of *found* that may stand behind *places*: one per story, and within caps."""
    slots = np.array([place.slot for place in (*places, *found)], dtype=np.intp)
    wordings = Fingerprints(corpus, slots)
    pairs, alone = wordings.in_common(), np.zeros_like(slots)
    is_duplicate, dates = wordings.compared(pairs), corpus.facets.published[slots]
    stories = one_per_story(pairs, is_duplicate, range(slots.size), dates, alone, "best")
    others = {other for story in stories for other in story.others}
    order = [n for n in range(slots.size) if n < len(places) or n not in others]
    within = within_caps(corpus.facets, slots, order, options)
    return [place for n, place in enumerate(found, len(places)) if n in within and not within[n]]
