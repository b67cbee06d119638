"""Which arrays of an archive are used, what their axes and numbers mean, and whether they fit together.

Standard library only. It serves planning, which reads headers and labels, and the job that reads the arrays, so that
both agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from batchlab.declarations.source import FileShape
from batchlab.errors import BatchlabError
from batchlab.sources.labels import check_measured, check_repeated, check_several

SPLITS = ("train", "validation", "test")
ROLES = ("x", "y", "w", *(f"{axis}_{split}" for split in SPLITS for axis in "xyw"))

# Words of names of arrays: what an array holds, and for which part.
_HOLDS = {
    **dict.fromkeys(("x", "data", "image", "images", "img", "imgs", "input", "inputs", "feature", "features"), "x"),
    **dict.fromkeys(("y", "label", "labels", "target", "targets", "class", "classes"), "y"),
    **dict.fromkeys(("w", "weight", "weights", "mask", "masks"), "w"),
}
PART = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "te"), "test"),
}
_IMAGES = {"image", "images", "img", "imgs"}
_TOGETHER = re.compile(f"([xy])({'|'.join(PART)})")
# Numbers of channels of images; height and width from which on arrays look like images; and how long such may be.
_CHANNELS, _PIXELS, _LONG = (1, 3, 4), 8, 2
# Largest value from which on whole numbers up to 255 look like pixels.
_BRIGHT = 128

# What the axes of an array of examples are.
Layout = Literal["table", "series", "grey", "images", "channels_first", "channels_first_series"]
# Number of labels by value: a number, a truth value or a text.
Labels = Mapping[Any, int]


@dataclass(frozen=True)
class Values:
    """An array of examples as far as planning knows it.

    Attributes:
        name: Its name in the archive.
        shape: Its shape.
        type: NumPy's type without byte order, such as `u1`.
        least, largest: Of the values looked at; None if there are none.
        whole: Whether the values looked at are whole numbers.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    least: float | None = None
    largest: float | None = None
    whole: bool = False


def words_of(name: str) -> list[str]:
    """Return the words of an array's name in lower case: `X_train` → x, train; `xtest` → x, test."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    if len(words) == 1 and (found := _TOGETHER.fullmatch(words[0])):
        return list(found.groups())
    return words


def role_of(name: str) -> str | None:
    """Return what an array is for by its name, one of `ROLES`, or `None`."""
    words = [word for word in words_of(name) if word != "sample"]
    holds = [_HOLDS[word] for word in words if word in _HOLDS]
    part = [PART[word] for word in words if word in PART]
    if len(holds) != 1 or len(part) > 1 or len(words) != len(holds) + len(part):
        return None
    return "_".join(holds + part)


def arrays_of(names: Iterable[str], path: Path, options: Mapping[str, Any]) -> dict[str, str]:
    """Return role → name of the arrays that are used; `x`, `y` and `w` (weights) become those of `train`.

    Raises:
        BatchlabError: Arrays are missing, or there are some that no role takes.
    """
    present = sorted(names)
    given: Mapping[str, str] = options.get("arrays") or {}
    left_out = options.get("leave_out") or []
    left_out = left_out if isinstance(left_out, list) else [left_out]
    for name in (*given.values(), *left_out):
        if name not in present:
            raise BatchlabError(f"{path}: holds no array {name!r}; it holds: {', '.join(present) or 'nothing'}")
    roles: dict[str, str] = {}
    unused = []
    by_name = {name: role for role, name in given.items()}
    for name in present:
        if name in left_out:
            continue
        role = by_name.get(name) or role_of(name)
        if role is None:
            unused.append(name)
            continue
        role = f"{role}_train" if len(role) == 1 else role
        if role in roles:
            raise BatchlabError(
                f"{path}: {roles[role]} and {name} would both be {role}; leave one out with leave_out: [{name}]"
            )
        roles[role] = name
    held = f"it holds: {', '.join(present) or 'nothing'}"
    if "x_train" not in roles or "y_train" not in roles:
        raise BatchlabError(
            f"{path}: needs the arrays x and y, or x_train, y_train, x_test and y_test; {held}; name others with "
            "arrays: {x: …, y: …}"
        )
    if unused:
        raise BatchlabError(
            f"{path}: would not use {', '.join(unused)}; say leave_out: [{', '.join(unused)}] if that is meant, or "
            f"say what they are with arrays: {{x_test: …, y_test: …}}; {held}"
        )
    for role, name in roles.items():
        partner = ("y" if role[0] == "x" else "x") + role[1:]
        if partner not in roles:
            raise BatchlabError(
                f"{path}: {name} has no {'labels' if role[0] == 'x' else 'examples'} {partner} beside it; add them, or "
                f"say leave_out: [{name}]; {held}"
            )
    return roles


def layout_of(values: Values, where: str, axes: str | None) -> Layout:
    """Return what the axes of an array of examples are.

    Args:
        values: The array.
        where: File and array, for messages.
        axes: What the campaign says.

    Raises:
        BatchlabError: Axes that may mean several things, or are too few or too many.
    """
    shape, rank = values.shape, len(values.shape)
    if 0 in shape or not shape:
        raise BatchlabError(f"{where}: holds no data (shape {shape})")
    if rank not in (2, 3, 4):
        raise BatchlabError(
            f"{where}: shape {shape} is not understood; allowed are (examples, features), (examples, time, features), "
            "(examples, height, width) and (examples, height, width, channels)"
        )
    if rank == 2:
        if axes:
            raise BatchlabError(f"{where}: axes = {axes!r} is for arrays of three or four axes, not of shape {shape}")
        return "table"
    if rank == 3:
        if axes is None and _may_be_images(shape) and values.type != "u1" and not _IMAGES & {*words_of(values.name)}:
            raise BatchlabError(
                f"{where}: shape {shape} may be grey images or series; say axes: images (a channel is added) or axes: "
                "series (examples, time, features: left as it is)"
            )
        images = axes == "images" or (
            axes is None and (values.type == "u1" or bool(_IMAGES & {*words_of(values.name)}))
        )
        return "grey" if images else "channels_first_series" if axes == "channels_first" else "series"
    if axes == "channels_first":
        return "channels_first"
    if axes == "series":
        raise BatchlabError(f"{where}: axes = 'series' is for arrays of three axes, not of shape {shape}")
    first_channels = shape[1] in _CHANNELS and min(shape[2:]) >= _PIXELS
    if axes is None and first_channels and shape[3] not in _CHANNELS:
        raise BatchlabError(
            f"{where}: shape {shape} looks like channels before height and width; say axes: channels_first (they are "
            "moved to the end) or axes: images (they are at the end)"
        )
    return "images"


def _may_be_images(shape: Sequence[int]) -> bool:
    return min(shape[1:]) >= _PIXELS and max(shape[1:]) <= _LONG * min(shape[1:])


def input_shape(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    """Return the shape of one example as models get it."""
    if layout == "grey":
        return (*shape[1:], 1)
    if layout in ("channels_first", "channels_first_series"):
        return (*shape[2:], shape[1])
    return shape[1:]


def scale_of(values: Values, where: str, layout: Layout) -> float | None:
    """Return the divisor of stored values, or `None` for the default of their type; it is not guessed.

    Images of bytes that reach into the upper half are pixels. Bytes in a table are numbers as they are.

    Raises:
        BatchlabError: Values that may be pixels or numbers.
    """
    images, largest = layout in ("grey", "images", "channels_first"), values.largest
    if largest is None or values.least is None:
        return None
    pixels = values.least >= 0 and _BRIGHT <= largest <= 255
    bytes_ = values.type == "u1"
    if images and bytes_ and pixels:
        return None
    if not images and bytes_ and not pixels:
        return 1.0
    if (bytes_ or images) and values.whole and (pixels or bytes_):
        kind = "bytes" if bytes_ else "whole numbers"
        own = f", or scale: {largest:g} (its largest value)" if images and largest > 1 and not pixels else ""
        raise BatchlabError(
            f"{where}: holds {kind} from {values.least:g} to {largest:g}, pixels or numbers as they are; say scale: "
            f"255 (they are divided by 255) or scale: 1{own}"
        )
    return None


def check_label_shape(shape: tuple[int, ...], where: str) -> bool:
    """Return whether labels are one-hot: (examples, classes); others have the shape (examples,) or (examples, 1).

    Raises:
        BatchlabError: Another shape.
    """
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return False
    if len(shape) == 2 and shape[1] > 1:
        return True
    raise BatchlabError(f"{where}: labels must have the shape (examples,) or (examples, classes), not {shape}")


def one_hot_fault(where: str, row: int, values: Sequence[float]) -> BatchlabError:
    """Return the error for a row of one-hot labels that is none."""
    found = ", ".join(f"{value:g}" for value in values[:8]) + (", …" if len(values) > 8 else "")
    return BatchlabError(
        f"{where}: row {row} holds {found}; of one-hot labels exactly one is 1 and the others are 0; say labels: "
        "flags if any number may be 1, or labels: numbers"
    )


def classes_of(labels: Mapping[str, Labels], roles: Mapping[str, str], path: Path, said: str | None) -> list[Any]:
    """Return the distinct labels of the training set in the order of their class numbers.

    Args:
        labels: Number of examples by label, by role.
        roles: Role → name of the array.
        path: The archive, for messages.
        said: Value of the key `labels`.

    Raises:
        BatchlabError: Fewer than two classes, labels that look like measurements, or unknown ones in another part.
    """
    own, where = labels["y_train"], f"{path}: {roles['y_train']}"
    for role, found in labels.items():
        if any(value != value for value in found):
            raise BatchlabError(f"{path}: {roles[role]}: holds NaN; leave out examples without a label")
    distinct = sorted(own)
    check_several([str(plain_label(label)) for label in distinct], where)
    if not isinstance(distinct[0], str):
        check_measured(own, where, said)
    check_repeated(sum(own.values()), len(distinct), where)
    for role, found in labels.items():
        if unknown := sorted(set(found) - set(own)):
            label = plain_label(unknown[0])
            raise BatchlabError(f"{path}: {roles[role]} holds the label {label}, which no training example has")
    return distinct


def plain_label(label: Any) -> Any:
    """Return a label as people write it: 1.0 as 1."""
    return int(label) if isinstance(label, float) and label == int(label) else label


def shape_of(
    path: Path,
    roles: Mapping[str, str],
    values: Mapping[str, Values],
    labels: Mapping[str, Labels],
    options: Mapping[str, Any],
    outputs: int = 0,
) -> tuple[FileShape, Layout, list[Any]]:
    """Return what an archive holds, the layout of its examples and the classes, after checking that all fit together.

    Args:
        path: The archive, for messages.
        roles: Role → name of the array.
        values: Arrays of examples by role.
        labels: Number of examples by label, by role; none where no classes are learnt.
        options: Options of the format.
        outputs: Number of what is learnt then.
    """
    train = values["x_train"]
    layout = layout_of(train, f"{path}: {roles['x_train']}", options.get("axes"))
    shapes = {}
    for role, found in values.items():
        if 0 in found.shape or not found.shape:
            raise BatchlabError(f"{path}: {roles[role]}: holds no data (shape {found.shape})")
        partner = "y" + role[1:]
        count = sum(labels[partner].values()) if labels else found.shape[0]
        if count != found.shape[0]:
            raise BatchlabError(
                f"{path}: {roles[role]} has {found.shape[0]} examples, {roles[partner]} has {count} labels"
            )
        shapes[roles[role]] = found.shape[1:]
    if len(set(shapes.values())) > 1:
        raise BatchlabError(f"{path}: {' and '.join(shapes)} hold examples of different shapes: {shapes}")
    if len({found.type == "u1" for found in values.values()}) > 1:
        raise BatchlabError(
            f"{path}: one of {', '.join(shapes)} holds bytes (uint8), the other does not; save all alike"
        )
    said = options.get("labels")
    classes = classes_of(labels, roles, path, said) if labels else []
    told = options.get("scale") or said == "tokens"
    scale = None if told else scale_of(train, f"{path}: {roles['x_train']}", layout)
    sizes = {split: values[f"x_{split}"].shape[0] for split in SPLITS if f"x_{split}" in values}
    shape = FileShape(
        sizes["train"],
        sizes.get("test"),
        input_shape(train.shape, layout),
        len(classes) if labels else outputs,
        sizes.get("validation"),
        scale,
        targets=said or "classes",
    )
    return shape, layout, classes
