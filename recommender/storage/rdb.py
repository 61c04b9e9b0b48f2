"""
Where keys end in a dump of the server (`base.rdb`), so that a damaged one can be cut there.

Only lengths are read; whether the values make sense shows when the server loads what was kept. The
format is described at https://rdb.fnordig.de/file_format.html; we know the types that we store.
"""

import mmap
from collections.abc import Callable, Iterator

HEADER_BYTES = 9  # REDIS0011, VALKEY080
END = b"\xff" + bytes(8)  # a checksum of zeros is not checked

_EXPIRES_IN_SECONDS, _EXPIRES_IN_MILLISECONDS = 253, 252
_SELECT, _RESIZE, _AUXILIARY, _FUNCTION, _END = 254, 251, 250, 245, 255
_COMPRESSED = 3

Data = mmap.mmap | bytes


class _Damaged(Exception):
    """What comes next is no part of a dump that we know."""


def key_ends(data: Data) -> Iterator[int]:
    """
    Yield where the header ends and where each key ends, up to what cannot be read.

    The first damage may be before that: lengths that are wrong can still make sense.
    """
    reader = _Reader(data)
    try:
        while True:
            yield reader.position
            if not reader.skip_key():
                return
    except (_Damaged, IndexError):
        return


class _Reader:
    def __init__(self, data: Data) -> None:
        self._data = data
        self.position = HEADER_BYTES

    def skip_key(self) -> bool:
        """Go to the end of the next key, over all that comes before it; False at the end."""
        while True:
            opcode = self._byte()
            if opcode == _END:
                return False
            if opcode in _VALUES:
                self._skip_string()
                _VALUES[opcode](self)
                return True
            if opcode not in _BEFORE_KEYS:
                raise _Damaged
            _BEFORE_KEYS[opcode](self)

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _skip(self, count: int) -> None:
        self.position += count
        if self.position > len(self._data):
            raise _Damaged

    def _length(self) -> tuple[int, bool]:
        """A length; or, if it is an encoding of a string, its number and True."""
        first = self._byte()
        kind, rest = first >> 6, first & 0x3F
        if kind == 0:
            return rest, False
        if kind == 1:
            return rest << 8 | self._byte(), False
        if kind == 3:
            return rest, True
        size = {0x80: 4, 0x81: 8}.get(first)
        if size is None:
            raise _Damaged
        start = self.position
        self._skip(size)
        return int.from_bytes(self._data[start : self.position], "big"), False

    def _count(self) -> int:
        number, is_encoding = self._length()
        if is_encoding or number > len(self._data):
            raise _Damaged
        return number

    def _skip_string(self) -> None:
        number, is_encoding = self._length()
        if not is_encoding:
            self._skip(number)
        elif number < _COMPRESSED:
            self._skip(1 << number)  # an integer of 1, 2 or 4 bytes
        elif number == _COMPRESSED:
            packed = self._count()
            self._count()
            self._skip(packed)
        else:
            raise _Damaged

    def _skip_strings(self, each: int = 1) -> None:
        """A count, and *each* strings for it."""
        for _ in range(self._count() * each):
            self._skip_string()

    def _skip_pairs(self) -> None:
        self._skip_strings(2)

    def _skip_auxiliary(self) -> None:
        self._skip_string()
        self._skip_string()

    def _skip_list(self) -> None:
        for _ in range(self._count()):
            self._count()
            self._skip_string()

    def _skip_stream(self) -> None:
        self._skip_pairs()
        for _ in range(8):  # length, last id, first id, highest deleted id, number added
            self._count_or_id()
        if self._count():
            raise _Damaged  # consumer groups, of which we have none

    def _count_or_id(self) -> None:
        if self._length()[1]:
            raise _Damaged

    def _skip_two_counts(self) -> None:
        self._count_or_id()
        self._count_or_id()


_VALUES: dict[int, Callable[[_Reader], None]] = {
    0: _Reader._skip_string,
    2: _Reader._skip_strings,  # a set
    4: _Reader._skip_pairs,  # a hash
    11: _Reader._skip_string,  # small sets and hashes are one string
    16: _Reader._skip_string,
    18: _Reader._skip_list,
    20: _Reader._skip_string,
    21: _Reader._skip_stream,
}
_BEFORE_KEYS: dict[int, Callable[[_Reader], None]] = {
    _EXPIRES_IN_SECONDS: lambda reader: reader._skip(4),
    _EXPIRES_IN_MILLISECONDS: lambda reader: reader._skip(8),
    _SELECT: lambda reader: reader._count_or_id(),
    _RESIZE: _Reader._skip_two_counts,
    _AUXILIARY: _Reader._skip_auxiliary,
    _FUNCTION: _Reader._skip_string,
}
