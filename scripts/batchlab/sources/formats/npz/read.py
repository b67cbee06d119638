"""Read NumPy's archives of arrays. Pickles, which can run any code, are not read."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.declarations.source import Targets
from batchlab.errors import BatchlabError
from batchlab.sources.contents import NPZ_PROBLEMS, Array, Contents, Pair
from batchlab.sources.formats.npz.arrays import (
    SPLITS,
    Labels,
    Layout,
    Values,
    arrays_of,
    check_label_shape,
    one_hot_fault,
    plain_label,
    shape_of,
)
from batchlab.sources.formats.npz.several import Parts, arrays_of_inputs, shape_of_inputs
from batchlab.sources.formats.npz.targets import check_weights, outputs_of
from batchlab.sources.inputs import wanted
from batchlab.sources.joined_rows import joined, standardised, told_of_inputs


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return the examples and targets of an archive, and its own validation and test set where it has them.

    Class labels become the numbers of their classes in the order of their values; one-hot labels the place of their 1.

    Args:
        paths: One file.
        options: Complete options of the format.
    """
    (path,) = paths
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            inputs = wanted(options)
            if inputs:
                parts, roles = arrays_of_inputs(names, path, inputs, options)
                several = {
                    name: {role: _array(archive, array) for role, array in own.items()} for name, own in parts.items()
                }
            else:
                roles = arrays_of(names, path, options)
            arrays = {role: _array(archive, name) for role, name in roles.items()}
    except NPZ_PROBLEMS as problem:
        raise BatchlabError(f"{path}: cannot be read as arrays of numbers ({_first_line(problem)})") from None
    values: dict[str, Values] = {}
    labels: dict[str, Labels] = {}
    targets: Targets = options.get("labels") or "classes"
    one_hot = False
    for role, found in arrays.items():
        where = f"{path}: {roles[role]}"
        kinds = "biufUS" if role[0] == "y" and targets == "classes" else "biuf"
        if found.dtype.kind not in kinds:
            raise BatchlabError(f"{where}: must hold plain numbers, not {found.dtype}")
        if role[0] != "y" or targets != "classes":
            values[role] = _described(roles[role], found, bool(role[0] == "y" or targets == "tokens"))
        else:
            one_hot = check_label_shape(found.shape, where)
            arrays[role] = _places(found, where) if one_hot else _plain(found)
            distinct, counts = np.unique(arrays[role], return_counts=True)
            labels[role] = dict(zip(distinct.tolist(), counts.tolist(), strict=True))
    outputs = outputs_of(path, values, targets) if targets != "classes" else 0
    examples, weights = ({role: each for role, each in values.items() if role[0] == axis} for axis in "xw")
    check_weights(path, examples, weights, targets)
    pairs: dict[str, Pair] = {}

    def pair(split: str, x: Array) -> None:
        y = arrays[f"y_{split}"]
        pairs[split] = x, np.searchsorted(np.array(classes), y) if targets == "classes" else y.reshape(len(y), -1)

    if inputs:
        found_of = {
            name: {role: _described(parts[name][role], found, False) for role, found in own.items()}
            for name, own in several.items()
        }
        _check_plain(path, parts, several)
        shape, layouts, classes = shape_of_inputs(path, inputs, parts, roles, found_of, labels, options, outputs)
        for split in (split for split in SPLITS if f"x_{split}" in arrays):
            own = {name: _laid_out(found[f"x_{split}"], layouts[name]) for name, found in several.items()}
            pair(split, joined(shape.inputs, own, f"{path}: {split} set"))
        axes = [(f"Axes of {name}", _LAYOUTS[layout]) for name, layout in layouts.items()]
        train = {name: found["x_train"] for name, found in several.items()}
        told = (*_used(roles, parts, arrays), *axes, *told_of_inputs(shape.inputs, inputs, train))
    else:
        shape, layout, classes = shape_of(path, roles, examples, labels, options, outputs)
        for split in (split for split in SPLITS if f"x_{split}" in arrays):
            x = _laid_out(arrays[f"x_{split}"], layout)
            x = x.astype(np.int32) if targets == "tokens" else x
            pair(split, x.reshape(len(x), *shape.input_shape))
        told = _used(roles, {}, arrays)
        if targets != "tokens":
            told = (*told, ("Axes", _LAYOUTS[layout]))
    contents = Contents(
        pairs["train"],
        pairs.get("test"),
        tuple(str(plain_label(label)) for label in classes),
        pairs.get("validation"),
        (*told, *_told(one_hot, options)),
        weights=_weights(arrays, pairs),
    )
    return standardised(contents, shape.inputs, inputs, options, str(path))


def _laid_out(x: Array, layout: Layout) -> Array:
    """Return an array with the axes in which models get it."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if layout.startswith("channels_first") else x


def _check_plain(path: Path, parts: Parts, several: Mapping[str, Mapping[str, Array]]) -> None:
    """Raise unless the arrays of inputs hold plain numbers."""
    for name, own in several.items():
        for role, found in own.items():
            if found.dtype.kind not in "biuf":
                raise BatchlabError(f"{path}: {parts[name][role]}: must hold plain numbers, not {found.dtype}")


def _described(name: str, found: Array, values: bool) -> Values:
    """Return what is known of an array; its values only if they matter (the scale was decided by planning)."""
    kind = found.dtype.str[1:]
    if not values or not found.size or found.dtype.kind == "b":
        return Values(name, found.shape, kind)
    whole = found.dtype.kind in "iu" or bool((found == np.floor(found)).all())
    return Values(name, found.shape, kind, float(found.min()), float(found.max()), whole)


def _weights(arrays: Mapping[str, Array], pairs: Mapping[str, Pair]) -> dict[str, Array]:
    """Return the weights of each part; 1 for a part without, beside parts that have some."""
    if not any(role[0] == "w" for role in arrays):
        return {}
    return {
        {"train": "pool"}.get(split, split): arrays.get(f"w_{split}", np.ones(len(pair[1])))
        for split, pair in pairs.items()
    }


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    """Return one array; its member is read to the end, where its checksum is compared.

    Raises:
        NPZ_PROBLEMS: The member is damaged.
    """
    with archive.open(f"{name}.npy") as member:
        found: Array = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):
            raise ValueError(f"{name} holds more than its header says")
    return found


def _plain(labels: Array) -> Array:
    """Return labels as a vector of numbers, truth values or texts."""
    labels = labels.reshape(-1)
    return np.char.decode(labels, "utf-8") if labels.dtype.kind == "S" else labels


def _places(labels: Array, where: str) -> Array:
    """Return the place of the 1 in each row of one-hot labels."""
    if labels.dtype.kind in "US":
        raise BatchlabError(f"{where}: labels of text must have the shape (examples,), not {labels.shape}")
    good = ((labels == 1).sum(axis=1) == 1) & ((labels == 0).sum(axis=1) == labels.shape[1] - 1)
    if not good.all():
        row = int(np.argmin(good))
        raise one_hot_fault(where, row, labels[row].tolist())
    return labels.argmax(axis=1)


_LAYOUTS = {
    "table": "a table of features",
    "series": "series (time, features), as stored",
    "grey": "grey images, to which a channel is added",
    "images": "images (height, width, channels), as stored",
    "channels_first": "images whose channels are moved to the end",
    "channels_first_series": "series whose features are moved to the end",
}


def _used(roles: Mapping[str, str], parts: Parts, arrays: Mapping[str, Array]) -> tuple[tuple[str, str], ...]:
    """Return which arrays are used, with their lengths."""
    of_inputs = {name: role for own in parts.values() for role, name in own.items()}
    named = {**of_inputs, **{name: role for role, name in roles.items()}}
    return (("Arrays", ", ".join(f"{name} ({len(arrays[role]):,})" for name, role in named.items())),)


def _told(one_hot: bool, options: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what else was understood, as (what, text) for people."""
    told = [("Labels", "one-hot; a class is the place of its 1")] if one_hot else []
    if left_out := options.get("leave_out"):
        names = left_out if isinstance(left_out, list) else [left_out]
        told.append(("Left out", f"{', '.join(names)}: as the campaign says"))
    return tuple(told)


def _first_line(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
