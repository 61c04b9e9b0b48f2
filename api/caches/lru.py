"""A cache in memory that is limited in bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ByteLRU(Generic[Key, Value]):
    """
    A cache in memory; when it is full, the entries that were not used for longest go. Thread-safe.

    Args:
        max_bytes: of all entries together; a larger entry is not kept.
        size: the bytes that an entry takes.
    """

    def __init__(self, max_bytes: int, size: Callable[[Key, Value], int]) -> None:
        self._max_bytes = max_bytes
        self._size = size
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """The size of all entries."""
        return self._bytes

    def get(self, key: Key) -> Value | None:
        with self._lock:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)  # `popitem` takes from the other end
            return value

    def put(self, key: Key, value: Value) -> None:
        """Add or replace an entry."""
        size = self._size(key, value)
        with self._lock:
            # Before the check of the size: an old value must not stay under the key.
            replaced = self._entries.pop(key, None)
            if replaced is not None:
                self._bytes -= self._size(key, replaced)
            if size > self._max_bytes:
                return
            self._entries[key] = value
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._bytes -= self._size(*self._entries.popitem(last=False))
