"""The cache in memory: bounded in bytes, and the least recently used entries leave first."""

import random
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from api.caches.lru import ByteLRU

MAX_BYTES = 10
KEYS = st.sampled_from("abcde")
STEPS = st.lists(st.one_of(KEYS, st.tuples(KEYS, st.binary(max_size=12))), max_size=40)


def cache(max_bytes: int = MAX_BYTES) -> ByteLRU[str, bytes]:
    return ByteLRU(max_bytes, lambda key, value: len(key) + len(value))


class SlowLRU:
    """The same as a list of pairs, the least recently used first."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, bytes]] = []

    def get(self, key: str) -> bytes | None:
        for pair in self.pairs:
            if pair[0] == key:
                self.pairs.remove(pair)
                self.pairs.append(pair)
                return pair[1]
        return None

    def put(self, key: str, value: bytes) -> None:
        self.pairs = [pair for pair in self.pairs if pair[0] != key]
        if 1 + len(value) <= MAX_BYTES:
            self.pairs.append((key, value))
        while self.bytes > MAX_BYTES:
            del self.pairs[0]

    @property
    def bytes(self) -> int:
        return sum(1 + len(value) for _, value in self.pairs)


@given(STEPS)
def test_it_keeps_what_a_list_of_pairs_keeps(steps):
    fast, slow = cache(), SlowLRU()
    for step in steps:
        if isinstance(step, str):
            assert slow.get(step) == fast.get(step)
        else:
            fast.put(*step)
            slow.put(*step)
        assert (slow.bytes, len(slow.pairs)) == (fast.bytes, len(fast))


def test_an_entry_that_is_too_large_pushes_out_no_other_one():
    entries = cache()
    entries.put("a", bytes(5))
    entries.put("b", bytes(20))

    assert (bytes(5), None) == (entries.get("a"), entries.get("b"))


def test_a_value_that_grows_too_large_is_not_kept_in_its_old_form():
    entries = cache()
    entries.put("a", bytes(5))
    entries.put("a", bytes(20))

    assert (None, 0) == (entries.get("a"), entries.bytes)


def test_threads_never_lose_count_of_the_bytes():
    entries = cache(5_000)

    def use(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(3_000):
            key = f"k{chance.randrange(30)}"
            entries.put(key, bytes(chance.randrange(400)))
            entries.get(key)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))

    kept = {f"k{number}": entries.get(f"k{number}") for number in range(30)}
    sizes = [len(key) + len(value) for key, value in kept.items() if value is not None]
    assert entries.bytes == sum(sizes) <= 5_000
