"""Builds the arrays of a `Base` from term counts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TWO_WORD_BIT, TermCounts, idf, tf_weights
from recommender.index.codec import Words, rice_bits, write_gamma, write_rice
from recommender.index.jit import compiled, whole
from recommender.index.postings import (
    BLOCK_TERMS,
    COMMON,
    COMMON_DF_PER_PAGE,
    COUNT_CODE_BITS,
    GAP_CODED,
    GAP_ESCAPE,
    GROUPS,
    LEVELS,
    PAGE_BITS,
    RARE,
    SINGLE,
    SINGLE_BLOCK_TERMS,
    gap_bits,
    levels_of,
    pages,
)
from recommender.index.reader import flat_ranges, group_sorted, sort_order

MAX_BYTES = 2**32  # of all rows, and of the dictionary: their byte offsets have 32 bits


def build_index(
    ends: NDArray[np.int64], terms: NDArray[np.uint32], counts: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """
    The arrays of a `Base`.

    Args:
        ends: shape (n + 1,), where each article's terms start, and where the last one's end.
        terms: shape (postings,), term ids, ascending within an article.
        counts: shape (postings,).

    Raises:
        OverflowError: for more than about ten million articles.
    """
    articles = ends.size - 1
    values, codes = _encode_counts(counts)
    order = sort_order(terms)
    term_ids, starts, df = group_sorted(terms[order])
    groups = _groups(articles, term_ids, df)
    by_ordinal = _ordinal_order(groups, df)
    ordinals = np.empty(terms.size, np.uint32)
    ordinals[order] = np.repeat(_inverse(by_ordinal), df)
    slots = np.repeat(np.arange(articles, dtype=np.uint32), np.diff(ends))[order]
    sizes = _sizes(articles, groups, df)
    term_ids = term_ids[by_ordinal]
    starts = starts[by_ordinal]
    df = df[by_ordinal]
    # Common terms have the lowest ordinals, so they are the first in these arrays.
    common = slice(0, np.count_nonzero(groups == COMMON))
    common_bits = np.array([rice_bits(articles / often) for often in df[common]], np.uint8)
    rows, row_offsets = _rows(
        sizes["group_starts"], sizes["row_bits"], common_bits, ends, ordinals, codes
    )
    sums, shares = _norm_sums(ends, tf_weights(TermCounts(terms, counts)), ordinals, df)
    return {
        **sizes,
        "row_offsets": row_offsets,
        "rows": rows,
        "common_terms": term_ids[common],
        "common_df": df[common].astype(np.uint32),
        "common_bits": common_bits,
        "common_order": sort_order(term_ids[common]),
        **_runs(starts[common], df[common], articles, slots, codes[order]),
        **_dictionary(sizes, term_ids, starts, df, slots, codes[order]),
        "counts": values,
        "sums": sums,
        "common_shares": shares,
    }


def _encode_counts(counts: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """The distinct counts, the most frequent first, and the position of each among them."""
    values, codes, frequencies = np.unique(counts, return_inverse=True, return_counts=True)
    if values.size > np.iinfo(np.uint16).max:
        raise OverflowError("more than 65,535 different counts")
    order = np.argsort(-frequencies, kind="stable")
    ranks = _inverse(order).astype(np.uint16)
    return values[order], ranks[codes]


def _groups(
    articles: int, term_ids: NDArray[np.uint32], df: NDArray[np.int64]
) -> NDArray[np.int64]:
    is_common = df >= COMMON_DF_PER_PAGE * pages(articles)
    words_group = np.where(df > 1, RARE, SINGLE)
    return np.where(is_common, COMMON, words_group + (term_ids >= TWO_WORD_BIT))


def _ordinal_order(groups: NDArray[np.int64], df: NDArray[np.int64]) -> NDArray[np.intp]:
    """The positions of the terms in the order of their ordinals."""
    order = np.argsort(groups, kind="stable")
    common = order[: np.count_nonzero(groups == COMMON)]
    common[:] = common[np.argsort(-df[common], kind="stable")]
    return order


def _inverse(permutation: NDArray[np.intp]) -> NDArray[np.uint32]:
    ranks = np.empty(permutation.size, np.uint32)
    ranks[permutation] = np.arange(permutation.size)
    return ranks


def _sizes(
    articles: int, groups: NDArray[np.int64], df: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """The small fields of `Postings`, from the group and the document frequency of each term."""
    terms = np.bincount(groups, minlength=GROUPS)
    postings = np.bincount(groups, df, GROUPS)
    row_gaps = terms * articles / np.maximum(postings, 1)
    return {
        "articles": np.array([articles]),
        "group_starts": np.append(0, np.cumsum(terms)),
        "row_bits": np.array([rice_bits(gap) for gap in row_gaps]),
        "term_bits": np.array([rice_bits(2**31 / max(size, 1)) for size in terms.tolist()]),
    }


def _norm_sums(
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    ordinals: NDArray[np.uint32],
    df: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    articles = ends.size - 1
    # By the idf of this moment; `norms.py` corrects the shares when idf has changed.
    sums = np.zeros((articles, 3))
    shares = np.zeros((LEVELS, articles), np.uint8)
    term_idf = idf(df, articles)
    levels = levels_of(df.astype(np.uint32), articles)
    _add_norm_sums(ends, weights, ordinals, np.log(1 + df), term_idf, levels, sums, shares)
    return sums, shares


@compiled
def _add_norm_sums(
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    ordinals: NDArray[np.uint32],
    g: NDArray[np.float64],
    term_idf: NDArray[np.float64],
    levels: NDArray[np.uint8],
    sums: NDArray[np.float64],
    shares: NDArray[np.uint8],
) -> None:
    for slot in range(ends.size - 1):
        squared = np.zeros(LEVELS + 1)
        for i in range(ends[slot], ends[slot + 1]):
            ordinal = ordinals[i]
            square = np.float64(weights[i]) ** 2
            sums[slot, 0] += square
            sums[slot, 1] += square * g[ordinal]
            sums[slot, 2] += square * g[ordinal] ** 2
            for level in range(levels[ordinal] + 1):
                squared[level] += square * term_idf[ordinal] ** 2
        for level in range(LEVELS):
            if squared[level + 1]:
                share = np.sqrt(squared[level + 1] / squared[0])
                # Rounded up, because it is used as a bound.
                shares[level, slot] = np.uint8(min(255, whole(255 * share) + 1))


def _rows(
    group_starts: NDArray[np.int64],
    row_bits: NDArray[np.int64],
    common_bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    ordinals: NDArray[np.uint32],
    codes: NDArray[np.uint16],
) -> tuple[Words, NDArray[np.uint32]]:
    words = np.zeros(2 * (ordinals.size + 2 * ends.size), np.uint64)
    offsets = np.zeros(ends.size, np.int64)
    end = _write_rows(group_starts, row_bits, common_bits, ends, ordinals, codes, words, offsets)
    return _truncate(words, end), _byte_offsets(offsets)


@compiled
def _sort_row(ordinals: NDArray[np.uint32], codes: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Ordinals and count codes as one number each, ascending."""
    row = np.empty(ordinals.size, np.int64)
    for i in range(row.size):
        row[i] = whole(ordinals[i]) << COUNT_CODE_BITS | whole(codes[i])
    row.sort()
    return row


@compiled
def _write_rows(
    group_starts: NDArray[np.int64],
    row_bits: NDArray[np.int64],
    common_bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    ordinals: NDArray[np.uint32],
    codes: NDArray[np.uint16],
    words: Words,
    offsets: NDArray[np.int64],
) -> int:
    """Write every row and the byte where it starts; return the bit after the last one."""
    bit = 0
    for slot in range(ends.size - 1):
        offsets[slot] = bit >> 3
        part = slice(ends[slot], ends[slot + 1])
        row = _sort_row(ordinals[part], codes[part])
        i = 0
        for group in range(GROUPS):
            end = np.searchsorted(row, group_starts[group + 1] << COUNT_CODE_BITS)
            bit = write_gamma(words, bit, end - i)
            before = group_starts[group] - 1
            low_bits = row_bits[group]
            while i < end:
                ordinal = row[i] >> COUNT_CODE_BITS
                code = row[i] & 0xFFFF
                if group == COMMON:
                    low_bits = whole(common_bits[before + 1])
                bit = write_rice(words, bit, ordinal - before - 1, low_bits)
                bit = write_gamma(words, bit, code)
                before = ordinal
                i += 1
        bit = (bit + 7) & ~7  # rows start at bytes, so that their offsets have 32 bits
    offsets[ends.size - 1] = bit >> 3
    return bit


def _dictionary(
    sizes: dict[str, NDArray[Any]],
    terms: NDArray[np.uint32],
    starts: NDArray[np.int64],
    df: NDArray[np.int64],
    slots: NDArray[np.uint32],
    codes: NDArray[np.uint16],
) -> dict[str, NDArray[Any]]:
    """The dictionary and the table of its blocks, of all *terms* (by ordinal) but the common."""
    group_starts = sizes["group_starts"].tolist()
    rare = terms[group_starts[RARE] : group_starts[SINGLE]]
    single = terms[group_starts[SINGLE] :]
    block_terms = np.concatenate((rare[::BLOCK_TERMS], single[::SINGLE_BLOCK_TERMS]))
    codes_to_write = int(df[group_starts[RARE] :].sum()) + rare.size + single.size
    words = np.zeros(2 * (codes_to_write + block_terms.size + 1), np.uint64)
    offsets = np.zeros(block_terms.size, np.int64)
    low_bits = gap_bits(int(sizes["articles"][0]))
    first_single_block = -(-rare.size // BLOCK_TERMS)
    end = 0
    for group, block_size, block in (
        (RARE, BLOCK_TERMS, 0),
        (SINGLE, SINGLE_BLOCK_TERMS, first_single_block),
    ):
        part = slice(group_starts[group], group_starts[group + 2])
        end = _write_dictionary(
            block_size,
            sizes["term_bits"][group : group + 2],
            terms[part],
            starts[part],
            df[part],
            slots,
            codes,
            low_bits,
            end,
            words,
            offsets[block:],
        )
    return {
        "first_single_block": np.array([first_single_block]),
        "block_terms": block_terms,
        "block_offsets": _byte_offsets(offsets),
        "dictionary": _truncate(words, end),
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
    gap_bits: NDArray[np.uint8],
    bit: int,
    words: Words,
    offsets: NDArray[np.int64],
) -> int:
    """Write blocks from *bit* on and the byte where each starts; return the bit after them."""
    for first in range(0, terms.size, block_size):
        bit = (bit + 7) & ~7
        offsets[first // block_size] = bit >> 3
        end = min(first + block_size, terms.size)
        for position in range(first, end):
            if df[position] > 1:
                bit = write_gamma(words, bit, df[position] - 2)  # a rare term is in two at least
        # The first id of a block is in `block_terms`.
        for position in range(first + 1, end):
            before = whole(terms[position - 1])
            gap = whole(terms[position]) - before - 1
            bit = write_rice(words, bit, gap, term_bits[before >> 31])
        for position in range(first, end):
            slot = -1
            low_bits = whole(gap_bits[df[position]])
            for i in range(starts[position], starts[position] + df[position]):
                gap = whole(slots[i]) - slot - 1
                bit = write_rice(words, bit, gap, low_bits)
                bit = write_gamma(words, bit, whole(codes[i]))
                slot += gap + 1
    return bit


def _truncate(words: Words, bits: int) -> Words:
    """The words that hold so many bits, and one of zeros, into which readers may look ahead."""
    return words[: bits // 64 + 2].copy()


def _byte_offsets(offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
    if offsets.size and offsets[-1] >= MAX_BYTES:
        raise OverflowError("too many articles for one index")
    return offsets.astype(np.uint32)


def _runs(
    starts: NDArray[np.int64],
    df: NDArray[np.int64],
    articles: int,
    slots: NDArray[np.uint32],
    codes: NDArray[np.uint16],
) -> dict[str, NDArray[Any]]:
    """The runs of the common terms, whose postings start at *starts* among *slots*."""
    positions = flat_ranges(starts, df)
    own_slots = slots[positions]
    page = own_slots >> np.uint32(PAGE_BITS)
    keys = page << np.uint32(COUNT_CODE_BITS) | codes[positions]
    # Term and key as one number; a stable sort leaves the slots of a run in order.
    term_keys = np.repeat(np.arange(df.size, dtype=np.uint64), df) << np.uint64(32) | keys
    order = np.argsort(term_keys, kind="stable")
    runs, run_starts, sizes = group_sorted(term_keys[order])
    run_terms = runs >> np.uint64(32)
    in_page = own_slots[order].astype(np.uint16)
    levels = levels_of(df.astype(np.uint32), articles)[run_terms]
    # At most so many escapes, and a byte of padding: never more bytes than slots would take.
    escapes = in_page[run_starts + sizes - 1] // GAP_ESCAPE + 1
    gap_coded = (levels > 0) & (escapes <= sizes)
    buffer = np.empty(2 * in_page.size, np.uint8)
    ends = np.empty(runs.size, np.uint32)
    size = _write_runs(run_starts, sizes, gap_coded, in_page, buffer, ends)
    flags = np.where(gap_coded, np.uint32(GAP_CODED), np.uint32(0))
    return {
        "common_runs": np.searchsorted(run_terms, np.arange(df.size + 1)).astype(np.uint32),
        "run_keys": runs.astype(np.uint32) | flags,
        "run_ends": ends,
        "run_slots": buffer[:size].view("<u2").copy(),
    }


@compiled
def _write_runs(
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    gap_coded: NDArray[np.bool_],
    slots: NDArray[np.uint16],
    buffer: NDArray[np.uint8],
    ends: NDArray[np.uint32],
) -> int:
    """Write the runs one after the other, and return how many bytes they take."""
    size = 0
    for run in range(starts.size):
        part = slots[starts[run] : starts[run] + sizes[run]]
        if gap_coded[run]:
            size += _write_gaps(part, buffer[size:])
        else:
            size += _write_slots(part, buffer[size:])
        ends[run] = size >> 1
    return size


@compiled
def _write_slots(slots: NDArray[np.uint16], buffer: NDArray[np.uint8]) -> int:
    for i in range(slots.size):
        buffer[2 * i] = slots[i] & 0xFF
        buffer[2 * i + 1] = slots[i] >> 8
    return 2 * slots.size


@compiled
def _write_gaps(slots: NDArray[np.uint16], buffer: NDArray[np.uint8]) -> int:
    """Write the gap before each slot, with as many escapes as that takes; an even size."""
    size = 0
    before = 0
    for i in range(slots.size):
        gap = whole(slots[i]) - before
        while gap >= GAP_ESCAPE:
            buffer[size] = GAP_ESCAPE
            size += 1
            gap -= GAP_ESCAPE
        buffer[size] = gap
        size += 1
        before = whole(slots[i])
    if size & 1:
        buffer[size] = GAP_ESCAPE
        size += 1
    return size
