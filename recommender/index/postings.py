"""
The bulk of an index, read-only and compact: every article's terms, and every term's articles.

Terms are numbered, in five groups: the *common* ones, the most common first; and by hashed id other
words, other two-word terms, and words and two-word terms that only one article has.

- A common term's articles stand in *runs*: those of one block of 65,536 slots in which it has one
  count, as 16-bit numbers. So the inner loop of a query adds one weight at many places. Runs of the
  most common terms, which queries mostly do without, are gaps of 8 bits, where that is shorter.
- The other terms stand in a dictionary of bit codes, in blocks of a few: their document
  frequencies, then their hashed ids, then for each the gaps between its slots. `heads` finds the
  block of a term. One of a single article costs its slot and no list; of these there are many, so
  their blocks are larger.
- A row is bit codes too: gaps between the numbers of its terms, and their counts. Among the common
  terms a gap has the fewer low bits the more common they are there.

Counts stand as codes, the most frequent one 0; weights follow from them at opening. All that is
exact: a row gives back the counts that came in. `inverting.py` makes the arrays.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.index.codec import Words, read_gamma, read_pair, read_rice, rice_bits
from recommender.index.jit import compiled, whole
from recommender.index.prefetch import prefetch

# Raise when the arrays change, or what they mean: files of another format are made anew.
FORMAT = 5

GROUPS = 5
OTHER, SINGLE = 1, 3  # the group of words; that of two-word terms is the next one
BLOCK, SINGLE_BLOCK = 8, 64  # terms in a block of the dictionary
BLOCK_WORDS, LINE_WORDS = 16, 8  # of 64 bits, in most blocks and in a line of the processor's cache
BLOCK_BITS = 16  # of a slot within a run
RUN_CODE_BITS = 16
BLOCKS_AT_ONCE = 4  # of float32: a megabyte
# A common term has this many articles in each block of slots; with fewer, runs are mostly heads.
COMMON_IN_BLOCK = 64
AS_GAPS = 1 << 31  # of a run's key
LEAP = 255  # of slots, in a gap that leads to no article
# Terms in more than this share of all articles come last in a query, if they still matter then.
LEVEL_SHARES = (1 / 16, 1 / 8)
LEVELS = len(LEVEL_SHARES)


class Postings(NamedTuple):
    """
    The arrays that queries read; n articles, c common terms, d blocks of other ones.

    Fields:
        articles: shape (1,), int64, how many there are.
        firsts: shape (GROUPS + 1,), int64, the first number of each group, and the end.
        row_bits: shape (GROUPS,), int64, the low bits of the gaps between the numbers of a row.
        term_bits: shape (GROUPS,), int64, the low bits of the gaps between hashed ids.
        single_block: shape (1,), int64, the first dictionary block of terms of one article.
        row_at: shape (n + 1,), uint32, the byte in `rows` where each row starts.
        rows: words of bits.
        common_terms: shape (c,), uint32.
        common_df: shape (c,), uint32, descending.
        common_bits: shape (c,), uint8, the low bits of a gap in a row that may end at this term.
        common_order: shape (c,), uint32, the numbers of the common terms by hashed id.
        common_ids: shape (c,), uint32, these ids, ascending.
        common_runs: shape (c + 1,), uint32, where each term's runs start.
        run_keys: uint32, block of slots << 16 | code of the count, ascending within a term, and
            `AS_GAPS` for a run that is written so.
        run_ends: uint32, the end of each run in `run_slots`; it starts where the one before ends.
        run_slots: uint16.
        run_gaps: uint8, the same memory byte by byte: the gap before each slot. `LEAP` is so far
            and to no slot, and makes a run's bytes even.
        heads: shape (d,), uint32, the first hashed id of each dictionary block, ascending.
        head_at: shape (d,), uint32, the byte in `dictionary` where it starts.
        dictionary: words of bits.
        weights: shape (2, codes), float32, by code: of words, and of two-word terms.
        gap_bits: uint8, the low bits of gaps between slots, by document frequency.
        levels: shape (c,), uint8: of how many of `LEVEL_SHARES` a common term has more.
    """

    articles: NDArray[np.int64]
    firsts: NDArray[np.int64]
    row_bits: NDArray[np.int64]
    term_bits: NDArray[np.int64]
    single_block: NDArray[np.int64]
    row_at: NDArray[np.uint32]
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
    heads: NDArray[np.uint32]
    head_at: NDArray[np.uint32]
    dictionary: Words
    weights: NDArray[np.float32]
    gap_bits: NDArray[np.uint8]
    levels: NDArray[np.uint8]


class Entries(NamedTuple):
    """
    Terms of a base.

    Fields:
        numbers: int64; -1 for a term that no article of the base has.
        terms: uint32, the hashed ids.
        df: int64, in how many articles of the base.
        places: int64, the bit in the dictionary where the postings start; -1 for common terms,
            and for others where that was not looked up.
    """

    numbers: NDArray[np.int64]
    terms: NDArray[np.uint32]
    df: NDArray[np.int64]
    places: NDArray[np.int64]


def gap_bits(articles: int) -> NDArray[np.uint8]:
    """The low bits of the gaps between the slots of a term that is not common, by its df."""
    most = COMMON_IN_BLOCK * blocks(articles)
    return np.array([rice_bits(articles / max(df, 1)) for df in range(most + 1)], np.uint8)


def blocks(articles: int) -> int:
    return (articles >> BLOCK_BITS) + 1


def sum_levels(df: NDArray[np.uint32], articles: int) -> NDArray[np.uint8]:
    """Of how many of `LEVEL_SHARES` each document frequency is more; shape of *df*."""
    levels = np.zeros(df.size, np.uint8)
    for share in LEVEL_SHARES:
        levels += df > share * articles
    return levels


@compiled
def read_row(
    base: Postings,
    slot: int,
    groups: int,
    numbers: NDArray[np.int64],
    codes: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> int:
    """
    Write the terms' numbers, ascending, the codes of their counts, and their weights.

    Returns:
        how many.

    Only those of the first *groups* groups.
    """
    at = whole(base.row_at[slot]) << 3
    size = 0
    for group in range(groups):
        count, at = read_gamma(base.rows, at)
        number = base.firsts[group] - 1
        low_bits = base.row_bits[group]
        kind = 1 - group % 2
        for _ in range(count):
            if group == 0:
                low_bits = whole(base.common_bits[number + 1])
            gap, code, at = read_pair(base.rows, at, low_bits)
            number += gap + 1
            if group == 0:
                kind = whole(base.common_terms[number]) >> 31
            numbers[size] = number
            codes[size] = code
            weights[size] = base.weights[kind, code]
            size += 1
    return size


@compiled
def row_size(base: Postings, slot: int) -> int:
    """At most so many terms does the row have: each takes two bits or more."""
    return 4 * (whole(base.row_at[slot + 1]) - whole(base.row_at[slot]))


@compiled
def rows_size(base: Postings, slots: NDArray[np.int64]) -> int:
    size = 0
    for i in range(slots.size):
        size += row_size(base, slots[i])
    return size


@compiled
def read_rows(
    base: Postings,
    slots: NDArray[np.int64],
    ends: NDArray[np.int64],
    numbers: NDArray[np.int64],
    codes: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> int:
    """As `read_row`, one after the other; *ends* gets where each ends."""
    size = 0
    for i in range(slots.size):
        size += read_row(base, slots[i], GROUPS, numbers[size:], codes[size:], weights[size:])
        ends[i] = size
    return size


@compiled
def skip_postings(base: Postings, at: int, df: int) -> int:
    """Where the dictionary goes on behind the postings at bit *at*."""
    low_bits = whole(base.gap_bits[df])
    for _ in range(df):
        _, _, at = read_pair(base.dictionary, at, low_bits)
    return at


@compiled
def block_size(group: int) -> int:
    return SINGLE_BLOCK if group == SINGLE else BLOCK


@compiled
def terms_in_block(base: Postings, place: int, group: int) -> int:
    """How many terms stand in the dictionary block of one that has *place* others before it."""
    size = block_size(group)
    return min(size, whole(base.firsts[group + 2] - base.firsts[group]) - place + place % size)


@compiled
def df_in_block(base: Postings, at: int, place: int, group: int) -> tuple[int, int]:
    """
    The document frequency of a term that is not common, and where the ids of its block start.

    Args:
        at: the bit where its dictionary block starts.
        place: how many terms stand before it, in this block and others.
        group: of words like it.
    """
    if group == SINGLE:
        return 1, at
    found = 0
    for other in range(terms_in_block(base, place, group)):
        more, at = read_gamma(base.dictionary, at)
        if other == place % BLOCK:
            found = more + 2
    return found, at


@compiled
def walk_ids(base: Postings, term: int, at: int, steps: int, group: int) -> tuple[int, int]:
    """The id so many *steps* behind *term* in its block, and the bit where the next one stands."""
    for _ in range(steps):
        gap, at = read_rice(base.dictionary, at, base.term_bits[group + (term >> 31)])
        term += gap + 1
    return term, at


@compiled
def postings_in_block(base: Postings, block_at: int, at: int, place: int, group: int) -> int:
    """Where the postings of a term start: *at* is where those of its block do."""
    for _ in range(place % block_size(group)):
        df = 1
        if group != SINGLE:
            more, block_at = read_gamma(base.dictionary, block_at)
            df = more + 2
        at = skip_postings(base, at, df)
    return at


@compiled
def group_of(base: Postings, number: int) -> int:
    """The group of words like a term that is not common, which may be of two words."""
    return OTHER if number < base.firsts[SINGLE] else SINGLE


@compiled
def find_blocks(
    base: Postings,
    numbers: NDArray[np.int64],
    end: int,
    heads: NDArray[np.uint32],
    starts: NDArray[np.int64],
) -> None:
    """
    For each of *numbers* below *end* that is not common: first id and first bit of its block.

    The blocks are on their way when this is done. One after the other takes nearly twice as long.
    """
    for i in range(numbers.size):
        number = numbers[i]
        if base.firsts[OTHER] <= number < end:
            group = group_of(base, number)
            block = (number - whole(base.firsts[group])) // block_size(group)
            block += whole(base.single_block[0]) if group == SINGLE else 0
            heads[i] = base.heads[block]
            starts[i] = whole(base.head_at[block]) << 3
    for i in range(numbers.size):
        if base.firsts[OTHER] <= numbers[i] < end:
            fetch_block(base, starts[i])


@compiled
def fetch_block(base: Postings, at: int) -> None:
    """Send for the dictionary block at bit *at*."""
    for word in range(at >> 6, (at >> 6) + BLOCK_WORDS, LINE_WORDS):
        prefetch(base.dictionary, word)


@compiled
def places_after(
    sorted_terms: NDArray[np.uint32], terms: NDArray[np.uint32], places: NDArray[np.int64]
) -> None:
    """
    For each of *terms* write how many of the ascending *sorted_terms* are not above it.

    Of all of them step by step, so that no look-up waits for another one.
    """
    places[:] = 0
    if sorted_terms.size == 0:
        return
    step = 1
    while step < sorted_terms.size:
        step *= 2
    while step:
        for i in range(terms.size):
            end = places[i] + step
            is_there = end <= sorted_terms.size
            at = end - 1 if is_there else 0
            # Multiplied, because a branch would be guessed wrong every other time.
            places[i] += step * (is_there & (sorted_terms[at] <= terms[i]))
        step >>= 1


@compiled
def find(base: Postings, terms: NDArray[np.uint32], numbers: NDArray[np.int64]) -> None:
    """Write the numbers of hashed ids, -1 for one that no article has."""
    places = np.empty(terms.size, np.int64)
    numbers[:] = -1
    places_after(base.common_ids, terms, places)
    for i in range(terms.size):
        if places[i] and base.common_ids[places[i] - 1] == terms[i]:
            numbers[i] = base.common_order[places[i] - 1]
    middle = whole(base.single_block[0])
    find_in_blocks(base, OTHER, 0, middle, terms, numbers, places)
    find_in_blocks(base, SINGLE, middle, base.heads.size, terms, numbers, places)


@compiled
def find_in_blocks(
    base: Postings,
    group: int,
    first_block: int,
    end_block: int,
    terms: NDArray[np.uint32],
    numbers: NDArray[np.int64],
    places: NDArray[np.int64],
) -> None:
    """Write the numbers that are missing and in *group*, or of two-word terms in the next one."""
    places_after(base.heads[first_block:end_block], terms, places)
    for i in range(terms.size):
        if numbers[i] < 0 and places[i]:
            fetch_block(base, whole(base.head_at[first_block + places[i] - 1]) << 3)
    for i in range(terms.size):
        if numbers[i] < 0 and places[i]:
            block = first_block + places[i] - 1
            place = (places[i] - 1) * block_size(group)
            numbers[i] = number_in_block(base, group, block, place, whole(terms[i]))


@compiled
def number_in_block(base: Postings, group: int, block: int, place: int, term: int) -> int:
    """The number of *term*, -1 if not here; *place* terms of its groups stand before the block."""
    found = whole(base.heads[block])
    _, at = df_in_block(base, whole(base.head_at[block]) << 3, place, group)
    for other in range(terms_in_block(base, place, group)):
        if other:
            gap, at = read_rice(base.dictionary, at, base.term_bits[group + (found >> 31)])
            found += gap + 1
        if found >= term:
            return whole(base.firsts[group]) + place + other if found == term else -1
    return -1


@compiled
def describe(
    base: Postings,
    numbers: NDArray[np.int64],
    end: int,
    terms: NDArray[np.uint32],
    df: NDArray[np.int64],
    places: NDArray[np.int64],
) -> None:
    """Fill in what the fields of `Entries` say of the numbers below *end*; for -1 nothing."""
    find_blocks(base, numbers, end, terms, places)
    for i in range(numbers.size):
        number, start = numbers[i], places[i]
        if 0 <= number < base.firsts[OTHER]:
            terms[i], df[i] = base.common_terms[number], base.common_df[number]
        elif 0 <= number < end:
            group = group_of(base, number)
            place = number - whole(base.firsts[group])
            df[i], at = df_in_block(base, start, place, group)
            before = place % block_size(group)
            term, at = walk_ids(base, whole(terms[i]), at, before, group)
            terms[i] = np.uint32(term)
            behind = terms_in_block(base, place, group) - before - 1
            _, at = walk_ids(base, term, at, behind, group)
            places[i] = postings_in_block(base, start, at, place, group)


@compiled
def frequencies(base: Postings, numbers: NDArray[np.int64], df: NDArray[np.int64]) -> None:
    """Write the document frequencies of *numbers*; for -1 nothing."""
    heads, starts = np.empty(numbers.size, np.uint32), np.empty(numbers.size, np.int64)
    find_blocks(base, numbers, base.firsts[SINGLE], heads, starts)
    for i in range(numbers.size):
        number = numbers[i]
        if number >= base.firsts[SINGLE]:
            df[i] = 1
        elif number >= base.firsts[OTHER]:
            df[i], _ = df_in_block(base, starts[i], number - whole(base.firsts[OTHER]), OTHER)
        elif number >= 0:
            df[i] = base.common_df[number]


@compiled
def name(base: Postings, numbers: NDArray[np.int64], terms: NDArray[np.uint32]) -> None:
    """Write the hashed ids of *numbers*; for -1 nothing."""
    starts = np.empty(numbers.size, np.int64)
    find_blocks(base, numbers, base.firsts[GROUPS], terms, starts)
    for i in range(numbers.size):
        number = numbers[i]
        if 0 <= number < base.firsts[OTHER]:
            terms[i] = base.common_terms[number]
        elif number >= 0:
            group = group_of(base, number)
            place = number - whole(base.firsts[group])
            _, at = df_in_block(base, starts[i], place, group)
            term, _ = walk_ids(base, whole(terms[i]), at, place % block_size(group), group)
            terms[i] = np.uint32(term)


@compiled
def mark_two_word(base: Postings, numbers: NDArray[np.int64], marked: NDArray[np.bool_]) -> None:
    """Mark the numbers of two-word terms; -1 stays as it is."""
    for i in range(numbers.size):
        number = numbers[i]
        if 0 <= number < base.firsts[OTHER]:
            marked[i] = base.common_terms[number] >> 31
        elif number >= 0:
            marked[i] = number >= base.firsts[group_of(base, number) + 1]


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
    room = row_size(base, slot)
    numbers, codes = np.empty(room, np.int64), np.empty(room, np.int64)
    weights = np.empty(room, np.float32)
    size = read_row(base, slot, GROUPS, numbers, codes, weights)
    terms, df = np.zeros(size, np.uint32), np.zeros(size, np.int64)
    places = np.full(size, -1, np.int64)
    describe(base, numbers[:size], base.firsts[SINGLE], terms, df, places)
    for i in range(size):
        if numbers[i] >= base.firsts[SINGLE]:
            df[i] = 1
    return numbers[:size], terms, df, places, weights[:size]


@compiled
def run_start(base: Postings, run: int) -> int:
    return whole(base.run_ends[run - 1]) if run else 0


@compiled
def slots_of(base: Postings, run: int) -> NDArray[np.uint16]:
    """The slots of a run, within its block."""
    return base.run_slots[run_start(base, run) : whole(base.run_ends[run])]


@compiled
def block_of_run(key: int) -> int:
    return (key & ~AS_GAPS) >> RUN_CODE_BITS


@compiled
def slots_by_gaps(base: Postings, run: int, room: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The same of a run that is written as gaps; *room* is for all slots of a block and one."""
    gaps = base.run_gaps[2 * run_start(base, run) : 2 * whole(base.run_ends[run])]
    size, slot = 0, 0
    for p in range(gaps.size):
        slot += whole(gaps[p])
        room[size] = np.uint16(slot)
        size += gaps[p] != LEAP
    return room[:size]


@compiled
def add_at(scores: NDArray[np.float32], slots: NDArray[np.uint16], weight: np.float32) -> None:
    for p in range(slots.size):
        scores[slots[p]] += weight


@compiled
def add_others(
    base: Postings, entries: Entries, query: NDArray[np.float64], scores: NDArray[np.float32]
) -> None:
    """Add `query · weight` for every posting of the terms that are not common."""
    for i in range(query.size):
        if entries.places[i] >= 0:
            kind = whole(entries.terms[i]) >> 31
            low_bits = whole(base.gap_bits[entries.df[i]])
            slot, at = -1, entries.places[i]
            for _ in range(entries.df[i]):
                gap, code, at = read_pair(base.dictionary, at, low_bits)
                slot += gap + 1
                scores[slot] += np.float32(query[i] * base.weights[kind, code])


@compiled
def add_common(
    base: Postings,
    entries: Entries,
    query: NDArray[np.float64],
    level: int,
    scores: NDArray[np.float32],
) -> int:
    """
    Add `query · weight` for every posting of the common terms of that *level*.

    A few blocks of slots at a time, so that the scores at hand stay in the processor's cache.

    Returns:
        how many postings the common terms above this level have.
    """
    above = 0
    room = np.empty(2**BLOCK_BITS + 1, np.uint16)
    chosen, cursors = np.empty((2, query.size), np.int64)
    size = 0
    for i in range(query.size):
        number = entries.numbers[i]
        if 0 <= number < base.firsts[OTHER]:
            if base.levels[number] == level:
                chosen[size], cursors[size] = i, base.common_runs[number]
                size += 1
            elif base.levels[number] > level:
                above += whole(base.common_df[number])
    for first in range(0, ((base.articles[0] - 1) >> BLOCK_BITS) + 1, BLOCKS_AT_ONCE):
        for j in range(size):
            i = chosen[j]
            kind = whole(entries.terms[i]) >> 31
            end = whole(base.common_runs[entries.numbers[i] + 1])
            run = cursors[j]
            while run < end:
                key = whole(base.run_keys[run])
                block = block_of_run(key)
                if block >= first + BLOCKS_AT_ONCE:
                    break
                here = scores[block << BLOCK_BITS :]
                weight = np.float32(query[i] * base.weights[kind, key & 0xFFFF])
                if key & AS_GAPS:
                    add_at(here, slots_by_gaps(base, run, room), weight)
                else:
                    add_at(here, slots_of(base, run), weight)
                run += 1
            cursors[j] = run
    return above


@compiled
def move_sums(
    base: Postings,
    entries: Entries,
    changes: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """
    Add `weight² · changes` to the last two sums of every article of the given terms.

    Args:
        changes: shape (terms, 2), what g and g² of each term grew by.
        sums: shape (slots, 3).
    """
    room = np.empty(2**BLOCK_BITS + 1, np.uint16)
    for i in range(entries.numbers.size):
        number = entries.numbers[i]
        if number < 0:
            continue
        kind = whole(entries.terms[i]) >> 31
        if entries.places[i] >= 0:
            low_bits = whole(base.gap_bits[entries.df[i]])
            slot, at = -1, entries.places[i]
            for _ in range(entries.df[i]):
                gap, code, at = read_pair(base.dictionary, at, low_bits)
                slot += gap + 1
                square = np.float64(base.weights[kind, code]) ** 2
                sums[slot, 1] += square * changes[i, 0]
                sums[slot, 2] += square * changes[i, 1]
            continue
        for run in range(base.common_runs[number], base.common_runs[number + 1]):
            key = whole(base.run_keys[run])
            there = sums[block_of_run(key) << BLOCK_BITS :]
            square = np.float64(base.weights[kind, key & 0xFFFF]) ** 2
            if key & AS_GAPS:
                move_at(there, slots_by_gaps(base, run, room), square * changes[i])
            else:
                move_at(there, slots_of(base, run), square * changes[i])


@compiled
def move_at(
    sums: NDArray[np.float64], slots: NDArray[np.uint16], change: NDArray[np.float64]
) -> None:
    for p in range(slots.size):
        sums[slots[p], 1] += change[0]
        sums[slots[p], 2] += change[1]
