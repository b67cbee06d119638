"""Read IDX files, the format of LeCun's MNIST page."""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources.contents import Array, Contents
from batchlab.sources.download import GZIP_PROBLEMS

# The first four bytes of an IDX file: two zeros, the type (8 = unsigned byte), the number of axes.
IMAGES, LABELS = 0x0803, 0x0801
_NAMES = {IMAGES: "images", LABELS: "labels"}


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return images of shape (examples, height, width, 1) and labels.

    Args:
        paths: Train images, train labels, test images, test labels.
        options: None is read here.
    """
    train_images, train_labels, test_images, test_labels = paths
    return Contents(
        (read_array(train_images, IMAGES)[..., np.newaxis], read_array(train_labels, LABELS)),
        (read_array(test_images, IMAGES)[..., np.newaxis], read_array(test_labels, LABELS)),
    )


def read_array(path: Path, magic: int) -> Array:
    """Return the array of a gzip-compressed IDX file of unsigned bytes (format of LeCun's MNIST page).

    Args:
        path: The compressed file.
        magic: `IMAGES` or `LABELS`.

    Returns:
        Bytes of shape (examples, height, width) or (examples,).
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except GZIP_PROBLEMS as problem:
        raise BatchlabError(f"{path}: is not an intact gzip file ({problem}); delete it to fetch it again") from None
    found = int.from_bytes(content[:4], "big")
    if found != magic:
        what = f"holds {_NAMES[found]}" if found in _NAMES else f"is not an IDX file (magic number {found:#010x})"
        raise BatchlabError(f"{path}: {what}; {_NAMES[magic]} are expected")
    start = 4 + 4 * (magic & 0xFF)
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        raise BatchlabError(
            f"{path}: has {len(content)} bytes; its header of shape {shape} asks for "
            f"{start + math.prod(shape)}; delete it to fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
