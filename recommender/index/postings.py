"""
The base of an index, read-only and compact: the terms of every article, the articles of every term.

Terms have ordinals, in five groups: *common* terms, the most common first; then, each by term id,
*rare* words, rare two-word terms, and *single* words and two-word terms, which one article has.

- The postings of a common term are *runs*: the slots of one page (65,536 slots) in which it has one
  count, as 16-bit offsets. So the inner loop of a query adds one weight at many places. The runs of
  the most common terms, which most queries skip, are 8-bit gaps where that is shorter.
- The other terms are in a dictionary of bit codes, in blocks of a few terms: their document
  frequencies, then their ids, then for each term the gaps between its slots. `block_terms` finds
  the block of a term. A single term costs its slot and no list; there are many of them, so their
  blocks are larger.
- A row is bit codes too: the gaps between the ordinals of its terms, and their counts. The more
  common a common term is, the fewer low bits the gap before it has.

Counts are stored as codes, 0 for the most frequent count; weights are computed from them when the
index is opened. Nothing is lost: a row gives back the counts that came in. `writer.py` makes the
arrays, and docs/index-format.md draws them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.index.codec import Words, read_gamma, read_pair, read_rice, rice_bits
from recommender.index.jit import compiled, whole

# Raise it when the arrays or their meaning change: files of another format are built anew.
FORMAT = 7

GROUPS = 5
# Numbers of groups. RARE and SINGLE are those of words; two-word terms follow each.
COMMON = 0
RARE = 1
SINGLE = 3
BLOCK_TERMS = 8  # in a block of the dictionary
SINGLE_BLOCK_TERMS = 64
PAGE_BITS = 16  # a page is a range of 65,536 slots
COUNT_CODE_BITS = 16
PAGES_AT_ONCE = 4  # of float32 scores: a megabyte
# The least postings that a common term has for each page; with fewer, runs are mostly overhead.
COMMON_DF_PER_PAGE = 64
GAP_CODED = 1 << 31  # a bit of the run's key
GAP_ESCAPE = 255  # advances by as many slots and is no posting
# Terms in more than this share of all articles come last in a query, if they still matter then.
LEVEL_SHARES = (1 / 16, 1 / 8)
LEVELS = len(LEVEL_SHARES)


class Postings(NamedTuple):
    """
    The arrays that queries read; n articles, c common terms, d dictionary blocks.

    Fields:
        articles: int64, shape (1,), how many there are.
        group_starts: int64, shape (GROUPS + 1,), the first ordinal of each group, and the end.
        row_bits: int64, shape (GROUPS,), the low bits of the gaps between ordinals of a row.
        term_bits: int64, shape (GROUPS,), the low bits of the gaps between term ids of a block.
        first_single_block: int64, shape (1,), the first dictionary block of single terms.
        row_offsets: uint32, shape (n + 1,), the byte in `rows` where each row starts.
        rows: bit codes in 64-bit words.
        common_terms: uint32, shape (c,), term ids by ordinal.
        common_df: uint32, shape (c,), document frequencies, descending.
        common_bits: uint8, shape (c,), the low bits of a gap in a row that may end at this term.
        common_order: uint32, shape (c,), the ordinals of the common terms by term id.
        common_ids: uint32, shape (c,), these term ids, ascending.
        common_runs: uint32, shape (c + 1,), where each term's runs start.
        run_keys: uint32, page << 16 | count code, ascending within a term, and `GAP_CODED` for a
            run of gaps.
        run_ends: uint32, the end of each run in `run_slots`; it starts where the previous one ends.
        run_slots: uint16, slots within their page.
        run_gaps: uint8, the same memory byte by byte: the gap before each slot. `GAP_ESCAPE`
            bridges a longer gap, and pads a run to an even number of bytes.
        block_terms: uint32, shape (d,), the first term id of each dictionary block, ascending
            among the rare terms and among the single ones.
        block_offsets: uint32, shape (d,), the byte in `dictionary` where each block starts.
        dictionary: bit codes in 64-bit words.
        weights: float32, shape (2, codes), by count code: of words, and of two-word terms.
        gap_bits: uint8, the low bits of gaps between slots, by document frequency.
        levels: uint8, shape (c,), how many of `LEVEL_SHARES` a common term exceeds.
    """

    articles: NDArray[np.int64]
    group_starts: NDArray[np.int64]
    row_bits: NDArray[np.int64]
    term_bits: NDArray[np.int64]
    first_single_block: NDArray[np.int64]
    row_offsets: NDArray[np.uint32]
    rows: Words
    common_terms: NDArray[np.uint32]
    common_df: NDArray[np.uint32]
    common_bits: NDArray[np.uint8]
    common_order: NDArray[np.uint32]
    common_ids: NDArray[np.uint32]
    common_runs: NDArray[np.uint32]
    run_keys: NDArray[np.uint32]
    run_ends: NDArray[np.uint32]
    run_slots: NDArray[np.uint16]
    run_gaps: NDArray[np.uint8]
    block_terms: NDArray[np.uint32]
    block_offsets: NDArray[np.uint32]
    dictionary: Words
    weights: NDArray[np.float32]
    gap_bits: NDArray[np.uint8]
    levels: NDArray[np.uint8]


class Entries(NamedTuple):
    """
    The dictionary entries of some terms.

    Fields:
        ordinals: int64; -1 for a term that no article of the base has.
        terms: uint32, the term ids.
        df: int64, the document frequencies in the base.
        offsets: int64, the bit in the dictionary where the postings start; -1 for common terms,
            and for others where that was not looked up.
    """

    ordinals: NDArray[np.int64]
    terms: NDArray[np.uint32]
    df: NDArray[np.int64]
    offsets: NDArray[np.int64]


def gap_bits(articles: int) -> NDArray[np.uint8]:
    """The low bits of the gaps between the slots of a term that is not common, by its df."""
    most = COMMON_DF_PER_PAGE * pages(articles)
    return np.array([rice_bits(articles / max(df, 1)) for df in range(most + 1)], np.uint8)


def pages(articles: int) -> int:
    return (articles >> PAGE_BITS) + 1


def levels_of(df: NDArray[np.uint32], articles: int) -> NDArray[np.uint8]:
    """How many of `LEVEL_SHARES` each document frequency exceeds; shape of *df*."""
    levels = np.zeros(df.size, np.uint8)
    for share in LEVEL_SHARES:
        levels += df > share * articles
    return levels


@compiled
def read_row(
    base: Postings,
    slot: int,
    groups: int,
    ordinals: NDArray[np.int64],
    codes: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> int:
    """
    Write the ordinals of an article's terms, ascending, their count codes and their weights.

    Returns:
        how many terms.

    Args:
        groups: how many groups to read.
    """
    bit = whole(base.row_offsets[slot]) << 3
    size = 0
    for group in range(groups):
        count, bit = read_gamma(base.rows, bit)
        ordinal = base.group_starts[group] - 1
        low_bits = base.row_bits[group]
        kind = 1 - group % 2  # 0 for words, 1 for two-word terms; common terms are mixed
        for _ in range(count):
            if group == COMMON:
                low_bits = whole(base.common_bits[ordinal + 1])
            gap, code, bit = read_pair(base.rows, bit, low_bits)
            ordinal += gap + 1
            if group == COMMON:
                kind = whole(base.common_terms[ordinal]) >> 31
            ordinals[size] = ordinal
            codes[size] = code
            weights[size] = base.weights[kind, code]
            size += 1
    return size


@compiled
def max_row_terms(base: Postings, slot: int) -> int:
    """An upper bound of the terms of a row: each takes two bits or more."""
    return 4 * (whole(base.row_offsets[slot + 1]) - whole(base.row_offsets[slot]))


@compiled
def max_terms_of_rows(base: Postings, slots: NDArray[np.int64]) -> int:
    size = 0
    for i in range(slots.size):
        size += max_row_terms(base, slots[i])
    return size


@compiled
def read_rows(
    base: Postings,
    slots: NDArray[np.int64],
    ends: NDArray[np.int64],
    ordinals: NDArray[np.int64],
    codes: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> int:
    """As `read_row`, one row after the other; *ends* gets the end of each."""
    size = 0
    for i in range(slots.size):
        size += read_row(base, slots[i], GROUPS, ordinals[size:], codes[size:], weights[size:])
        ends[i] = size
    return size


@compiled
def skip_postings(base: Postings, bit: int, df: int) -> int:
    """The bit after the *df* postings that start at *bit* of the dictionary."""
    low_bits = whole(base.gap_bits[df])
    for _ in range(df):
        _, _, bit = read_pair(base.dictionary, bit, low_bits)
    return bit


@compiled
def block_size(group: int) -> int:
    return SINGLE_BLOCK_TERMS if group == SINGLE else BLOCK_TERMS


@compiled
def terms_in_block(base: Postings, position: int, group: int) -> int:
    """How many terms are in the block of the term at *position* among the terms like it."""
    size = block_size(group)
    left = whole(base.group_starts[group + 2] - base.group_starts[group]) - position
    return min(size, left + position % size)


@compiled
def df_in_block(base: Postings, bit: int, position: int, group: int) -> tuple[int, int]:
    """
    The document frequency of a term that is not common, and the bit where its block's ids start.

    Args:
        bit: where its dictionary block starts.
        position: how many terms are before it, in this block and others.
        group: `RARE` or `SINGLE`.
    """
    if group == SINGLE:
        return 1, bit
    df = 0
    for other in range(terms_in_block(base, position, group)):
        more, bit = read_gamma(base.dictionary, bit)
        if other == position % BLOCK_TERMS:
            df = more + 2  # a rare term is in two articles at least
    return df, bit


@compiled
def skip_ids(base: Postings, term: int, bit: int, steps: int, group: int) -> tuple[int, int]:
    """The id that many *steps* after *term* in its block, and the bit where the next one starts."""
    for _ in range(steps):
        gap, bit = read_rice(base.dictionary, bit, base.term_bits[group + (term >> 31)])
        term += gap + 1
    return term, bit


@compiled
def postings_start(base: Postings, block_bit: int, bit: int, position: int, group: int) -> int:
    """The bit where a term's postings start: those of its block start at *bit*."""
    for _ in range(position % block_size(group)):
        df = 1
        if group != SINGLE:
            more, block_bit = read_gamma(base.dictionary, block_bit)
            df = more + 2
        bit = skip_postings(base, bit, df)
    return bit


@compiled
def words_group(base: Postings, ordinal: int) -> int:
    """`RARE` or `SINGLE`, for a term that is not common, of one word or two."""
    return RARE if ordinal < base.group_starts[SINGLE] else SINGLE


@compiled
def locate_blocks(
    base: Postings,
    ordinals: NDArray[np.int64],
    end: int,
    first_terms: NDArray[np.uint32],
    starts: NDArray[np.int64],
) -> None:
    """First term and first bit of the block of each ordinal below *end*; not of common terms."""
    for i in range(ordinals.size):
        ordinal = ordinals[i]
        if base.group_starts[RARE] <= ordinal < end:
            # Blocks of rare terms come first, then those of single terms.
            group = words_group(base, ordinal)
            block = (ordinal - whole(base.group_starts[group])) // block_size(group)
            block += whole(base.first_single_block[0]) if group == SINGLE else 0
            first_terms[i] = base.block_terms[block]
            starts[i] = whole(base.block_offsets[block]) << 3


@compiled
def search_sorted_right(
    sorted_terms: NDArray[np.uint32], terms: NDArray[np.uint32], positions: NDArray[np.int64]
) -> None:
    """
    Write `np.searchsorted(sorted_terms, terms, "right")` to *positions*.

    The binary searches of all terms advance together, so that no look-up waits for another one.
    """
    positions[:] = 0
    if sorted_terms.size == 0:
        return
    step = 1
    while step < sorted_terms.size:
        step *= 2
    while step:
        for i in range(terms.size):
            end = positions[i] + step
            is_inside = end <= sorted_terms.size
            last = end - 1 if is_inside else 0
            # A product, because the processor would mispredict every other branch.
            positions[i] += step * (is_inside & (sorted_terms[last] <= terms[i]))
        step >>= 1


@compiled
def look_up(base: Postings, terms: NDArray[np.uint32], ordinals: NDArray[np.int64]) -> None:
    """Write the ordinals of term ids, -1 for a term that no article has."""
    positions = np.empty(terms.size, np.int64)
    ordinals[:] = -1
    search_sorted_right(base.common_ids, terms, positions)
    for i in range(terms.size):
        if positions[i] and base.common_ids[positions[i] - 1] == terms[i]:
            ordinals[i] = base.common_order[positions[i] - 1]
    middle = whole(base.first_single_block[0])
    look_up_in_blocks(base, RARE, 0, middle, terms, ordinals, positions)
    end = base.block_terms.size
    look_up_in_blocks(base, SINGLE, middle, end, terms, ordinals, positions)


@compiled
def look_up_in_blocks(
    base: Postings,
    group: int,
    first_block: int,
    end_block: int,
    terms: NDArray[np.uint32],
    ordinals: NDArray[np.int64],
    positions: NDArray[np.int64],
) -> None:
    """Write the ordinals that are missing and in *group* or, of two-word terms, in the next one."""
    search_sorted_right(base.block_terms[first_block:end_block], terms, positions)
    for i in range(terms.size):
        if ordinals[i] < 0 and positions[i]:
            block = first_block + positions[i] - 1
            position = (positions[i] - 1) * block_size(group)
            ordinals[i] = ordinal_in_block(base, group, block, position, whole(terms[i]))


@compiled
def ordinal_in_block(base: Postings, group: int, block: int, position: int, term: int) -> int:
    """
    The ordinal of *term*, -1 if it is not in this block.

    Args:
        position: how many terms like it are before the block.
    """
    current = whole(base.block_terms[block])
    _, bit = df_in_block(base, whole(base.block_offsets[block]) << 3, position, group)
    for other in range(terms_in_block(base, position, group)):
        if other:
            gap, bit = read_rice(base.dictionary, bit, base.term_bits[group + (current >> 31)])
            current += gap + 1
        if current >= term:  # ids ascend, so it cannot be further on
            return whole(base.group_starts[group]) + position + other if current == term else -1
    return -1


@compiled
def read_entries(
    base: Postings,
    ordinals: NDArray[np.int64],
    end: int,
    terms: NDArray[np.uint32],
    df: NDArray[np.int64],
    offsets: NDArray[np.int64],
) -> None:
    """Fill in the fields of `Entries` for the ordinals below *end*; for -1 nothing."""
    locate_blocks(base, ordinals, end, terms, offsets)
    for i in range(ordinals.size):
        ordinal = ordinals[i]
        start = offsets[i]
        if 0 <= ordinal < base.group_starts[RARE]:
            terms[i] = base.common_terms[ordinal]
            df[i] = base.common_df[ordinal]
        elif 0 <= ordinal < end:
            group = words_group(base, ordinal)
            position = ordinal - whole(base.group_starts[group])
            df[i], bit = df_in_block(base, start, position, group)
            before = position % block_size(group)
            term, bit = skip_ids(base, whole(terms[i]), bit, before, group)
            terms[i] = np.uint32(term)
            after = terms_in_block(base, position, group) - before - 1
            _, bit = skip_ids(base, term, bit, after, group)
            offsets[i] = postings_start(base, start, bit, position, group)


@compiled
def read_document_frequencies(
    base: Postings, ordinals: NDArray[np.int64], df: NDArray[np.int64]
) -> None:
    """Write the document frequencies of *ordinals*; for -1 nothing."""
    first_terms = np.empty(ordinals.size, np.uint32)
    starts = np.empty(ordinals.size, np.int64)
    locate_blocks(base, ordinals, base.group_starts[SINGLE], first_terms, starts)
    for i in range(ordinals.size):
        ordinal = ordinals[i]
        if ordinal >= base.group_starts[SINGLE]:
            df[i] = 1
        elif ordinal >= base.group_starts[RARE]:
            position = ordinal - whole(base.group_starts[RARE])
            df[i], _ = df_in_block(base, starts[i], position, RARE)
        elif ordinal >= 0:
            df[i] = base.common_df[ordinal]


@compiled
def read_term_ids(base: Postings, ordinals: NDArray[np.int64], terms: NDArray[np.uint32]) -> None:
    """Write the term ids of *ordinals*; for -1 nothing."""
    starts = np.empty(ordinals.size, np.int64)
    locate_blocks(base, ordinals, base.group_starts[GROUPS], terms, starts)
    for i in range(ordinals.size):
        ordinal = ordinals[i]
        if 0 <= ordinal < base.group_starts[RARE]:
            terms[i] = base.common_terms[ordinal]
        elif ordinal >= 0:
            group = words_group(base, ordinal)
            position = ordinal - whole(base.group_starts[group])
            _, bit = df_in_block(base, starts[i], position, group)
            before = position % block_size(group)
            term, _ = skip_ids(base, whole(terms[i]), bit, before, group)
            terms[i] = np.uint32(term)


@compiled
def mark_two_word(base: Postings, ordinals: NDArray[np.int64], marks: NDArray[np.bool_]) -> None:
    """Mark the ordinals of two-word terms; the mark of -1 stays as it is."""
    for i in range(ordinals.size):
        ordinal = ordinals[i]
        if 0 <= ordinal < base.group_starts[RARE]:
            marks[i] = base.common_terms[ordinal] >> 31
        elif ordinal >= 0:
            marks[i] = ordinal >= base.group_starts[words_group(base, ordinal) + 1]


@compiled
def read_article(
    base: Postings, slot: int
) -> tuple[
    NDArray[np.int64],
    NDArray[np.uint32],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float32],
]:
    """The fields of `Entries` for the terms of an article, and their weights."""
    capacity = max_row_terms(base, slot)
    ordinals = np.empty(capacity, np.int64)
    codes = np.empty(capacity, np.int64)
    weights = np.empty(capacity, np.float32)
    size = read_row(base, slot, GROUPS, ordinals, codes, weights)
    terms = np.zeros(size, np.uint32)
    df = np.zeros(size, np.int64)
    offsets = np.full(size, -1, np.int64)
    read_entries(base, ordinals[:size], base.group_starts[SINGLE], terms, df, offsets)
    for i in range(size):
        if ordinals[i] >= base.group_starts[SINGLE]:
            df[i] = 1
    return ordinals[:size], terms, df, offsets, weights[:size]


@compiled
def run_start(base: Postings, run: int) -> int:
    return whole(base.run_ends[run - 1]) if run else 0


@compiled
def slots_of_run(base: Postings, run: int) -> NDArray[np.uint16]:
    """The slots of a run, within its page."""
    return base.run_slots[run_start(base, run) : whole(base.run_ends[run])]


@compiled
def page_of_run(key: int) -> int:
    return (key & ~GAP_CODED) >> COUNT_CODE_BITS


@compiled
def decode_gaps(base: Postings, run: int, buffer: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The slots of a run of gaps; *buffer* has room for all slots of a page and one more."""
    gaps = base.run_gaps[2 * run_start(base, run) : 2 * whole(base.run_ends[run])]
    size = 0
    slot = 0
    for p in range(gaps.size):
        slot += whole(gaps[p])
        # Written always and overwritten after an escape, which is faster than a branch.
        buffer[size] = np.uint16(slot)
        size += gaps[p] != GAP_ESCAPE
    return buffer[:size]


@compiled
def add_at(scores: NDArray[np.float32], slots: NDArray[np.uint16], weight: np.float32) -> None:
    for p in range(slots.size):
        scores[slots[p]] += weight


@compiled
def add_other_terms(
    base: Postings, entries: Entries, query: NDArray[np.float64], scores: NDArray[np.float32]
) -> None:
    """Add `query · weight` for every posting of the terms that are not common."""
    for i in range(query.size):
        if entries.offsets[i] >= 0:
            kind = whole(entries.terms[i]) >> 31  # the top bit marks two-word terms
            low_bits = whole(base.gap_bits[entries.df[i]])
            slot = -1
            bit = entries.offsets[i]
            for _ in range(entries.df[i]):
                gap, code, bit = read_pair(base.dictionary, bit, low_bits)
                slot += gap + 1
                scores[slot] += np.float32(query[i] * base.weights[kind, code])


@compiled
def add_common_terms(
    base: Postings,
    entries: Entries,
    query: NDArray[np.float64],
    level: int,
    scores: NDArray[np.float32],
) -> int:
    """
    Add `query · weight` for every posting of the common terms of that *level*.

    A few pages at a time, so that their scores stay in the processor's cache.

    Returns:
        how many postings the common terms above this level have.
    """
    above = 0
    buffer = np.empty(2**PAGE_BITS + 1, np.uint16)
    chosen, cursors = np.empty((2, query.size), np.int64)
    size = 0
    for i in range(query.size):
        ordinal = entries.ordinals[i]
        if 0 <= ordinal < base.group_starts[RARE]:
            if base.levels[ordinal] == level:
                chosen[size] = i
                cursors[size] = base.common_runs[ordinal]
                size += 1
            elif base.levels[ordinal] > level:
                above += whole(base.common_df[ordinal])
    for first in range(0, ((base.articles[0] - 1) >> PAGE_BITS) + 1, PAGES_AT_ONCE):
        for j in range(size):
            i = chosen[j]
            kind = whole(entries.terms[i]) >> 31
            end = whole(base.common_runs[entries.ordinals[i] + 1])
            run = cursors[j]
            while run < end:
                key = whole(base.run_keys[run])
                page = page_of_run(key)
                if page >= first + PAGES_AT_ONCE:
                    break
                page_scores = scores[page << PAGE_BITS :]
                weight = np.float32(query[i] * base.weights[kind, key & 0xFFFF])
                if key & GAP_CODED:
                    add_at(page_scores, decode_gaps(base, run, buffer), weight)
                else:
                    add_at(page_scores, slots_of_run(base, run), weight)
                run += 1
            cursors[j] = run  # runs are in the order of pages: the next pages go on from here
    return above


@compiled
def shift_sums(
    base: Postings,
    entries: Entries,
    changes: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """
    Add `weight² · changes` to the last two sums of every article of the given terms.

    Args:
        changes: shape (terms, 2), by how much g and g² of each term grew.
        sums: shape (slots, 3).
    """
    buffer = np.empty(2**PAGE_BITS + 1, np.uint16)
    for i in range(entries.ordinals.size):
        ordinal = entries.ordinals[i]
        if ordinal < 0:
            continue
        kind = whole(entries.terms[i]) >> 31
        if entries.offsets[i] >= 0:
            low_bits = whole(base.gap_bits[entries.df[i]])
            slot = -1
            bit = entries.offsets[i]
            for _ in range(entries.df[i]):
                gap, code, bit = read_pair(base.dictionary, bit, low_bits)
                slot += gap + 1
                square = np.float64(base.weights[kind, code]) ** 2
                sums[slot, 1] += square * changes[i, 0]
                sums[slot, 2] += square * changes[i, 1]
            continue
        for run in range(base.common_runs[ordinal], base.common_runs[ordinal + 1]):
            key = whole(base.run_keys[run])
            page_sums = sums[page_of_run(key) << PAGE_BITS :]
            square = np.float64(base.weights[kind, key & 0xFFFF]) ** 2
            if key & GAP_CODED:
                shift_at(page_sums, decode_gaps(base, run, buffer), square * changes[i])
            else:
                shift_at(page_sums, slots_of_run(base, run), square * changes[i])


@compiled
def shift_at(
    sums: NDArray[np.float64], slots: NDArray[np.uint16], change: NDArray[np.float64]
) -> None:
    for p in range(slots.size):
        sums[slots[p], 1] += change[0]
        sums[slots[p], 2] += change[1]
