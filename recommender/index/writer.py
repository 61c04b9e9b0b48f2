"""From term counts to the arrays of a `Base`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TWO_WORD_BIT, TermCounts, idf, tf_weights
from recommender.index.codec import Words, rice_bits, write_gamma, write_rice
from recommender.index.jit import compiled, whole
from recommender.index.postings import (
    AS_GAPS,
    BLOCK,
    BLOCK_BITS,
    COMMON_IN_BLOCK,
    GROUPS,
    LEAP,
    LEVELS,
    OTHER,
    RUN_CODE_BITS,
    SINGLE,
    SINGLE_BLOCK,
    blocks,
    gap_bits,
    sum_levels,
)
from recommender.index.reader import spans

MOST_BYTES = 2**32  # of all rows, and of the dictionary: places in them have 32 bits


def build_index(
    ends: NDArray[np.int64], terms: NDArray[np.uint32], counts: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """
    The arrays of a `Base`.

    Args:
        ends: shape (n + 1,), where each article's terms start, and where the last one's end.
        terms: shape (postings,), hashed ids, ascending within an article.
        counts: shape (postings,).

    Raises:
        OverflowError: for more than about ten million articles.
    """
    articles = ends.size - 1
    values, codes = _coded(counts)
    order = by_term(terms)
    all_terms, starts, df = distinct(terms[order])
    common = df >= COMMON_IN_BLOCK * blocks(articles)
    groups = np.where(common, 0, np.where(df > 1, OTHER, SINGLE) + (all_terms >= TWO_WORD_BIT))
    by_number = np.argsort(groups, kind="stable")
    common_terms = np.count_nonzero(common)
    by_df = np.argsort(-df[by_number[:common_terms]], kind="stable")
    by_number[:common_terms] = by_number[by_df]
    numbering = np.empty(all_terms.size, np.uint32)
    numbering[by_number] = np.arange(all_terms.size)
    numbers = np.empty(terms.size, np.uint32)
    numbers[order] = np.repeat(numbering, df)
    slots = np.repeat(np.arange(articles, dtype=np.uint32), np.diff(ends))[order]
    sizes = _sizes(articles, groups, df)
    all_terms, starts, df = all_terms[by_number], starts[by_number], df[by_number]
    common_bits = np.array([rice_bits(articles / often) for often in df[:common_terms]], np.uint8)
    rows, row_at = _rows(sizes["firsts"], sizes["row_bits"], common_bits, ends, numbers, codes)
    sums, tails = _sums(ends, tf_weights(TermCounts(terms, counts)), numbers, df)
    return {
        **sizes,
        "row_at": row_at,
        "rows": rows,
        "common_terms": all_terms[:common_terms],
        "common_df": df[:common_terms].astype(np.uint32),
        "common_bits": common_bits,
        "common_order": by_term(all_terms[:common_terms]),
        **_runs(starts[:common_terms], df[:common_terms], articles, slots, codes[order]),
        **_dictionary(sizes, all_terms, starts, df, slots, codes[order]),
        "counts": values,
        "sums": sums,
        "tails": tails,
    }


def _coded(counts: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """The distinct counts, the most frequent first, and the place of each among them."""
    values, codes, often = np.unique(counts, return_inverse=True, return_counts=True)
    if values.size > np.iinfo(np.uint16).max:
        raise OverflowError("more than 65,535 different counts")
    order = np.argsort(-often, kind="stable")
    ranks = np.empty(order.size, np.uint16)
    ranks[order] = np.arange(order.size)
    return values[order], ranks[codes]


def by_term(terms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """
    The positions of *terms* in ascending order, equal ones as they come.

    To sort ids with their positions as one number takes a third of the time of an argsort.
    """
    pairs = terms.astype(np.uint64) << np.uint64(32)
    pairs |= np.arange(terms.size, dtype=np.uint64)
    pairs.sort()
    return pairs.astype(np.uint32)


def numbered(
    values: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct *values*, ascending; the place of each of them there; how often each occurs."""
    order = by_term(values)
    found, _, counts = distinct(values[order])
    places = np.empty(values.size, np.int64)
    places[order] = np.repeat(np.arange(found.size), counts)
    return found, places, counts


def distinct(
    ordered: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct ones of *ordered*, where each starts, and how often it occurs."""
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    return ordered[starts], starts, np.diff(np.append(starts, ordered.size))


def _sizes(
    articles: int, groups: NDArray[np.int64], df: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """The small fields of `Postings`; the group and the document frequency of each term."""
    terms = np.bincount(groups, minlength=GROUPS)
    postings = np.bincount(groups, df, GROUPS)
    row_gaps = terms * articles / np.maximum(postings, 1)
    return {
        "articles": np.array([articles]),
        "firsts": np.append(0, np.cumsum(terms)),
        "row_bits": np.array([rice_bits(gap) for gap in row_gaps]),
        "term_bits": np.array([rice_bits(2**31 / max(size, 1)) for size in terms.tolist()]),
    }


def _sums(
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    numbers: NDArray[np.uint32],
    df: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    articles = ends.size - 1
    sums, tails = np.zeros((articles, 3)), np.zeros((LEVELS, articles), np.uint8)
    term_idf, levels = idf(df, articles), sum_levels(df.astype(np.uint32), articles)
    _add_sums(ends, weights, numbers, np.log(1 + df), term_idf, levels, sums, tails)
    return sums, tails


@compiled
def _add_sums(
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    numbers: NDArray[np.uint32],
    g: NDArray[np.float64],
    term_idf: NDArray[np.float64],
    levels: NDArray[np.uint8],
    sums: NDArray[np.float64],
    tails: NDArray[np.uint8],
) -> None:
    for slot in range(ends.size - 1):
        lengths = np.zeros(LEVELS + 1)
        for i in range(ends[slot], ends[slot + 1]):
            number = numbers[i]
            square = np.float64(weights[i]) ** 2
            sums[slot, 0] += square
            sums[slot, 1] += square * g[number]
            sums[slot, 2] += square * g[number] ** 2
            for level in range(levels[number] + 1):
                lengths[level] += square * term_idf[number] ** 2
        for level in range(LEVELS):
            if lengths[level + 1]:
                share = np.sqrt(lengths[level + 1] / lengths[0])
                tails[level, slot] = np.uint8(min(255, whole(255 * share) + 1))


def _rows(
    firsts: NDArray[np.int64],
    low_bits: NDArray[np.int64],
    common_bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    numbers: NDArray[np.uint32],
    codes: NDArray[np.uint16],
) -> tuple[Words, NDArray[np.uint32]]:
    words = np.zeros(2 * (numbers.size + 2 * ends.size), np.uint64)
    at = np.zeros(ends.size, np.int64)
    end = _write_rows(firsts, low_bits, common_bits, ends, numbers, codes, words, at)
    return _cut(words, end), _places(at)


@compiled
def _sorted_row(numbers: NDArray[np.uint32], codes: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Numbers and codes as one, ascending."""
    row = np.empty(numbers.size, np.int64)
    for i in range(row.size):
        row[i] = whole(numbers[i]) << RUN_CODE_BITS | whole(codes[i])
    row.sort()
    return row


@compiled
def _write_rows(
    firsts: NDArray[np.int64],
    low_bits: NDArray[np.int64],
    common_bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    numbers: NDArray[np.uint32],
    codes: NDArray[np.uint16],
    words: Words,
    places: NDArray[np.int64],
) -> int:
    at = 0
    for slot in range(ends.size - 1):
        places[slot] = at >> 3
        row = _sorted_row(numbers[ends[slot] : ends[slot + 1]], codes[ends[slot] : ends[slot + 1]])
        i = 0
        for group in range(GROUPS):
            end = np.searchsorted(row, firsts[group + 1] << RUN_CODE_BITS)
            at = write_gamma(words, at, end - i)
            before, bits = firsts[group] - 1, low_bits[group]
            while i < end:
                number, code = row[i] >> RUN_CODE_BITS, row[i] & 0xFFFF
                if group == 0:
                    bits = whole(common_bits[before + 1])
                at = write_rice(words, at, number - before - 1, bits)
                at = write_gamma(words, at, code)
                before = number
                i += 1
        at = (at + 7) & ~7
    places[ends.size - 1] = at >> 3
    return at


def _dictionary(
    sizes: dict[str, NDArray[Any]],
    terms: NDArray[np.uint32],
    starts: NDArray[np.int64],
    df: NDArray[np.int64],
    slots: NDArray[np.uint32],
    codes: NDArray[np.uint16],
) -> dict[str, NDArray[Any]]:
    """The dictionary and its heads, of all *terms* by number but the common ones."""
    firsts = sizes["firsts"].tolist()
    several, single = terms[firsts[OTHER] : firsts[SINGLE]], terms[firsts[SINGLE] :]
    heads = np.concatenate((several[::BLOCK], single[::SINGLE_BLOCK]))
    codes_written = int(df[firsts[OTHER] :].sum()) + several.size + single.size
    words = np.zeros(2 * (codes_written + heads.size + 1), np.uint64)
    at = np.zeros(heads.size, np.int64)
    bits = gap_bits(int(sizes["articles"][0]))
    end, block = 0, 0
    for group, size in ((OTHER, BLOCK), (SINGLE, SINGLE_BLOCK)):
        part = slice(firsts[group], firsts[group + 2])
        low_bits = sizes["term_bits"][group : group + 2]
        end = _write_dictionary(
            size,
            low_bits,
            terms[part],
            starts[part],
            df[part],
            slots,
            codes,
            bits,
            end,
            words,
            at[block:],
        )
        block = -(-several.size // BLOCK)
    return {
        "single_block": np.array([block]),
        "heads": heads,
        "head_at": _places(at),
        "dictionary": _cut(words, end),
    }


@compiled
def _write_dictionary(
    block_size: int,
    term_bits: NDArray[np.int64],
    terms: NDArray[np.uint32],
    starts: NDArray[np.int64],
    df: NDArray[np.int64],
    slots: NDArray[np.uint32],
    codes: NDArray[np.uint16],
    low_bits: NDArray[np.uint8],
    at: int,
    words: Words,
    places: NDArray[np.int64],
) -> int:
    """Write from bit *at* on, and return the end."""
    for first in range(0, terms.size, block_size):
        at = (at + 7) & ~7
        places[first // block_size] = at >> 3
        end = min(first + block_size, terms.size)
        for place in range(first, end):
            if df[place] > 1:
                at = write_gamma(words, at, df[place] - 2)
        for place in range(first + 1, end):
            before = whole(terms[place - 1])
            at = write_rice(words, at, whole(terms[place]) - before - 1, term_bits[before >> 31])
        for place in range(first, end):
            slot, bits = -1, whole(low_bits[df[place]])
            for i in range(starts[place], starts[place] + df[place]):
                gap = whole(slots[i]) - slot - 1
                at = write_rice(words, at, gap, bits)
                at = write_gamma(words, at, whole(codes[i]))
                slot += gap + 1
    return at


def _cut(words: Words, bits: int) -> Words:
    return words[: bits // 64 + 2].copy()


def _places(at: NDArray[np.int64]) -> NDArray[np.uint32]:
    if at.size and at[-1] >= MOST_BYTES:
        raise OverflowError("too many articles for one index")
    return at.astype(np.uint32)


def _runs(
    starts: NDArray[np.int64],
    df: NDArray[np.int64],
    articles: int,
    slots: NDArray[np.uint32],
    codes: NDArray[np.uint16],
) -> dict[str, NDArray[Any]]:
    """The runs of the common terms, whose postings start at *starts* among *slots*."""
    positions = spans(starts, df)
    found = slots[positions]
    keys = (found >> np.uint32(BLOCK_BITS)) << np.uint32(RUN_CODE_BITS) | codes[positions]
    # Owner and key as one number; a stable sort leaves the slots of a run in order.
    owners = np.repeat(np.arange(df.size, dtype=np.uint64), df) << np.uint64(32) | keys
    order = np.argsort(owners, kind="stable")
    runs, run_starts, sizes = distinct(owners[order])
    first_runs = np.searchsorted(runs >> np.uint64(32), np.arange(df.size + 1))
    within = found[order].astype(np.uint16)
    levels = sum_levels(df.astype(np.uint32), articles)[runs >> np.uint64(32)]
    # At most so many leaps, and a byte that makes the size even: never more than slots would take.
    leaps = within[run_starts + sizes - 1] // LEAP + 1
    as_gaps = (levels > 0) & (leaps <= sizes)
    room, ends = np.empty(2 * within.size, np.uint8), np.empty(runs.size, np.uint32)
    size = _write_runs(run_starts, sizes, as_gaps, within, room, ends)
    return {
        "common_runs": first_runs.astype(np.uint32),
        "run_keys": runs.astype(np.uint32) | np.where(as_gaps, np.uint32(AS_GAPS), np.uint32(0)),
        "run_ends": ends,
        "run_slots": room[:size].view("<u2").copy(),
    }


@compiled
def _write_runs(
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    as_gaps: NDArray[np.bool_],
    slots: NDArray[np.uint16],
    room: NDArray[np.uint8],
    ends: NDArray[np.uint32],
) -> int:
    """Write the runs one after the other, and return how many bytes they take."""
    at = 0
    for run in range(starts.size):
        part = slots[starts[run] : starts[run] + sizes[run]]
        at += _write_gaps(part, room[at:]) if as_gaps[run] else _write_slots(part, room[at:])
        ends[run] = at >> 1
    return at


@compiled
def _write_slots(slots: NDArray[np.uint16], room: NDArray[np.uint8]) -> int:
    for i in range(slots.size):
        room[2 * i], room[2 * i + 1] = slots[i] & 0xFF, slots[i] >> 8
    return 2 * slots.size


@compiled
def _write_gaps(slots: NDArray[np.uint16], room: NDArray[np.uint8]) -> int:
    """An even number of bytes: the gap before each slot, with as many leaps as that takes."""
    size, before = 0, 0
    for i in range(slots.size):
        gap = whole(slots[i]) - before
        while gap >= LEAP:
            room[size] = LEAP
            size += 1
            gap -= LEAP
        room[size] = gap
        size += 1
        before = whole(slots[i])
    if size & 1:
        room[size] = LEAP
        size += 1
    return size
