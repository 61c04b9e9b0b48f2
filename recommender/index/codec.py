"""Integer codes of variable length: Rice codes for gaps, Elias gamma codes for small counts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.index.jit import compiled, trailing_zeros, whole

Words = NDArray[np.uint64]

# A Rice quotient from here on is written as that many zeros, and then the whole number in 32 bits.
ESCAPE_QUOTIENT = 24
WHOLE_BITS = 32
MAX_CODE_BITS = ESCAPE_QUOTIENT + 1 + WHOLE_BITS  # one 64-bit window shows all of a code


def rice_bits(mean: float) -> int:
    """The best number of low bits for gaps of that *mean* between randomly spread numbers."""
    return max(0, min(WHOLE_BITS - 1, int(np.floor(np.log2(max(mean * np.log(2), 1.0))))))


@compiled
def peek(words: Words, bit: int) -> Any:
    """The 64 bits from position *bit* on; a word of zeros ends the stream, so it may look ahead."""
    word = np.uint64(bit) >> np.uint64(6)
    shift = np.uint64(bit) & np.uint64(63)
    # Two shifts, because a shift by 64 bits is undefined.
    beyond = (words[word + np.uint64(1)] << np.uint64(1)) << (np.uint64(63) - shift)
    return (words[word] >> shift) | beyond


@compiled
def low_ones(bits: int) -> Any:
    return (np.uint64(1) << np.uint64(bits)) - np.uint64(1)


@compiled
def read_rice(words: Words, bit: int, low_bits: int) -> tuple[int, int]:
    """The number whose Rice code starts at *bit*, and the bit after it."""
    window = peek(words, bit)
    quotient = whole(trailing_zeros(window))
    rest = window >> np.uint64(quotient + 1)
    if quotient >= ESCAPE_QUOTIENT:
        rest = window >> np.uint64(ESCAPE_QUOTIENT + 1)
        return whole(rest & np.uint64(0xFFFFFFFF)), bit + MAX_CODE_BITS
    low = whole(rest & (low_ones(low_bits)))
    return (quotient << low_bits) | low, bit + quotient + 1 + low_bits


@compiled
def read_gamma(words: Words, bit: int) -> tuple[int, int]:
    """The number (from 0 on) whose Elias gamma code starts at *bit*, and the bit after it."""
    window = peek(words, bit)
    zeros = whole(trailing_zeros(window))
    low = (window >> np.uint64(zeros + 1)) & low_ones(zeros)
    return whole((np.uint64(1) << np.uint64(zeros)) | low) - 1, bit + 2 * zeros + 1


@compiled
def read_pair(words: Words, bit: int, low_bits: int) -> tuple[int, int, int]:
    """A Rice code and the gamma code after it, which is mostly that of 0: a single bit."""
    window = peek(words, bit)
    quotient = whole(trailing_zeros(window))
    if quotient < ESCAPE_QUOTIENT:
        # The same few steps for every pair: the processor would often mispredict a branch.
        used = quotient + 1 + low_bits
        rest = window >> np.uint64(used)
        zeros = whole(trailing_zeros(rest))
        end = used + 2 * zeros + 1
        if end <= 64:
            low = (window >> np.uint64(quotient + 1)) & low_ones(low_bits)
            code = (rest >> np.uint64(zeros + 1)) & low_ones(zeros)
            return (quotient << low_bits) | whole(low), (1 << zeros) + whole(code) - 1, bit + end
    gap, bit = read_rice(words, bit, low_bits)
    code, bit = read_gamma(words, bit)
    return gap, code, bit


@compiled
def write(words: Words, bit: int, value: int, bits: int) -> int:
    """Write the low *bits* (at most 57) of *value* over zeros at *bit*; return the bit after."""
    word = bit >> 6
    shift = np.uint64(bit & 63)
    words[word] |= np.uint64(value) << shift
    words[word + 1] |= (np.uint64(value) >> np.uint64(1)) >> (np.uint64(63) - shift)
    return bit + bits


@compiled
def write_rice(words: Words, bit: int, value: int, low_bits: int) -> int:
    quotient = value >> low_bits
    if quotient >= ESCAPE_QUOTIENT:
        bit = write(words, bit, 1 << ESCAPE_QUOTIENT, ESCAPE_QUOTIENT + 1)
        return write(words, bit, value, WHOLE_BITS)
    low = value & ((1 << low_bits) - 1)
    return write(words, bit, ((low << 1) | 1) << quotient, quotient + 1 + low_bits)


@compiled
def write_gamma(words: Words, bit: int, value: int) -> int:
    value += 1
    zeros = 0
    while value >> (zeros + 1):
        zeros += 1
    low = value & ((1 << zeros) - 1)
    return write(words, bit, ((low << 1) | 1) << zeros, 2 * zeros + 1)
