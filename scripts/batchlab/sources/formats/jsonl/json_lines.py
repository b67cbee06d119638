"""The lines of a file of JSON objects as rows of cells, which then mean what those of any table of text mean.

Standard library only: planning and the job that reads the file agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv.header import Header
from batchlab.sources.formats.csv.kinds import as_list

_EXAMPLE = '{"length": 5.1, "species": "setosa"}'


@dataclass(frozen=True)
class JsonLines:
    """A file with one object on each line.

    Attributes:
        path: The file.
        header: Keys of the objects in the order in which they first appear.
        left_out: Keys that are not used, whatever they hold.
    """

    path: Path
    header: Header
    left_out: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        """How the file is written, for people."""
        return f"lines of JSON; {self.header.words}"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, cells) of each object; a key that it does not have, and null, are empty cells."""
        for line, found in _objects(self.path, self.left_out):
            yield line, [found.get(name, "") for name in self.header.names]


def json_lines(path: Path, options: Mapping[str, Any]) -> JsonLines:
    """Look through a file for the keys of its objects.

    Args:
        path: The file.
        options: Complete options of the format.

    Raises:
        BatchlabError: A line is no object of texts, numbers and truth values, or there is none.
    """
    left_out = frozenset(name for name in as_list(options.get("leave_out")) if isinstance(name, str))
    names: dict[str, None] = {}
    for _, found in _objects(path, left_out):
        names |= dict.fromkeys(found)
    if not names:
        raise BatchlabError(f"{path}: is empty; lines such as {_EXAMPLE} are expected")
    return JsonLines(path, Header(tuple(names), 0, f"{len(names)} keys"), left_out)


def _objects(path: Path, left_out: frozenset[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, key → cell) of each line; empty lines are skipped. Numbers keep the digits they have.

    Raises:
        BatchlabError: A line is no object of texts, numbers and truth values.
    """
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once)
    line = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for text in file:
                line += 1
                if text.strip():
                    yield line, _cells(path, line, decoder.decode(text), left_out)
    except UnicodeDecodeError:
        raise BatchlabError(f"{path}: is not text in UTF-8 below line {line}; save it as UTF-8") from None
    except (ValueError, RecursionError) as problem:
        reason = getattr(problem, "msg", None) or str(problem)
        raise BatchlabError(
            f"{path}: line {line} is no JSON object ({reason}); one object on each line is expected, such as {_EXAMPLE}"
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object none of whose keys is there twice: one of the values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _cells(path: Path, line: int, found: Any, left_out: frozenset[str]) -> dict[str, str]:
    """Return an object as cells of text."""
    if not isinstance(found, dict):
        kind = "a list" if isinstance(found, list) else "a single value"
        raise BatchlabError(f"{path}: line {line} holds {kind}; an object is expected, such as {_EXAMPLE}")
    cells = {}
    for name, value in found.items():
        if isinstance(value, dict | list) and name not in left_out:
            kind = "a list" if isinstance(value, list) else "an object"
            raise BatchlabError(
                f"{path}: line {line}, key {name!r}: holds {kind}; write a key for each of its items, or say "
                f"leave_out: [{name}]"
            )
        cells[name] = "" if value is None or name in left_out else str(value).strip()
    return cells
