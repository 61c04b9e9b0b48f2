"""Groups articles that tell one story in the same words, and picks the one that represents it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TITLE_WEIGHT, TWO_WORD_BIT, TermCounts, term_ids
from recommender.index.jit import compiled
from recommender.index.reader import readonly
from recommender.policy.option_types import StoryPolicy

# Measured on pairs of opensuse-news, Reuters and current-events that people read: see
# docs/RELEVANCE.md. Two articles are duplicates when they share this part of the shorter one's
# two-word terms, and so many more, because a note of two lines resembles others by chance …
SHARED = 0.5
BENEFIT_OF_DOUBT = 20
# … unless the longer one is a digest with much else in it.
LEAST_LENGTH_RATIO = 0.2
# … or both follow one template, such as guides to two matches or forecasts for two towns: each
# title has a word of its own, which is a number or recurs in the text, and the other article does
# not have it anywhere. Texts with other names that share even this part are copies: one paper
# writes Kyiv and the other Kiev.
SHARED_IN_SPITE_OF_TITLES = 0.85
# Or when they share this part of their text below the headline, at any length: an agency report
# under another headline. Where the headline is most of the text, all of it counts.
SAME_TEXT = 0.9
LEAST_BELOW_HEADLINE = 0.5
# Pairs that share less of the shorter one's terms are not compared in full: headlines of half a
# text leave two fifths, which may hold most of its word pairs.
LEAST_IN_COMMON = 0.2

# Days, years, rounds and results, as titles write them; a single digit is no term.
_NUMBERS = [f"{number:02}" for number in range(10_000)]
_NUMBER_IDS = readonly(np.unique(np.array(term_ids(_NUMBERS), np.uint32)))

Pairs = NDArray[np.intp]  # of articles by number: shape (m, 2), the later one first, in order
IsDuplicate = Callable[[int, int], bool]  # whether two articles, by number, tell one story


class Fingerprint(NamedTuple):
    """
    The ids of an article's terms, each list ascending.

    Fields:
        terms: all of them.
        title: those in its headline.
        subject: words in the headline that are numbers or recur in the text.
    """

    terms: NDArray[np.uint32]
    title: NDArray[np.uint32]
    subject: NDArray[np.uint32]

    @classmethod
    def of(cls, counts: TermCounts, title: NDArray[np.uint32]) -> Self:
        columns = (counts.terms, counts.counts, title, _NUMBER_IDS)
        return cls(counts.terms, title, _subject(*(readonly(column.view()) for column in columns)))


def candidate_pairs(in_common: NDArray[np.int32]) -> Pairs:
    """
    Return the pairs of articles that may tell one story.

    Args:
        in_common: how many of the terms that count every two have, as `ArticleIndex.in_common`
            returns for `BENEFIT_OF_DOUBT`.
    """
    return _pairs_with_enough(readonly(in_common.view()))


@compiled
def _pairs_with_enough(in_common: NDArray[np.int32]) -> Pairs:
    pairs, size = np.empty((in_common.size // 2, 2), np.intp), 0
    for later in range(len(in_common)):
        for earlier in range(later):
            shorter = min(in_common[later, later], in_common[earlier, earlier])
            if in_common[later, earlier] >= max(LEAST_IN_COMMON * shorter, 1):
                pairs[size] = later, earlier
                size += 1
    return pairs[:size].copy()


def is_duplicate(one: Fingerprint, other: Fingerprint) -> bool:
    """
    Whether two articles tell one story in the same words.

    All articles on a subject share its vocabulary; only when one was written from the other do
    they share its two-word terms.
    """
    return _is_duplicate(_readonly(one), _readonly(other))


def overlap(one: Fingerprint, other: Fingerprint) -> float:
    """
    The share of two-word terms, of the article that has fewer, that the other one has too.

    If one has few of them, all terms count.
    """
    one, other = _readonly(one), _readonly(other)
    terms = _two_word(one.terms), _two_word(other.terms)
    if min(map(len, terms)) < BENEFIT_OF_DOUBT:
        terms = one.terms, other.terms
    return _shared(*terms) / max(min(map(len, terms)), 1)


def _readonly(article: Fingerprint) -> Fingerprint:
    return Fingerprint(*(readonly(terms.view()) for terms in article))


@compiled
def _subject(
    terms: NDArray[np.uint32],
    counts: NDArray[np.float32],
    title: NDArray[np.uint32],
    numbers: NDArray[np.uint32],
) -> NDArray[np.uint32]:
    words = title[: np.searchsorted(title, TWO_WORD_BIT)]
    chosen = np.zeros(words.size, np.bool_)
    for i in range(words.size):
        place = _place(terms, words[i])
        recurs = place >= 0 and counts[place] > TITLE_WEIGHT
        chosen[i] = recurs or _place(numbers, words[i]) >= 0
    return words[chosen]


@compiled
def _place(ids: NDArray[np.uint32], term: int) -> int:
    """The position of an id in an ascending list, or -1."""
    place = int(np.searchsorted(ids, term))
    return place if place < ids.size and ids[place] == term else -1


@compiled
def _two_word(terms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return terms[np.searchsorted(terms, TWO_WORD_BIT) :]


@compiled
def _is_duplicate(one: Fingerprint, other: Fingerprint) -> bool:
    pairs = _two_word(one.terms), _two_word(other.terms)
    shared = _shared_word_pairs(*pairs)
    fewer = min(pairs[0].size, pairs[1].size)
    if shared and (shared >= SHARED_IN_SPITE_OF_TITLES * fewer or not _differ(one, other)):
        return True
    return _share_text(one, other)


@compiled
def _differ(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether each has a subject that the other one's text lacks."""
    return (
        _shared(one.subject, other.terms) < one.subject.size
        and _shared(other.subject, one.terms) < other.subject.size
    )


@compiled
def _shared_word_pairs(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> int:
    """How many word pairs both have, or 0 if that is not enough."""
    fewer, more = min(one.size, other.size), max(one.size, other.size)
    enough = SHARED * (fewer + BENEFIT_OF_DOUBT)
    if fewer < max(enough, LEAST_LENGTH_RATIO * more):
        return 0  # even if they shared all of them
    shared = _shared(one, other)
    return shared if shared >= enough else 0


@compiled
def _share_text(one: Fingerprint, other: Fingerprint) -> bool:
    # Each has at least this much of the other; checking that first saves most of the work.
    least = SAME_TEXT * LEAST_BELOW_HEADLINE * max(one.terms.size, other.terms.size)
    if min(one.terms.size, other.terms.size) < least or _shared(one.terms, other.terms) < least:
        return False
    return _contains(one, other) and _contains(other, one)


@compiled
def _contains(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether *one* has the text of *other* below its headline."""
    below, shared = _below(one.terms, other.terms, other.title)
    if below < LEAST_BELOW_HEADLINE * other.terms.size:
        below, shared = other.terms.size, _shared(one.terms, other.terms)
    return shared >= max(SAME_TEXT * below, 1)


@compiled
def _shared(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> int:
    """How many ids both have; each ascending and distinct."""
    count, j = 0, 0
    for i in range(one.size):
        while j < other.size and other[j] < one[i]:
            j += 1
        if j < other.size and other[j] == one[i]:
            count += 1
    return count


@compiled
def _below(
    one: NDArray[np.uint32], other: NDArray[np.uint32], title: NDArray[np.uint32]
) -> tuple[int, int]:
    """How many of *other* are not in its *title*, and how many of these *one* has too."""
    size, shared, i, t = 0, 0, 0, 0
    for j in range(other.size):
        while t < title.size and title[t] < other[j]:
            t += 1
        if t < title.size and title[t] == other[j]:
            continue
        size += 1
        while i < one.size and one[i] < other[j]:
            i += 1
        shared += i < one.size and one[i] == other[j]
    return size, shared


class Story(NamedTuple):
    """The article that represents a story, and the others that tell it."""

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
    Group articles by story, in list order. Each is compared with the first one of a group.

    The comparison is not transitive: running updates drift, and the end of a chain of updates is
    another story than its start.

    Args:
        pairs: the articles that may tell one story; no others are compared.
        among: numbers of the articles, ascending, which is list order.
        published: by number; decides which one represents the story, when that is the `newest` or
            the `original` and not the first in the list (`best`).
        pools: by number; an article of the same pool as the first represents the story, so that
            fetching deeper candidates does not change the start of the list.
    """
    groups = {number: [number] for number in among}
    laters, starts = np.unique(pairs[:, 0], return_index=True)
    for later, earlier in zip(laters.tolist(), np.split(pairs[:, 1], starts[1:]), strict=False):
        if later not in groups:
            continue
        for first in earlier.tolist():
            # A merged article no longer heads a group, so nothing merges into it.
            if first in groups and is_duplicate(later, first):
                groups[first] += groups.pop(later)
                break
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
