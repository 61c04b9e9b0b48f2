"""What fills a list up when too few articles are related: the newest, and said to be no more."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.pipeline.candidates import DEEPER, in_order
from recommender.pipeline.places import Place, Reason
from recommender.pipeline.ranking import newest
from recommender.pipeline.selection import within_caps
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import one_per_story
from recommender.pipeline.wordings import Wordings
from recommender.similarity.corpus import Corpus
from recommender.wanted.parameters import ListParameters, shown_digest

# Looks at the newest that are left. An archive of one text, or of one section under a cap, has
# nothing else to offer, and must not be read to its end while readers wait.
ROUNDS = 8

Mask = NDArray[np.bool_]


def filling(
    corpus: Corpus,
    source: Source,
    eligible: Mask,
    wanted: ListParameters,
    kept_out: Collection[int],
    places: Sequence[Place],
) -> list[Place]:
    """
    The newest of the source's section, then of the site, to stand behind *places*.

    Args:
        kept_out: slots of articles that must not fill this list.
    """
    rest = eligible.copy()
    rest[[*kept_out, *(place.slot for place in places)]] = False
    found: list[Place] = []
    for _ in range(ROUNDS):
        missing = wanted.depth - len(places) - len(found)
        batch = _batch(corpus, source, rest, wanted, missing)
        if not batch:
            break
        found += _fitting(corpus, [*places, *found], batch, wanted)[:missing]
        rest[[place.slot for place in batch]] = False
        rest &= ~_in_full_sections(corpus, [*places, *found], wanted)
    return found


def _batch(
    corpus: Corpus, source: Source, rest: Mask, wanted: ListParameters, missing: int
) -> list[Place]:
    """The next to be looked at: some more than are missing, for some will not fit."""
    k = DEEPER * missing
    own = rest & corpus.catalogue.having("section", source.facets.section)
    found = newest_places(corpus, own, wanted, k, "same_section")
    return found + newest_places(corpus, rest & ~own, wanted, k - len(found), "recent")


def _in_full_sections(corpus: Corpus, places: Sequence[Place], wanted: ListParameters) -> Mask:
    """Who cannot fit any more, however deep one looks."""
    cap = wanted.max_per_section
    taken = Counter(v for p in places for v in corpus.catalogue.facets(p.slot).section)
    full = [section for section, count in taken.items() if cap is not None and count >= cap]
    return corpus.catalogue.having("section", full)


def newest_places(
    corpus: Corpus, eligible: Mask, wanted: ListParameters, k: int, reason: Reason
) -> list[Place]:
    """The *k* newest of the *eligible* that no other box of the page shows."""
    if k <= 0:
        return []
    slots = newest(corpus.catalogue.published, eligible, k + len(wanted.shown))
    ordered = slots[in_order(corpus, slots, np.zeros(slots.size))].tolist()
    if wanted.shown:
        ids = corpus.ids(ordered)
        seen = [shown_digest(article_id) in wanted.shown for article_id in ids]
        ordered = [slot for slot, is_shown in zip(ordered, seen, strict=True) if not is_shown]
    return [Place(slot, reason) for slot in ordered[:k]]


def _fitting(
    corpus: Corpus, places: Sequence[Place], found: Sequence[Place], wanted: ListParameters
) -> list[Place]:
    """Those of *found* that may stand behind *places*: one per story, and within caps."""
    slots = np.array([place.slot for place in (*places, *found)], dtype=np.intp)
    wordings = Wordings(corpus, slots)
    pairs, alone = wordings.in_common(), np.zeros_like(slots)
    are_same, dates = wordings.compared(pairs), corpus.catalogue.published[slots]
    stories = one_per_story(pairs, are_same, range(slots.size), dates, alone, "best")
    others = {other for story in stories for other in story.others}
    order = [n for n in range(slots.size) if n < len(places) or n not in others]
    within = within_caps(corpus.catalogue, slots, order, wanted)
    return [place for n, place in enumerate(found, len(places)) if n in within and not within[n]]
