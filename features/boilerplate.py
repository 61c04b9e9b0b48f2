"""Boilerplate: lines that many articles of a site share, which say nothing about any of them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Sized
from hashlib import blake2b
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.ragged import RaggedArray

Digests = NDArray[np.uint64]

# A line that so many different articles of a site contain is boilerplate. Larger numbers miss the
# bios of authors who write little: with bios and footers added to 18f-blog, nDCG@10 is .509 at 3,
# .505 at 5, .494 at 8, .490 at 10, and .453 if no line is boilerplate.
BOILERPLATE_ARTICLES = 3
# Lines of one or two words are mostly headings, which carry topics ("GNOME 2.20"), unless very many
# articles contain them ("Read more").
SHORT_LINE_ARTICLES = 20
SHORT_LINE_WORDS = 3
# A text that would keep less than this was published several times, and so it is left whole.
LEAST_TERMS_LEFT = 20
LEAST_SHARE_LEFT = 0.5

_WORD = re.compile(r"\w+")  # regex would keep marks with their letters, and take twice as long
# For bytes.translate: characters of words stay, all others become blanks.
_ASCII_WORDS = bytes(code if _WORD.match(chr(code)) else ord(" ") for code in range(256))
_ASCII_WORDS_IN_LINES = _ASCII_WORDS[:10] + b"\n" + _ASCII_WORDS[11:]
_SHORT = 1  # bit of a digest
# Recent digests are merged into the old ones when they are this share of them.
_MERGE_SHARE = 0.125


class Blocks(NamedTuple):
    """
    The distinct lines of one article, and the terms in each.

    Lines that differ only in case, spaces or punctuation are one block. Digits count: without them
    all rows of a table of results would be one block.

    Fields:
        digests: shape (b,), uint64, distinct and ascending.
        ends: shape (b,), uint32; the terms of block i are `places[ends[i - 1] : ends[i]]`.
        places: unsigned, positions among the article's terms, one for each occurrence.
        total: the number of term occurrences in the whole body, also in lines that are no blocks.
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
        Build the blocks from the text of each line and the positions of the terms in it.

        A line that is None or has no term is ignored.
        """
        texts: list[str] = []
        places_of_texts: list[NDArray[np.intp]] = []
        for line, line_places in zip(lines, places, strict=True):
            if line is not None and line_places.size:
                texts.append(line)
                places_of_texts.append(line_places)
        by_digest: dict[int, list[NDArray[np.intp]]] = {}
        for text, words, line_places in zip(
            texts, _words_of_all(texts), places_of_texts, strict=True
        ):
            by_digest.setdefault(_digest(text, words, line_places.size), []).append(line_places)
        sizes = []
        parts = [np.empty(0, np.intp)]
        for digest in sorted(by_digest):
            sizes.append(sum(map(len, by_digest[digest])))
            parts += by_digest[digest]
        return cls(
            np.array(sorted(by_digest), dtype=np.uint64),
            np.cumsum(sizes, dtype=np.uint32),
            np.concatenate(parts).astype(np.uint32),
            sum(map(len, places)),
        )

    def sizes(self) -> NDArray[np.uint32]:
        """The number of term occurrences in each block, shape (b,)."""
        sizes = self.ends.copy()
        sizes[1:] -= self.ends[:-1]
        return sizes

    def occurrences(self, chosen: NDArray[np.bool_], terms: int) -> NDArray[np.float32] | None:
        """
        How often each of the article's *terms* occurs in the *chosen* blocks, shape (terms,).

        None if the other lines have too few terms, see `LEAST_TERMS_LEFT`.
        """
        places = self.places[np.repeat(chosen, self.sizes())]
        if self.total - places.size < max(LEAST_TERMS_LEFT, LEAST_SHARE_LEFT * self.total):
            return None
        return np.bincount(places, minlength=terms).astype(np.float32)


def line_digest(line: str, terms: int) -> int:
    """
    64 bits of BLAKE2 of a line; the lowest bit says whether the line is short.

    Args:
        terms: the number of terms in the line. They decide for scripts without spaces, where a
            whole line is one word.
    """
    return _digest(line, _words(line), terms)


def _digest(line: str, words: list[bytes], terms: int) -> int:
    digest = int.from_bytes(blake2b(b" ".join(words), digest_size=8).digest(), "little")
    return digest | _SHORT if _is_short(line, words, terms) else digest & ~_SHORT


def _is_short(line: str, words: Sized, terms: int) -> bool:
    if terms >= 2 * SHORT_LINE_WORDS:
        return False
    return min(len(words), len(line.split(None, SHORT_LINE_WORDS))) < SHORT_LINE_WORDS


def _words(line: str) -> list[bytes]:
    """The words of a line, in small letters, as UTF-8."""
    if line.isascii():  # takes a fifth of the time
        return line.lower().encode().translate(_ASCII_WORDS).split()
    return [word.encode() for word in _WORD.findall(line.casefold())]


def _words_of_all(lines: Sequence[str]) -> Iterator[list[bytes]]:
    """`_words` of each line. Lines in ASCII are split together, which halves the time."""
    together = "\n".join(line for line in lines if line.isascii())
    plain = iter(together.lower().encode().translate(_ASCII_WORDS_IN_LINES).split(b"\n"))
    for line in lines:
        yield next(plain).split() if line.isascii() else _words(line)


def find_line(text: str, digest: int) -> str | None:
    """The first line of *text* with this digest."""
    for line in text.split("\n"):
        if line_digest(line, 0) | _SHORT == digest | _SHORT:
            return line
    return None


class SharedBlock(NamedTuple):
    """A block that is boilerplate, the number of articles that hold it, and the slot of one."""

    digest: int
    articles: int
    slot: int


class Limits(NamedTuple):
    """
    The number of articles from which on a block that they share is boilerplate.

    Fields:
        articles: for most lines.
        short: for short lines.
    """

    articles: int = BOILERPLATE_ARTICLES
    short: int = SHORT_LINE_ARTICLES


LIMITS = Limits()


class BlockBook:
    """
    The blocks of each article of a site, by slot (see `ArticleIndex.slot`).

    Boilerplate depends only on the articles present, not on the order in which they came. A line
    takes 20 bytes: three million lines take 60 MB, where a dict of them takes 400.

    Args:
        base: what `arrays` returned; the blocks of the first slots.
    """

    def __init__(
        self, limits: Limits = LIMITS, base: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        self._limits = limits
        self._rows = RaggedArray("Q", base, names=base["digests"] if base else None)
        self._live = bytearray(b"\1" * len(self._rows))
        self._old = _DigestCounts(base)
        self._recent = _DigestCounts()

    def arrays(self, slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The blocks of these articles, in this order, and the number of articles with each."""
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
        The blocks that a change makes boilerplate, or no longer boilerplate; distinct, ascending.

        Args:
            arriving: the blocks of each article that is added.
            leaving: the slots of the articles that are removed.
        """
        digests, changes = self._changes(arriving, leaving)
        before = self._counts(digests)
        crosses = self._are_enough(digests, before) != self._are_enough(digests, before + changes)
        crossing: Digests = digests[crosses]
        return crossing

    def apply(self, arriving: Sequence[Digests], leaving: Collection[int]) -> None:
        """Remove the articles in the slots *leaving*, and add others in the next free slots."""
        self._add(*self._changes(arriving, leaving))
        for slot in leaving:
            self._live[slot] = False
        for digests in arriving:
            self._rows.append(digests)
        self._live += b"\1" * len(arriving)

    def holders(self, digests: Digests) -> NDArray[np.intp]:
        """The slots of the articles with any of *digests*, ascending; scans all lines."""
        return np.unique(self._occurrences(digests)[1])

    def boilerplate(self) -> list[SharedBlock]:
        """All blocks that are boilerplate, the most frequent first."""
        digests = np.concatenate((self._old.digests, self._recent.digests))
        counts = self._counts(digests)
        enough = self._are_enough(digests, counts)
        digests = digests[enough]
        counts = counts[enough]
        occurrences, slots = self._occurrences(digests)
        # Backwards, so that the first slot of a digest overwrites the others.
        first_slots = dict(zip(occurrences[::-1].tolist(), slots[::-1].tolist(), strict=True))
        order = np.lexsort((digests, -counts))
        ranked = zip(digests[order].tolist(), counts[order].tolist(), strict=True)
        return [SharedBlock(digest, count, first_slots[digest]) for digest, count in ranked]

    def _are_enough(self, digests: Digests, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        limits = np.where(digests & np.uint64(_SHORT), self._limits.short, self._limits.articles)
        enough: NDArray[np.bool_] = counts >= limits
        return enough

    def _occurrences(self, digests: Digests) -> tuple[Digests, NDArray[np.intp]]:
        """Each occurrence of any of *digests* in a live article, and the slot of that article."""
        if not digests.size:
            return digests, np.empty(0, dtype=np.intp)
        occurrences, slots = self._rows.holding(digests)
        is_live = np.frombuffer(bytes(self._live), dtype=np.bool_)[slots]
        return occurrences[is_live], slots[is_live]

    def _changes(
        self, arriving: Sequence[Digests], leaving: Collection[int]
    ) -> tuple[Digests, NDArray[np.int64]]:
        """The digests whose number of articles changes, ascending, and each difference."""
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
        digests = digests[~known]
        changes = changes[~known]
        known = self._recent.add(digests, changes)
        self._recent.insert(digests[~known], changes[~known])
        if self._recent.digests.size > _MERGE_SHARE * self._old.digests.size:
            self._old.insert(self._recent.digests, self._recent.counts)
            self._recent = _DigestCounts()


class _DigestCounts:
    """
    Digests, ascending, each with the number of articles that hold it.

    One digest takes 12 bytes. An insertion copies all of them.
    """

    def __init__(self, base: Mapping[str, NDArray[Any]] | None = None) -> None:
        self.digests: Digests = base["digests"] if base else np.empty(0, np.uint64)
        # A copy, because *base* may be a file mapped read-only.
        self.counts = base["counts"].astype(np.int32) if base else np.empty(0, np.int32)

    def counts_of(self, digests: Digests) -> NDArray[np.int64]:
        """The count of each digest, 0 if it is unknown."""
        places, known = self._find(digests)
        counts = np.zeros(digests.size, dtype=np.int64)
        counts[known] = self.counts[places[known]]
        return counts

    def add(self, digests: Digests, changes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Add *changes* to the counts of known digests, and return which are known."""
        places, known = self._find(digests)
        self.counts[places[known]] += changes[known].astype(np.int32)
        return known

    def insert(self, digests: Digests, counts: NDArray[np.signedinteger]) -> None:
        """Insert *digests*, which are ascending and unknown; drop those whose count is 0."""
        is_used = self.counts > 0
        if not is_used.all():
            self.digests = self.digests[is_used]
            self.counts = self.counts[is_used]
        places = np.searchsorted(self.digests, digests)
        self.digests = np.insert(self.digests, places, digests)
        self.counts = np.insert(self.counts, places, counts.astype(np.int32))

    def _find(self, digests: Digests) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        if not self.digests.size:
            return np.zeros(digests.size, dtype=np.intp), np.zeros(digests.size, dtype=np.bool_)
        places = np.minimum(np.searchsorted(self.digests, digests), self.digests.size - 1)
        return places, self.digests[places] == digests
