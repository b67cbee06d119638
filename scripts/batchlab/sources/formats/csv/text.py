"""How a table is written: its encoding, what separates cells, and which sign is the decimal point.

Standard library only: planning and the job that reads the table find out the same.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError

# Signs between cells, the rarest in numbers and words first: a comma may be a decimal one.
SEPARATORS = {"tab": "\t", "semicolon": ";", "bar": "|", "comma": ",", "space": " "}
# Rows from which the writing of a table is concluded.
SAMPLE = 1000
# Bytes of the sample.
_BYTES = 1 << 20

_NUMBER_WITH_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TIME = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[ap]\.?m\.?)?"
_DATE = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{4}|\d{2}))"
    rf"([T ]{_TIME}(Z| ?[+-]\d{{2}}:?\d{{2}})?)?"
    rf"|{_TIME}"
    r"|(19|20)\d{2}[- ]?(Q[1-4]|W[0-5]\d)"
    r"|(19|20)\d{2}-(0[1-9]|1[0-2])"
    rf"|(\d{{1,2}}[-. ]+)?{_MONTH}([-, ]+\d{{1,4}}){{0,2}}",
    re.IGNORECASE,
)
# Year, month and day, perhaps with hours, minutes and seconds, without signs between them.
_DIGITS = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])[0-5]\d([0-5]\d)?)?")
# Numbers with a sign of money, per cent, or between thousands.
_AMOUNT = r"(\d+([.,]\d+)?|\d{1,3}(\.\d{3})+(,\d+)?|\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}([' \u00a0]\d{3})+([.,]\d+)?)"
_SIGNED = re.compile(rf"[+-]?[$€£¥]?\s*[+-]?{_AMOUNT}\s*[%$€£¥]?|\({_AMOUNT}\)")
_WITH_UNIT = re.compile(rf"[+-]?{_AMOUNT}\s*(?P<unit>[^\d\s.,;:/+-].*)")
# The first line by which Excel is told what separates cells.
_SAID = re.compile(r'"?sep=(.)"?')


@dataclass(frozen=True)
class Writing:
    """How a table is written.

    Attributes:
        encoding: Of the text.
        separator: Name of the sign between cells, of `SEPARATORS`.
        skipped: Lines at the beginning that only say the separator, 0 or 1.
    """

    encoding: str
    separator: str
    skipped: int = 0

    @property
    def words(self) -> str:
        """What people call it."""
        return f"text in {self.encoding.replace('utf-8-sig', 'UTF-8')}, cells separated by {self.separator}s"


def writing(path: Path, options: Mapping[str, Any]) -> Writing:
    """Return how a table is written, by its options and otherwise by its first megabyte.

    Raises:
        BatchlabError: The text cannot be decoded.
    """
    with path.open("rb") as file:
        start = file.read(_BYTES)
    encoding = options.get("encoding") or ("utf-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "")
    encoding = {"utf-8": "utf-8-sig"}.get(encoding, encoding) or "utf-8-sig"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except LookupError:
        raise BatchlabError(
            f"{path}: encoding = {encoding!r} is unknown; utf-8, cp1252 and latin-1 are usual"
        ) from None
    except UnicodeDecodeError as problem:
        raise undecodable(path, encoding, start[: problem.start].count(b"\n") + 1) from None
    lines = text.splitlines()[:50]
    said = _SAID.fullmatch(lines[0].rstrip()) if lines else None
    name = next((name for name, sign in SEPARATORS.items() if said and sign == said[1]), None)
    return Writing(encoding, options.get("separator") or name or _separator(lines), 1 if name else 0)


def undecodable(path: Path, encoding: str, line: int | None = None) -> BatchlabError:
    """Return the error for a file in another encoding."""
    place = f" (line {line})" if line else ""
    return BatchlabError(
        f"{path}: is not text in {encoding.replace('utf-8-sig', 'UTF-8')}{place}; save it as UTF-8, or name its "
        "encoding, such as encoding: cp1252 (Windows, Western Europe)"
    )


def _separator(lines: list[str]) -> str:
    """Return the name of the sign that cuts most lines into equally many cells, if possible the first line too."""
    best, chosen = (0.0, False), "comma"
    for name, sign in SEPARATORS.items():
        counts: list[int] = []
        with suppress(csv.Error):  # a quotation mark inside a cell, or one that is closed after the sample
            for row in _reader(iter(lines), sign):
                counts.append(len(row))
        width, frequency = Counter(counts).most_common(1)[0] if counts else (1, 0)
        score = (frequency / max(len(counts), 1), bool(counts) and counts[0] == width)
        if width > 1 and score > best:
            best, chosen = score, name
    return chosen


def _reader(lines: Iterable[str], separator: str) -> Any:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


def lines_of(path: Path, how: Writing) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells without blanks at their ends) of each row; empty lines are skipped.

    Raises:
        BatchlabError: The text cannot be decoded, or a quotation mark is not closed.
    """
    try:
        with path.open(encoding=how.encoding, newline="") as file:
            reader = _reader(file, SEPARATORS[how.separator])
            for row in islice(reader, how.skipped, None):
                cells = list(map(str.strip, row))
                if how.separator == "space" and cells and not cells[-1]:
                    cells.pop()
                if len(cells) > 1 or any(cells):
                    yield reader.line_num, cells
    except UnicodeDecodeError:
        raise undecodable(path, how.encoding) from None
    except csv.Error as problem:
        raise BatchlabError(f"{path}: line {reader.line_num}: {problem}") from None


def number(cell: str, comma: bool = False) -> float | None:
    """Return the finite number that a cell holds, or `None`.

    Args:
        cell: The text.
        comma: Whether the decimal sign is a comma.
    """
    if comma:
        if "." in cell:
            return None
        cell = cell.replace(",", ".", 1)
    try:
        # float() reads 2024_01 as 202401, which no writer of a table means.
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def has_decimal_commas(path: Path, cells: Iterable[str], said: str | None) -> bool:
    """Return whether numbers are written with a decimal comma.

    Raises:
        BatchlabError: All numbers with a comma may as well be thousands.
    """
    if said:
        return said == ","
    found = [cell for cell in cells if _NUMBER_WITH_COMMA.fullmatch(cell)]
    if found and all(_THOUSANDS.fullmatch(cell) for cell in found):
        raise BatchlabError(
            f"{path}: {found[0]!r} may be a fraction or thousands; say decimal: ',' if it is a decimal comma, or write "
            "numbers without separators of thousands"
        )
    return bool(found)


def is_date(cell: str) -> bool:
    """Return whether a cell looks like a date or a time of day."""
    return _DATE.fullmatch(cell) is not None and any(sign.isdigit() for sign in cell)


def is_date_in_digits(cell: str) -> bool:
    """Return whether a cell is a number that reads as year, month and day, such as 20240131."""
    return _DIGITS.fullmatch(cell) is not None


def are_amounts(cells: Sequence[str]) -> bool:
    """Return whether cells are numbers but for signs of money, per cent or thousands, or one unit, such as `3 kg`."""
    if all(_SIGNED.fullmatch(cell) for cell in cells):
        return True
    found = [_WITH_UNIT.fullmatch(cell) for cell in cells]
    return len(set(cells)) > 1 and all(found) and len({match["unit"] for match in found if match}) == 1
