"""The boilerplate shield: lines that stand in many articles of a site say nothing about any."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.ragged import RaggedArray

Digests = NDArray[np.uint64]

# A line that stands in so many different articles of a site is boilerplate. Larger numbers leave
# the bios of authors who write little: with bios and footers put into 18f-blog, nDCG@10 is .509 at
# 3, .505 at 5, .494 at 8, .490 at 10, and .453 without the shield.
BOILERPLATE_ARTICLES = 3
# Lines of one or two words are mostly headings, which carry topics ("GNOME 2.20"), until they stand
# in many ("Read more").
SHORT_LINE_ARTICLES = 20
SHORT_LINE_WORDS = 3
# A text that would have less left than this was published several times: it stays whole.
LEAST_TERMS_LEFT = 20
LEAST_SHARE_LEFT = 0.5

_WORD = re.compile(r"\w+")  # regex would keep marks with their letters, and take twice as long
_ASCII_WORDS = bytes(code if _WORD.match(chr(code)) else ord(" ") for code in range(256))
_ASCII_WORDS_IN_LINES = _ASCII_WORDS[:10] + b"\n" + _ASCII_WORDS[11:]
_SHORT = 1  # bit of a digest
# The recent digests join the others once there are this many for one of those.
_FOLD_SHARE = 0.125


class Blocks(NamedTuple):
    """
    The lines of one article, and which of its terms stand in each.

    Lines that differ only in case, spaces or punctuation are one block. Numbers tell: else the rows
    of every table of results would be one.

    Fields:
        digests: shape (b,), uint64, distinct and ascending.
        ends: shape (b,), uint32; the terms of block i are `places[ends[i - 1] : ends[i]]`.
        places: unsigned, positions among the article's terms, one for each occurrence.
        total: how many terms occur in the whole body, also in lines that are no blocks.
    """

    digests: Digests
    ends: NDArray[np.uint32]
    places: NDArray[np.unsignedinteger]
    total: int

    @classmethod
    def none(cls) -> Self:
        nothing = np.empty(0, dtype=np.uint32)
        return cls(np.empty(0, dtype=np.uint64), nothing, nothing, 0)

    @classmethod
    def of(cls, lines: Sequence[str | None], places: Sequence[NDArray[np.intp]]) -> Self:
        """
        From the text of each line and the places of the terms that occur in it.

        A line that is None or has no term is passed over.
        """
        read = [
            (line, terms)
            for line, terms in zip(lines, places, strict=True)
            if line is not None and terms.size
        ]
        found: dict[int, list[NDArray[np.intp]]] = {}
        all_words = _words_of_all([line for line, _ in read])
        for (line, terms), words in zip(read, all_words, strict=True):
            found.setdefault(_digest(line, words, terms.size), []).append(terms)
        ordered = sorted(found)
        parts = [part for digest in ordered for part in found[digest]]
        return cls(
            np.array(ordered, dtype=np.uint64),
            np.cumsum([sum(map(len, found[digest])) for digest in ordered], dtype=np.uint32),
            np.concatenate([np.empty(0, np.intp), *parts]).astype(np.uint32),
            sum(map(len, places)),
        )

    def occurrences(self, chosen: NDArray[np.bool_], terms: int) -> NDArray[np.float32] | None:
        """
        How often each of the article's *terms* occurs in the *chosen* blocks, shape (terms,).

        None when next to nothing would be left without them.
        """
        sizes = np.diff(self.ends, prepend=np.uint32(0))
        found = self.places[np.repeat(chosen, sizes)]
        if self.total - found.size < max(LEAST_TERMS_LEFT, LEAST_SHARE_LEFT * self.total):
            return None
        return np.bincount(found, minlength=terms).astype(np.float32)


def line_digest(line: str, terms: int) -> int:
    """
    64 bits of BLAKE2 of a line in which so many *terms* occur; the lowest says if it is short.

    Terms tell for scripts without spaces, where a line is one word.
    """
    return _digest(line, _words(line), terms)


def _digest(line: str, words: list[bytes], terms: int) -> int:
    written = b" ".join(words)
    digest = int.from_bytes(blake2b(written, digest_size=8).digest(), "little")
    few = min(len(words), len(line.split(None, SHORT_LINE_WORDS))) < SHORT_LINE_WORDS
    return digest | _SHORT if few and terms < 2 * SHORT_LINE_WORDS else digest & ~_SHORT


def _words(line: str) -> list[bytes]:
    """What `_WORD` finds in a line, in small letters, as UTF-8."""
    if line.isascii():  # in a fifth of the time
        return line.lower().encode().translate(_ASCII_WORDS).split()
    return [word.encode() for word in _WORD.findall(line.casefold())]


def _words_of_all(lines: Sequence[str]) -> Iterator[list[bytes]]:
    """`_words` of each line. Those in ASCII are read together, in half of the time."""
    together = "\n".join(line for line in lines if line.isascii())
    plain = iter(together.lower().encode().translate(_ASCII_WORDS_IN_LINES).split(b"\n"))
    for line in lines:
        yield next(plain).split() if line.isascii() else _words(line)


def find_line(text: str, digest: int) -> str | None:
    """The first line of *text* with this digest."""
    lines = text.split("\n")
    return next((line for line in lines if line_digest(line, 0) | _SHORT == digest | _SHORT), None)


class Shared(NamedTuple):
    """A block that is boilerplate: in how many articles it stands, and the slot of one of them."""

    digest: int
    articles: int
    slot: int


class Limits(NamedTuple):
    """
    How often is too often.

    Fields:
        articles: in how many articles a block must stand to be boilerplate.
        short: the same for short lines.
    """

    articles: int = BOILERPLATE_ARTICLES
    short: int = SHORT_LINE_ARTICLES


LIMITS = Limits()


class BlockBook:
    """
    Which articles of a site hold which blocks, by slot (see `ArticleIndex.slot`).

    What is boilerplate depends on the articles that are there, not on the order they came in.
    20 bytes a line: three million lines take 60 MB, where a dict of them takes 400.

    Args:
        base: what `arrays` returned, for the first slots.
    """

    def __init__(
        self, limits: Limits = LIMITS, base: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        self._limits = limits
        self._rows = RaggedArray("Q", base, names=base["digests"] if base else None)
        self._live = bytearray(b"\1" * len(self._rows))
        self._old, self._recent = _Tally(base), _Tally()

    def arrays(self, slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The blocks of these articles, in this order, and in how many of them each stands."""
        rows = self._rows.arrays(slots)
        digests, numbers, counts = np.unique(
            rows["values"], return_inverse=True, return_counts=True
        )
        smallest = np.min_scalar_type(counts.max(initial=0))
        return {
            "ends": rows["ends"],
            "values": numbers.astype(np.uint32),
            "digests": digests,
            "counts": counts.astype(smallest),
        }

    def is_boilerplate(self, digests: Digests) -> NDArray[np.bool_]:
        """Shape of *digests*."""
        return self._are_enough(digests, self._counts(digests))

    def crossing(self, arriving: Sequence[Digests], leaving: Collection[int]) -> Digests:
        """
        What would become boilerplate, or cease to be, if articles with the *arriving* blocks
        came and those in the slots *leaving* went; distinct, ascending.
        """
        digests, changes = self._changes(arriving, leaving)
        before = self._counts(digests)
        crosses = self._are_enough(digests, before) != self._are_enough(digests, before + changes)
        crossing: Digests = digests[crosses]
        return crossing

    def apply(self, arriving: Sequence[Digests], leaving: Collection[int]) -> None:
        """Let the articles in the slots *leaving* go, and others take the next free slots."""
        self._add(*self._changes(arriving, leaving))
        for slot in leaving:
            self._live[slot] = False
        for digests in arriving:
            self._rows.append(digests)
        self._live += b"\1" * len(arriving)

    def holders(self, digests: Digests) -> NDArray[np.intp]:
        """The slots of the articles with any of *digests*, ascending; a scan over all lines."""
        return np.unique(self._found(digests)[1])

    def boilerplate(self) -> list[Shared]:
        """All of it, the most frequent first."""
        digests = np.concatenate((self._old.digests, self._recent.digests))
        counts = self._counts(digests)
        enough = self._are_enough(digests, counts)
        digests, counts = digests[enough], counts[enough]
        found, slots = self._found(digests)
        first = dict(zip(found[::-1].tolist(), slots[::-1].tolist(), strict=True))
        order = np.lexsort((digests, -counts))
        ranked = zip(digests[order].tolist(), counts[order].tolist(), strict=True)
        return [Shared(digest, count, first[digest]) for digest, count in ranked]

    def _are_enough(self, digests: Digests, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        limits = np.where(digests & np.uint64(_SHORT), self._limits.short, self._limits.articles)
        enough: NDArray[np.bool_] = counts >= limits
        return enough

    def _found(self, digests: Digests) -> tuple[Digests, NDArray[np.intp]]:
        """Where any of *digests* stands in an article that is there: which one, in which slot."""
        if not digests.size:
            return digests, np.empty(0, dtype=np.intp)
        found, slots = self._rows.holding(digests)
        there = np.frombuffer(bytes(self._live), dtype=np.bool_)[slots]
        return found[there], slots[there]

    def _changes(
        self, arriving: Sequence[Digests], leaving: Collection[int]
    ) -> tuple[Digests, NDArray[np.int64]]:
        """The digests whose number of articles changes, ascending, and by how much each."""
        rows = [*arriving, *map(self._rows.row, leaving)]
        if not rows:
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        signs = np.repeat([1] * len(arriving) + [-1] * len(leaving), [row.size for row in rows])
        digests, numbers = np.unique(np.concatenate(rows), return_inverse=True)
        changes = np.bincount(numbers, weights=signs, minlength=digests.size).astype(np.int64)
        return digests[changes != 0], changes[changes != 0]

    def _counts(self, digests: Digests) -> NDArray[np.int64]:
        return self._old.counts_of(digests) + self._recent.counts_of(digests)

    def _add(self, digests: Digests, changes: NDArray[np.int64]) -> None:
        known = self._old.add(digests, changes)
        digests, changes = digests[~known], changes[~known]
        known = self._recent.add(digests, changes)
        self._recent.insert(digests[~known], changes[~known])
        if self._recent.digests.size > _FOLD_SHARE * self._old.digests.size:
            self._old.insert(self._recent.digests, self._recent.counts)
            self._recent = _Tally()


class _Tally:
    """Digests, ascending, and a count for each: 12 bytes, to insert is to copy them all."""

    def __init__(self, base: Mapping[str, NDArray[Any]] | None = None) -> None:
        self.digests: Digests = base["digests"] if base else np.empty(0, np.uint64)
        # A copy, for what is in a file stays as it is.
        self.counts = base["counts"].astype(np.int32) if base else np.empty(0, np.int32)

    def counts_of(self, digests: Digests) -> NDArray[np.int64]:
        """0 for a digest that is not there."""
        places, known = self._find(digests)
        counts = np.zeros(digests.size, dtype=np.int64)
        counts[known] = self.counts[places[known]]
        return counts

    def add(self, digests: Digests, changes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Change the counts of those that are there, and return which are."""
        places, known = self._find(digests)
        self.counts[places[known]] += changes[known].astype(np.int32)
        return known

    def insert(self, digests: Digests, counts: NDArray[np.signedinteger]) -> None:
        """Add *digests*, which are ascending and not there yet; forget those that have gone."""
        counted = self.counts > 0
        if not counted.all():
            self.digests, self.counts = self.digests[counted], self.counts[counted]
        places = np.searchsorted(self.digests, digests)
        self.digests = np.insert(self.digests, places, digests)
        self.counts = np.insert(self.counts, places, counts.astype(np.int32))

    def _find(self, digests: Digests) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        if not self.digests.size:
            return np.zeros(digests.size, dtype=np.intp), np.zeros(digests.size, dtype=np.bool_)
        places = np.minimum(np.searchsorted(self.digests, digests), self.digests.size - 1)
        return places, self.digests[places] == digests
