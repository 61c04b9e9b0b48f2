"""Articles that tell one story in the same words: which of them may stand in a list?"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TWO_WORD_BIT
from recommender.index.jit import compiled
from recommender.index.reader import readonly
from recommender.policy.option_types import StoryPolicy

# Measured on pairs of opensuse-news, Reuters and current-events that were read: see
# docs/RELEVANCE.md. Two-word terms in common, of the shorter article's and this many more (so that
# a note of two lines, which resembles another by chance, is never judged by them)…
SHARED, BENEFIT_OF_DOUBT = 0.5, 20
# … unless the longer one is a digest that holds much else.
LEAST_LENGTH_RATIO = 0.2
# Share of what a text says below its headline, for texts of any length: an agency's report under
# another headline. Where the headline is most of the text, all of it counts.
SAME_TEXT = 0.9
LEAST_BELOW_HEADLINE = 0.5
# Who has less in common than this share of the shorter one's terms is not read: headlines of half
# a text leave two fifths, but may hold most of its word pairs.
WORTH_READING = 0.2

Pairs = NDArray[np.intp]  # of articles by number: shape (m, 2), the later one first, in order
IsDuplicate = Callable[[int, int], bool]  # whether two articles, by number, tell one story


class Fingerprint(NamedTuple):
    """What one article says, and what of it its headline says: ascending term ids."""

    terms: NDArray[np.uint32]
    title: NDArray[np.uint32]


def candidate_pairs(in_common: NDArray[np.int32]) -> Pairs:
    """
    Return which of some articles may tell one story.

    Args:
        in_common: how many of the terms that count every two have, as `ArticleIndex.in_common`
            says for `BENEFIT_OF_DOUBT`.
    """
    return _with_enough(readonly(in_common.view()))


@compiled
def _with_enough(in_common: NDArray[np.int32]) -> Pairs:
    found, size = np.empty((in_common.size // 2, 2), np.intp), 0
    for later in range(len(in_common)):
        for earlier in range(later):
            shorter = min(in_common[later, later], in_common[earlier, earlier])
            if in_common[later, earlier] >= max(WORTH_READING * shorter, 1):
                found[size] = later, earlier
                size += 1
    return found[:size].copy()


def is_same_story(one: Fingerprint, other: Fingerprint) -> bool:
    """
    Whether two articles tell one story in the same words.

    The vocabulary of a story is that of its subject; only its two-word terms are the same in
    another article when one was written from the other.
    """
    return _are_same_story(_fixed(one), _fixed(other))


def overlap(one: Fingerprint, other: Fingerprint) -> float:
    """Which part of the one with fewer word pairs the other has too; of words where few."""
    one, other = _fixed(one), _fixed(other)
    terms = _two_word(one.terms), _two_word(other.terms)
    if min(map(len, terms)) < BENEFIT_OF_DOUBT:
        terms = one.terms, other.terms
    return _shared(*terms) / max(min(map(len, terms)), 1)


def _fixed(article: Fingerprint) -> Fingerprint:
    return Fingerprint(readonly(article.terms.view()), readonly(article.title.view()))


@compiled
def _two_word(terms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return terms[np.searchsorted(terms, TWO_WORD_BIT) :]


@compiled
def _are_same_story(one: Fingerprint, other: Fingerprint) -> bool:
    pairs = _two_word(one.terms), _two_word(other.terms)
    return _tell_the_same(*pairs) or _say_the_same(one, other)


@compiled
def _tell_the_same(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> bool:
    fewer, more = min(one.size, other.size), max(one.size, other.size)
    enough = SHARED * (fewer + BENEFIT_OF_DOUBT)
    if fewer < max(enough, LEAST_LENGTH_RATIO * more):
        return False  # even if all of them were shared
    return _shared(one, other) >= enough


@compiled
def _say_the_same(one: Fingerprint, other: Fingerprint) -> bool:
    # Each holds so much of the other at least; a first look at that spares most of the work.
    least = SAME_TEXT * LEAST_BELOW_HEADLINE * max(one.terms.size, other.terms.size)
    if min(one.terms.size, other.terms.size) < least or _shared(one.terms, other.terms) < least:
        return False
    return _holds(one, other) and _holds(other, one)


@compiled
def _holds(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether *one* says what *other* says below its headline."""
    below, shared = _below(one.terms, other.terms, other.title)
    if below < LEAST_BELOW_HEADLINE * other.terms.size:
        below, shared = other.terms.size, _shared(one.terms, other.terms)
    return shared >= max(SAME_TEXT * below, 1)


@compiled
def _shared(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> int:
    """How many ids both have; each ascending and distinct."""
    found, j = 0, 0
    for i in range(one.size):
        while j < other.size and other[j] < one[i]:
            j += 1
        if j < other.size and other[j] == one[i]:
            found += 1
    return found


@compiled
def _below(
    one: NDArray[np.uint32], other: NDArray[np.uint32], title: NDArray[np.uint32]
) -> tuple[int, int]:
    """How many of *other* are not in its *title*, and how many of these *one* has too."""
    size, found, i, t = 0, 0, 0, 0
    for j in range(other.size):
        while t < title.size and title[t] < other[j]:
            t += 1
        if t < title.size and title[t] == other[j]:
            continue
        size += 1
        while i < one.size and one[i] < other[j]:
            i += 1
        found += i < one.size and one[i] == other[j]
    return size, found


class Story(NamedTuple):
    """The article that speaks for a story, and the others that tell it."""

    representative: int
    others: list[int]


def one_per_story(
    pairs: Pairs,
    is_duplicate: IsDuplicate,
    among: Sequence[int],
    published: NDArray[np.int64],
    pools: NDArray[np.intp],
    policy: StoryPolicy,
) -> list[Story]:
    """
    Group articles by story, each against the first of a story, in list order.

    Not transitive: running updates drift, and the end of a chain is another story than its start.

    Args:
        pairs: who may tell one story; asked about are only pairs with the first of a story.
        among: numbers of articles, ascending, which is list order.
        published: by number; by it the `newest` or the `original` speaks for the story, and not
            the first (`best`).
        pools: by number; only one of the first's pool speaks, or a deeper look would change what
            stands higher up.
    """
    groups = {number: [number] for number in among}
    laters, starts = np.unique(pairs[:, 0], return_index=True)
    for later, earlier in zip(laters.tolist(), np.split(pairs[:, 1], starts[1:]), strict=False):
        if later in groups:
            # Who has joined a story is no group any more, and nobody joins it.
            firsts = (f for f in earlier.tolist() if f in groups and is_duplicate(later, f))
            if (first := next(firsts, None)) is not None:
                groups[first] += groups.pop(later)
    return [_story(group, published, pools, policy) for group in groups.values()]


def _story(
    group: list[int], published: NDArray[np.int64], pools: NDArray[np.intp], policy: StoryPolicy
) -> Story:
    if len(group) == 1:
        return Story(group[0], [])
    dates = published[[member for member in group if pools[member] == pools[group[0]]]]
    places = {"best": 0, "newest": int(dates.argmax()), "original": int(dates.argmin())}
    representative = group[places[policy]]
    return Story(representative, [member for member in group if member != representative])
