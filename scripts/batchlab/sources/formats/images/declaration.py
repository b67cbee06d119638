"""Folders of images, one folder for each class: what planning knows of them, without a decoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.declarations.options import Choice
from batchlab.declarations.source import FileShape, Format, Sides
from batchlab.sources.formats.images.folders import shape_below


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Count images by class and part, and look at the first bytes of some."""
    return shape_below(path, options)[0]


FORMAT = Format(
    summary="images in a folder for each class, perhaps below `train`, `validation` and `test`",
    suffixes=("/",),
    options=(
        Sides("size", "height and width that images are brought to: a number of pixels, or `[height, width]`"),
        Choice("colour", "`rgb`: three channels, or `grey`: one", "rgb", words=("rgb", "grey")),
        Choice(
            "resize",
            "`stretch`: the whole image, its proportions changed; `crop`: the largest part in the middle that has the "
            "right proportions",
            "stretch",
            words=("stretch", "crop"),
        ),
    ),
    inspect=inspect,
)
