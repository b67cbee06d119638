"""What the footer of a Parquet file says: rows, columns with their types, gaps and limits, and pandas' own remarks.

No row is read. Standard library only: planning and the job that reads the rows start from the same footer.
Source: parquet.thrift and LogicalTypes.md of Apache Parquet, the section "pandas" of the developers' guide of pandas.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from batchlab.errors import BatchlabError
from batchlab.sources.formats.parquet.compact_protocol import CompactReader, Structure

Holds = Literal["whole numbers", "numbers", "truth values", "words", "dates or times", "lists", "bytes", "nothing"]

_MARK = b"PAR1"
# Bytes before the mark at the end: the length of the footer.
_TAIL = 8
# Physical types.
_BOOLEAN, _INT32, _INT64, _INT96, _FLOAT, _DOUBLE = range(6)
# By the older annotation and by the newer one, what a column holds; without either the physical type decides.
_CONVERTED: dict[int, Holds] = {
    **dict.fromkeys((0, 4, 19), "words"),
    5: "numbers",
    **dict.fromkeys((6, 7, 8, 9, 10, 21), "dates or times"),
    **dict.fromkeys(range(11, 19), "whole numbers"),
    20: "bytes",
}
_LOGICAL: dict[int, Holds] = {
    **dict.fromkeys((1, 4, 12), "words"),
    **dict.fromkeys((5, 15), "numbers"),
    **dict.fromkeys((6, 7, 8), "dates or times"),
    10: "whole numbers",
    11: "nothing",
    **dict.fromkeys((13, 14), "bytes"),
}
_PHYSICAL: dict[int, Holds] = {
    _BOOLEAN: "truth values",
    **dict.fromkeys((_INT32, _INT64), "whole numbers"),
    _INT96: "dates or times",
    **dict.fromkeys((_FLOAT, _DOUBLE), "numbers"),
}
# Types of pandas that Parquet has no name for.
_TIMES = ("datetime64", "timedelta64", "period")
_CODES = {_INT32: "<i", _INT64: "<q", _FLOAT: "<f", _DOUBLE: "<d"}


@dataclass(frozen=True)
class StoredColumn:
    """One column.

    Attributes:
        name: Its name.
        holds: What it holds.
        gaps: Number of rows without a value; None where the footer does not say.
        least: Smallest number; None where it is none or the footer does not say.
        largest: Largest number, likewise.
        words: Number of different words that it may hold, for a category of pandas.
        index: Whether it is the index of a pandas table, or a level of it.
    """

    name: str
    holds: Holds
    gaps: int | None = None
    least: float | None = None
    largest: float | None = None
    words: int | None = None
    index: bool = False


@dataclass(frozen=True)
class Footer:
    """What a file holds: the number of its rows, its columns in their order, and the program that wrote it."""

    rows: int
    columns: tuple[StoredColumn, ...]
    written_by: str


def footer_of(path: Path) -> Footer:
    """Return what the footer of a file says.

    Raises:
        BatchlabError: It is no Parquet file, is damaged, or is encrypted.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
        if tail[4:] == b"PARE":
            raise BatchlabError(f"{path}: is encrypted; write it without encryption")
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MARK or length > size - _TAIL - len(_MARK):
            raise BatchlabError(f"{path}: is not a whole Parquet file, by its last bytes; write it again")
        file.seek(size - _TAIL - length)
        content = file.read(length)
    try:
        return _footer(CompactReader(content).structure())
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, RecursionError, MemoryError) as problem:
        raise BatchlabError(f"{path}: its footer is damaged ({type(problem).__name__}); write the file again") from None


def _footer(found: Structure) -> Footer:
    # 1 version, 2 schema, 3 rows, 4 row groups, 5 pairs of key and value, 6 program.
    pairs = {pair[1]: pair.get(2, b"") for pair in found.get(5, [])}
    remarks = json.loads(pairs[b"pandas"]) if b"pandas" in pairs else {}
    chunks: dict[str, list[Structure]] = {}
    for group in found[4]:
        for chunk in group[1]:
            facts = chunk[3]  # 1 type, 3 path, 12 statistics
            chunks.setdefault(".".join(part.decode() for part in facts[3]), []).append(facts)
    columns = [_column(element, nested, chunks, remarks) for element, nested in _top(found[2])]
    return Footer(found[3], tuple(columns), found.get(6, b"").decode(errors="replace"))


def _top(schema: Sequence[Structure]) -> list[tuple[Structure, bool]]:
    """Return the columns below the root of a schema, and whether they are made of others."""
    found = []
    place = 1
    for _ in range(schema[0].get(5, 0)):
        element = schema[place]
        nested = bool(element.get(5)) or element.get(3) == 2
        place = _after(schema, place)
        found.append((element, nested))
    return found


def _after(schema: Sequence[Structure], place: int) -> int:
    """Return the place behind an element of a schema and all below it."""
    children = schema[place].get(5, 0)
    place += 1
    for _ in range(children):
        place = _after(schema, place)
    return place


def _column(
    element: Structure, nested: bool, chunks: Mapping[str, list[Structure]], remarks: Mapping[str, Any]
) -> StoredColumn:
    """Return one column of the schema: 1 type, 3 repetition, 4 name, 6 older annotation, 10 newer one."""
    name = element[4].decode()
    index = name in [item for item in remarks.get("index_columns", []) if isinstance(item, str)]
    if nested:
        return StoredColumn(name, "lists", index=index)
    logical = next(iter(element.get(10, {})), None)
    holds = _LOGICAL.get(logical) if logical else _CONVERTED.get(element.get(6, -1))
    holds = holds or _PHYSICAL.get(element[1], "bytes")
    own: Mapping[str, Any] = next((item for item in remarks.get("columns", []) if item.get("field_name") == name), {})
    words = None
    if str(own.get("numpy_type")).startswith(_TIMES):
        holds = "dates or times"
    elif own.get("pandas_type") == "categorical":
        holds, words = "words", (own.get("metadata") or {}).get("num_categories")
    statistics = [facts.get(12, {}) for facts in chunks.get(name, [])]  # 3 gaps, 5 largest, 6 least
    gaps = [0 if element.get(3) == 0 else each.get(3) for each in statistics]
    unsigned = element.get(6) in range(11, 15) or element.get(10, {}).get(10, {}).get(2) is False
    scaled = holds == "numbers" and element[1] not in (_FLOAT, _DOUBLE)
    least, largest = (
        _limit([_number(each.get(field), element[1], unsigned) for each in statistics if not scaled], choose)
        for field, choose in ((6, min), (5, max))
    )
    known = sum(filter(None, gaps)) if None not in gaps else None
    return StoredColumn(name, holds, known, least, largest, words, index)


def _limit(values: Sequence[float | None], choose: Callable[[Sequence[float]], float]) -> float | None:
    """Return the limit over all groups of rows, if each of them says its own."""
    known = [value for value in values if value is not None]
    return choose(known) if known and len(known) == len(values) else None


def _number(content: bytes | None, kind: int, unsigned: bool) -> float | None:
    """Return a limit of the values, from its bytes."""
    code = _CODES.get(kind)
    if content is None or code is None or len(content) != struct.calcsize(code):
        return None
    value = struct.unpack(code.upper() if unsigned else code, content)[0]
    return value if value == value else None
