"""Read folders of images, by Pillow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources.contents import Array, Contents, Pair, let_go, room
from batchlab.sources.formats.images.folders import SPLITS, shape_below, sides

# Pillow's kinds of pixels that hold more than eight bits; bringing them to eight would cut values off.
_WIDE = ("I", "F")
# Images after which the memory of those before is given back, where they are put together in a file.
_TOGETHER = 1000


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return images as bytes of shape (examples, height, width, channels), and their labels.

    Args:
        paths: One folder.
        options: Complete options of the format.
    """
    (folder,) = paths
    shape, classes, images, others = shape_below(folder, options)
    number = {name: index for index, name in enumerate(classes)}
    found: Counter[tuple[int, int]] = Counter()
    remarks: Counter[str] = Counter()
    pairs: dict[str, Pair] = {}
    for part in SPLITS:
        own = [image for image in images if image.part == part]
        if own:
            x = room((len(own), *shape.input_shape), np.uint8)
            for row, image in enumerate(own):
                x[row], size = _decode(folder / image.path, options, remarks)
                found[size] += 1
                if row % _TOGETHER == 0:
                    let_go(x)
            pairs[part] = x, np.array([number[image.label] for image in own], np.int64)
    told = [("Images", _sizes(found, options))]
    told += [("Remark", f"{count:,} {words}") for words, count in remarks.items()]
    if others:
        told.append(("Left out", f"{len(others)} files that are no images: {', '.join(others[:5])}"))
    return Contents(pairs["train"], pairs.get("test"), tuple(classes), pairs.get("validation"), tuple(told))


def _decode(path: Path, options: Mapping[str, Any], remarks: Counter[str]) -> tuple[Array, tuple[int, int]]:
    """Return one image as bytes of shape (height, width, channels), and its own height and width."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise BatchlabError("images are read by Pillow, which is not installed; run make environment") from None
    height, width = sides(options["size"])
    try:
        with Image.open(path) as file:
            if file.mode.startswith(_WIDE):
                raise BatchlabError(f"{path}: has more than 8 bits for each pixel; save it with 8 bits")
            if getattr(file, "n_frames", 1) > 1:
                remarks["images have several frames, of which the first is used"] += 1
            if "transparency" in file.info or file.mode in ("RGBA", "LA", "PA"):
                remarks["images are transparent; what lies below is used as it is"] += 1
            image = ImageOps.exif_transpose(file).convert({"rgb": "RGB", "grey": "L"}[options["colour"]])
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise BatchlabError(f"{path}: is not an intact image ({problem}); mend or remove it") from None
    size = image.height, image.width
    if size != (height, width):
        if options["resize"] == "crop":
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        else:
            image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.uint8)
    return pixels.reshape(height, width, -1), size


def _sizes(found: Mapping[tuple[int, int], int], options: Mapping[str, Any]) -> str:
    """Return what was done with the images, as a text."""
    height, width = sides(options["size"])
    total, kept = sum(found.values()), found.get((height, width), 0)
    smallest, largest = min(found), max(found)
    done = {"stretch": "resized, proportions changed where they differ", "crop": "cropped to the middle and resized"}
    return (
        f"{total:,} in {options['colour']}, brought to {height} × {width}: {kept:,} had this size, {total - kept:,} "
        f"were {done[options['resize']]}; sizes from {smallest[0]} × {smallest[1]} to {largest[0]} × {largest[1]}"
    )
