"""Which images of a folder belong to which class and part.

Standard library only: planning and the job that reads the images find the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from batchlab.declarations.source import FileShape
from batchlab.errors import BatchlabError
from batchlab.sources.labels import check_repeated, class_names
from batchlab.sources.listing import files_below

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
SPLITS = ("train", "validation", "test")
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# First bytes of images.
_MARKS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"P2", b"P3", b"P5", b"P6")
# Images that planning looks at.
_LOOKED_AT = 100


class Image(NamedTuple):
    """One image.

    Attributes:
        path: Below the folder.
        part: One of `SPLITS`.
        label: Name of its class.
    """

    path: str
    part: str
    label: str


def images_below(folder: Path) -> tuple[list[Image], list[str]]:
    """Return the images of a folder in the order of their paths, and its other files.

    Raises:
        BatchlabError: Images that lie in no folder of a class, or deeper, or folders beside those of the parts.
    """
    try:
        names = [entry[0] for entry in files_below(folder)]
    except OSError as problem:
        raise BatchlabError(f"{folder}: cannot be read ({problem})") from None
    first = {name.partition("/")[0] for name in names if "/" in name}
    split = any(_PARTS.get(name.lower()) == "train" for name in first)
    if split and (other := sorted(name for name in first if name.lower() not in _PARTS)):
        raise BatchlabError(
            f"{folder}: {other[0]} lies beside train; allowed there are the folders train, validation and test; move it"
        )
    images, others, depth = [], [], 2 + split
    for name in names:
        stem, dot, ending = name.rpartition(".")
        if f".{ending.lower()}" not in ENDINGS or not dot or stem.endswith("/"):
            others.append(name)
            continue
        parts = name.split("/")
        if len(parts) != depth:
            wanted = "train/<class>/<image>" if split else "<class>/<image>"
            raise BatchlabError(f"{folder}: {name} lies at another depth than {wanted}; move it")
        images.append(Image(name, _PARTS[parts[0].lower()] if split else "train", parts[-2]))
    if not images:
        raise BatchlabError(
            f"{folder}: holds no images in folders of classes; endings that count: {', '.join(sorted(ENDINGS))}"
        )
    return images, others


def shape_below(folder: Path, options: Mapping[str, Any]) -> tuple[FileShape, list[str], list[Image], list[str]]:
    """Return sizes, names of the classes, the images, and files that are none.

    Raises:
        BatchlabError: Fewer than two classes, a class that is not in the training part, or a file that is no image.
    """
    images, others = images_below(folder)
    counts = {part: Counter(image.label for image in images if image.part == part) for part in SPLITS}
    classes = class_names(counts["train"], str(folder))
    check_repeated(counts["train"].total(), len(classes), str(folder))
    for part in SPLITS[1:]:
        if unknown := sorted(set(counts[part]) - set(classes)):
            raise BatchlabError(f"{folder}: {part} has the class {unknown[0]!r}, which no training image has")
    for image in images[:: max(1, len(images) // _LOOKED_AT)]:
        with (folder / image.path).open("rb") as file:
            if not file.read(8).startswith(_MARKS):
                raise BatchlabError(f"{folder / image.path}: is not an image, by its first bytes; remove or mend it")
    given = {part: counts[part].total() or None for part in SPLITS[1:]}
    height, width = sides(options["size"])
    channels = {"rgb": 3, "grey": 1}[options["colour"]]
    shape = FileShape(
        counts["train"].total(), given["test"], (height, width, channels), len(classes), given["validation"]
    )
    return shape, classes, images, others


def sides(size: int | Sequence[int]) -> tuple[int, int]:
    """Return height and width."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width
