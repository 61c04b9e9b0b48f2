"""Articles that tell one story in the same words: which of them may stand in a list?"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TWO_WORD_BIT
from recommender.similarity.base import fixed
from recommender.similarity.compiled import compiled
from recommender.wanted.parameters import StoryPolicy

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
SKETCH = 128
# Of pairs that just make a story, by lengths where sketches reach least far, samples with less than
# 0.3 in common are one in 100, with less than 0.15 none in 6,000.
SKETCH_SHARED = 0.15

Mask = NDArray[np.bool_]


class Wording(NamedTuple):
    """What one article says, and what of it its headline says: ascending term ids."""

    terms: NDArray[np.uint32]
    title: NDArray[np.uint32]


class Wordings:
    """
    What some articles say, to be held against each other word pair by word pair.

    The vocabulary of a story is that of its subject; only its two-word terms are the same in
    another article when one was written from the other.
    """

    def __init__(self, articles: Sequence[Wording]) -> None:
        self._articles = [Wording(*(fixed(ids.view()) for ids in a)) for a in articles]
        self._pairs = [_two_word(article.terms) for article in self._articles]

    @cached_property
    def alike(self) -> list[list[int]]:
        """
        For each article the few before it that are worth a closer look, in order.

        Term ids are hashes, so the lowest of an article are a random sample of what it says, and
        of articles with half of their terms in common the samples, as far as both of them reach,
        have about half in common too (bottom-k sketches, Broder 1997).
        """
        all_terms = [article.terms for article in self._articles]
        sketches = [_sketch(*both) for both in zip(self._pairs, all_terms, strict=True)]
        likely = np.tril(_shared_counts(sketches), -1)
        return [np.flatnonzero(row).tolist() for row in likely >= SKETCH_SHARED * _reach(sketches)]

    def is_same_story(self, one: int, other: int) -> bool:
        pairs = self._pairs[one], self._pairs[other]
        return _are_same_story(*pairs, self._articles[one], self._articles[other])

    def overlap(self, one: int, other: int) -> float:
        """Which part of the one with fewer word pairs the other has too; of words where few."""
        pairs = self._pairs[one], self._pairs[other]
        if min(map(len, pairs)) < BENEFIT_OF_DOUBT:
            pairs = self._articles[one].terms, self._articles[other].terms
        return _shared(*pairs) / max(min(map(len, pairs)), 1)


def _two_word(terms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return terms[np.searchsorted(terms, TWO_WORD_BIT) :]


def _sketch(pairs: NDArray[np.uint32], terms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    # A text without word pairs (Chinese, or three words) is compared by what it has. Without the
    # bit that tells pairs from words, ids fill the range below it evenly.
    if pairs.size >= BENEFIT_OF_DOUBT:
        return pairs[:SKETCH] & ~TWO_WORD_BIT
    return np.sort(terms & ~TWO_WORD_BIT)[:SKETCH]


def _shared_counts(sketches: Sequence[NDArray[np.uint32]]) -> NDArray[np.float32]:
    """How many ids every two sketches have in common; shape (n, n)."""
    owners = np.repeat(np.arange(len(sketches), dtype=np.uint64), [s.size for s in sketches])
    keys = np.concatenate(sketches).astype(np.uint64) << np.uint64(32) | owners
    shared = np.zeros((len(sketches), len(sketches)), np.float32)
    _count_pairs(np.sort(keys), shared)
    return shared


@compiled
def _count_pairs(keys: NDArray[np.uint64], shared: NDArray[np.float32]) -> None:
    """Count every two owners (the lower halves of *keys*, which ascend) of one id (the upper)."""
    start = 0
    for end in range(1, keys.size + 1):
        if end == keys.size or keys[end] >> np.uint64(32) != keys[start] >> np.uint64(32):
            for i in range(start, end):
                for j in range(start, end):
                    shared[keys[i] & np.uint64(0xFFFFFFFF), keys[j] & np.uint64(0xFFFFFFFF)] += 1
            start = end


def _reach(sketches: Sequence[NDArray[np.uint32]]) -> NDArray[np.float64]:
    """How many ids of the shorter of two sketches lie where the other one reaches; (n, n)."""
    sizes = np.array([sketch.size for sketch in sketches], dtype=np.float64)
    ends = [float(s[-1]) if s.size == SKETCH else float(TWO_WORD_BIT) for s in sketches]
    spans = np.maximum(np.array(ends), 1.0)
    within = sizes[:, None] * np.minimum(1.0, spans[None, :] / spans[:, None])
    shorter: NDArray[np.float64] = np.maximum(np.minimum(within, within.T), 1.0)
    return shorter


@compiled
def _are_same_story(
    pairs: NDArray[np.uint32], other_pairs: NDArray[np.uint32], one: Wording, other: Wording
) -> bool:
    return _tell_the_same(pairs, other_pairs) or _say_the_same(one, other)


@compiled
def _tell_the_same(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> bool:
    fewer, more = min(one.size, other.size), max(one.size, other.size)
    enough = SHARED * (fewer + BENEFIT_OF_DOUBT)
    if fewer < max(enough, LEAST_LENGTH_RATIO * more):
        return False  # even if all of them were shared
    return _shared(one, other) >= enough


@compiled
def _say_the_same(one: Wording, other: Wording) -> bool:
    # Each holds so much of the other at least; a first look at that spares most of the work.
    least = SAME_TEXT * LEAST_BELOW_HEADLINE * max(one.terms.size, other.terms.size)
    if min(one.terms.size, other.terms.size) < least or _shared(one.terms, other.terms) < least:
        return False
    return _holds(one, other) and _holds(other, one)


@compiled
def _holds(one: Wording, other: Wording) -> bool:
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

    speaker: int
    others: list[int]


def one_per_story(
    wordings: Wordings,
    among: Sequence[int],
    published: NDArray[np.int64],
    pools: NDArray[np.intp],
    policy: StoryPolicy,
) -> list[Story]:
    """
    Group articles by story, each against the first of a story, in list order.

    Not transitive: running updates drift, and the end of a chain is another story than its start.

    Args:
        among: numbers of articles of *wordings*, ascending, which is list order.
        published: by number; by it the `newest` or the `original` speaks for the story, and not
            the first (`best`).
        pools: by number; only one of the first's pool speaks, or a deeper look would change what
            stands higher up.
    """
    groups: dict[int, list[int]] = {}
    for number in among:
        firsts = (
            f for f in wordings.alike[number] if f in groups and wordings.is_same_story(f, number)
        )
        groups.setdefault(next(firsts, number), []).append(number)
    return [_story(group, published, pools, policy) for group in groups.values()]


def _story(
    group: list[int], published: NDArray[np.int64], pools: NDArray[np.intp], policy: StoryPolicy
) -> Story:
    if len(group) == 1:
        return Story(group[0], [])
    dates = published[[member for member in group if pools[member] == pools[group[0]]]]
    places = {"best": 0, "newest": int(dates.argmax()), "original": int(dates.argmin())}
    speaker = group[places[policy]]
    return Story(speaker, [member for member in group if member != speaker])
