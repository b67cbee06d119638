"""The lines of a table of text, with what its first line says.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from batchlab.sources.formats.csv.header import Header, header_of
from batchlab.sources.formats.csv.table import gaps_of
from batchlab.sources.formats.csv.text import SAMPLE, Writing, lines_of, writing


@dataclass(frozen=True)
class TextLines:
    """A table of text.

    Attributes:
        path: The file.
        how: Encoding and separator.
        header: What the first line is.
    """

    path: Path
    how: Writing
    header: Header

    @property
    def words(self) -> str:
        """How the file is written, for people."""
        return f"{self.how.words}; {self.header.words}"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, cells) of each example."""
        return islice(lines_of(self.path, self.how), self.header.lines, None)


def text_lines(path: Path, options: Mapping[str, Any]) -> TextLines:
    """Find out how a table is written and whether its first line is a header.

    Args:
        path: The file.
        options: Complete options of the format.

    Raises:
        BatchlabError: It cannot be decoded, is empty, or its first line may be a header or an example.
    """
    how = writing(path, options)
    first = list(islice(lines_of(path, how), SAMPLE + 1))
    return TextLines(path, how, header_of(path, first, gaps_of(options), options.get("header")))
