"""Read NumPy's archives of arrays. Pickles, which can run any code, are not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources.contents import NPZ_PROBLEMS, Contents
from batchlab.sources.formats.npz.arrays import POOL, arrays_of, check_label_shape, shape_of


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return the arrays x and y, or x_train, y_train, x_test and y_test, of an archive.

    Examples have the shape (examples, features) or (examples, height, width, channels); labels (examples,).

    Args:
        paths: One file.
        options: None is read here.
    """
    (path,) = paths
    try:
        with np.load(path, allow_pickle=False) as archive:
            used = arrays_of(archive.files, path)
            arrays = {name: archive[name] for name in used}
    except NPZ_PROBLEMS as problem:
        raise BatchlabError(f"{path}: cannot be read as arrays of numbers ({_first_line(problem)})") from None
    labels: dict[str, tuple[int, set[int]]] = {}
    for name in used:
        if not isinstance(arrays[name], np.ndarray):  # NumPy returns a member that is not an array as bytes
            raise BatchlabError(f"{path}: {name}: is not an array in NumPy's format; save it again with numpy.savez")
        kinds, wanted = ("iu", "integers 0 to C-1") if name[0] == "y" else ("biuf", "plain numbers")
        if arrays[name].dtype.kind not in kinds:
            raise BatchlabError(f"{path}: {name}: must hold {wanted}, not {arrays[name].dtype}")
        if name[0] == "y":
            check_label_shape(arrays[name].shape, f"{path}: {name}")
            arrays[name] = arrays[name].reshape(-1)
            labels[name] = len(arrays[name]), set(np.unique(arrays[name]).tolist())
    shape = shape_of(path, {name: arrays[name].shape for name in used if name[0] == "x"}, labels)
    arrays |= {name: arrays[name].reshape(len(arrays[name]), *shape.input_shape) for name in used if name[0] == "x"}
    if used == POOL:
        return Contents((arrays["x"], arrays["y"]))
    return Contents((arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"]))


def _first_line(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
