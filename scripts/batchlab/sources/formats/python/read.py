"""Take examples from a function of the user."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources.contents import Contents, Pair
from batchlab.sources.formats.python.declaration import SPLITS, inspect


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Call `examples(split, seed)` for each part that the file names.

    Args:
        paths: One Python file. Its function returns examples (examples, …) and labels (examples,) from 0 to C - 1.
        options: `seed`.
    """
    (path,) = paths
    shape = inspect(path, options)
    sizes = dict(zip(SPLITS, (shape.examples, shape.examples_validation, shape.examples_test), strict=True))
    spec = importlib.util.spec_from_file_location(f"batchlab_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BatchlabError(f"{path}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    pairs: dict[str, Pair] = {}
    try:
        spec.loader.exec_module(module)
        for part in SPLITS:
            if sizes[part] is not None:
                x, y = module.examples(part, options["seed"])
                pairs[part] = np.asarray(x), np.asarray(y)
    except Exception as problem:
        raise BatchlabError(f"{path}: examples() failed: {type(problem).__name__}: {problem}") from problem
    for part, (x, y) in pairs.items():
        if x.shape != (sizes[part], *shape.input_shape) or y.shape != (sizes[part],) or y.dtype.kind not in "iu":
            raise BatchlabError(
                f"{path}: examples({part!r}, …) returned {x.shape} and {y.shape} of {y.dtype}; by its sizes "
                f"{(sizes[part], *shape.input_shape)} and whole numbers of shape {(sizes[part],)} are expected"
            )
        if x.dtype.kind not in "biuf":
            raise BatchlabError(f"{path}: examples({part!r}, …) returned examples of {x.dtype}, not plain numbers")
    told = (("Function", f"examples(split, seed = {options['seed']}) of {path.name}"),)
    return Contents(pairs["train"], pairs.get("test"), validation=pairs.get("validation"), told=told)
