"""Numbers in as few bits as they need: Rice codes for gaps, Elias gamma for small counts."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba.cpython.unsafe import numbers
from numpy.typing import NDArray

from recommender.index.jit import compiled, whole

Words = NDArray[np.uint64]

trailing_zeros = cast("Callable[[np.uint64], int]", numbers.trailing_zeros)

LONG = 24  # a quotient this large is written as that many zeros, and then the number as it is
WHOLE_BITS = 32
MOST_BITS = LONG + 1 + WHOLE_BITS  # of one code; one look of 64 bits sees all of it


def rice_bits(mean: float) -> int:
    """The best number of low bits for numbers of that *mean* that are spread at random."""
    return max(0, min(WHOLE_BITS - 1, int(np.floor(np.log2(max(mean * np.log(2), 1.0))))))


@compiled
def peek(words: Words, at: int) -> Any:
    """The 64 bits from bit *at* on; the stream ends with a word of zeros, so it may look ahead."""
    word, shift = np.uint64(at) >> np.uint64(6), np.uint64(at) & np.uint64(63)
    # Two shifts, because one by 64 bits is not defined.
    beyond = (words[word + np.uint64(1)] << np.uint64(1)) << (np.uint64(63) - shift)
    return (words[word] >> shift) | beyond


@compiled
def low_ones(bits: int) -> Any:
    return (np.uint64(1) << np.uint64(bits)) - np.uint64(1)


@compiled
def read_rice(words: Words, at: int, low_bits: int) -> tuple[int, int]:
    """The Rice code at bit *at*, and where the next code starts."""
    window = peek(words, at)
    quotient = whole(trailing_zeros(window))
    rest = window >> np.uint64(quotient + 1)
    if quotient >= LONG:
        rest = window >> np.uint64(LONG + 1)
        return whole(rest & np.uint64(0xFFFFFFFF)), at + MOST_BITS
    low = whole(rest & (low_ones(low_bits)))
    return (quotient << low_bits) | low, at + quotient + 1 + low_bits


@compiled
def read_gamma(words: Words, at: int) -> tuple[int, int]:
    """The Elias gamma code of a number from 0 on at bit *at*, and where the next code starts."""
    window = peek(words, at)
    zeros = whole(trailing_zeros(window))
    low = (window >> np.uint64(zeros + 1)) & low_ones(zeros)
    return whole((np.uint64(1) << np.uint64(zeros)) | low) - 1, at + 2 * zeros + 1


@compiled
def read_pair(words: Words, at: int, low_bits: int) -> tuple[int, int, int]:
    """A Rice code and the gamma code behind it, which is mostly that of 0: a single bit."""
    window = peek(words, at)
    quotient = whole(trailing_zeros(window))
    if quotient < LONG:
        # Whatever the numbers are, the same few steps: a branch would often be guessed wrong.
        used = quotient + 1 + low_bits
        rest = window >> np.uint64(used)
        zeros = whole(trailing_zeros(rest))
        end = used + 2 * zeros + 1
        if end <= 64:
            low = (window >> np.uint64(quotient + 1)) & low_ones(low_bits)
            code = (rest >> np.uint64(zeros + 1)) & low_ones(zeros)
            return (quotient << low_bits) | whole(low), (1 << zeros) + whole(code) - 1, at + end
    gap, at = read_rice(words, at, low_bits)
    code, at = read_gamma(words, at)
    return gap, code, at


@compiled
def write(words: Words, at: int, value: int, bits: int) -> int:
    """Write the low *bits* (at most 57) of *value* at bit *at* of zeros; return the end."""
    word, shift = at >> 6, np.uint64(at & 63)
    words[word] |= np.uint64(value) << shift
    words[word + 1] |= (np.uint64(value) >> np.uint64(1)) >> (np.uint64(63) - shift)
    return at + bits


@compiled
def write_rice(words: Words, at: int, value: int, low_bits: int) -> int:
    quotient = value >> low_bits
    if quotient >= LONG:
        at = write(words, at, 1 << LONG, LONG + 1)
        return write(words, at, value, WHOLE_BITS)
    low = value & ((1 << low_bits) - 1)
    return write(words, at, ((low << 1) | 1) << quotient, quotient + 1 + low_bits)


@compiled
def write_gamma(words: Words, at: int, value: int) -> int:
    value += 1
    zeros = 0
    while value >> (zeros + 1):
        zeros += 1
    low = value & ((1 << zeros) - 1)
    return write(words, at, ((low << 1) | 1) << zeros, 2 * zeros + 1)
