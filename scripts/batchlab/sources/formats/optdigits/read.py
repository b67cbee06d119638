"""Read Optical Recognition of Handwritten Digits (UCI)."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.sources.contents import Contents


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return images of shape (examples, 8, 8, 1) with values 0 … 16, and labels.

    Args:
        paths: One gzip file of lines, each with 64 values and the class, separated by commas.
        options: None is read here.
    """
    (path,) = paths
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.array([[int(cell) for cell in line.split(",")] for line in file], np.uint8)
    return Contents((table[:, :64].reshape(-1, 8, 8, 1), table[:, 64]))
