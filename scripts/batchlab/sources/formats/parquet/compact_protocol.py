"""Thrift's compact protocol, in which the footers of Parquet files are written: structures as numbers → values.

Only reading, and only what footers hold. Standard library only, because planning reads footers.
Source: thrift-compact-protocol.md of Apache Thrift.
"""

from __future__ import annotations

import struct
from typing import Any

# Number of a field → its value: truth values, integers, floats, bytes, lists, structures.
Structure = dict[int, Any]

_TRUE, _FALSE = 1, 2


class CompactReader:
    """Reads values one after the other.

    Args:
        content: The bytes; what they are cut short of shows as an `IndexError`.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def structure(self) -> Structure:
        """Return the fields of the structure that comes next.

        Raises:
            IndexError: The bytes end before it does.
            ValueError: They are no such structure.
        """
        found: Structure = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            found[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind)
        return found

    def _value(self, kind: int) -> Any:
        match kind:
            case 1 | 2:  # an element of a list of truth values
                return self._byte() == _TRUE
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._integer()
            case 7:
                return struct.unpack("<d", self._bytes(8))[0]
            case 8:
                return self._bytes(self._unsigned())
            case 9 | 10:
                head = self._byte()
                count = self._unsigned() if head >> 4 == 15 else head >> 4
                return [self._value(head & 15) for _ in range(count)]
            case 11:
                count = self._unsigned()
                kinds = self._byte() if count else 0
                return {self._value(kinds >> 4): self._value(kinds & 15) for _ in range(count)}
            case 12:
                return self.structure()
        raise ValueError(f"no value is of kind {kind}")

    def _byte(self) -> int:
        value = self._content[self._place]
        self._place += 1
        return value

    def _bytes(self, count: int) -> bytes:
        if self._place + count > len(self._content):
            raise IndexError("cut short")
        self._place += count
        return self._content[self._place - count : self._place]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _integer(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)
