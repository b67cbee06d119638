"""Read lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.sources.contents import Contents
from batchlab.sources.formats.csv.read import contents_of
from batchlab.sources.formats.csv.table import open_table
from batchlab.sources.formats.jsonl.json_lines import json_lines


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return the features (examples, columns) of a table, its labels or targets, and weights.

    Args:
        paths: One file.
        options: Complete options of the format.
    """
    (path,) = paths
    return contents_of(open_table(path, options, json_lines(path, options)), options)
