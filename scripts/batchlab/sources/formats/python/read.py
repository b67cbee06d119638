"""Take examples from a function of the user."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.declarations.source import Input
from batchlab.errors import BatchlabError
from batchlab.sources.contents import Array, Contents
from batchlab.sources.formats.python.declaration import SPLITS, Said, constants
from batchlab.sources.inputs import Wanted, wanted
from batchlab.sources.joined_rows import joined, standardised, told_of_inputs

# What the function returns: examples, targets, and perhaps weights.
_RETURNED = ("examples", "targets", "weights")


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Call `examples(split, seed)` for each part that the file names.

    Args:
        paths: One Python file. Its function returns examples (examples, …) and targets: classes (examples,) from 0 to
            C - 1, numbers (examples, targets), labels of 0 and 1 (examples, labels), or tokens of the examples' own
            shape; one target number may lack its axis. A third value says how much each target counts: (examples,),
            or of the tokens' shape.
        options: `seed`.

    Raises:
        BatchlabError: The function fails, or returns something else than the constants say.
    """
    (path,) = paths
    said = constants(path)
    spec = importlib.util.spec_from_file_location(f"batchlab_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BatchlabError(f"{path}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    found: dict[str, tuple[Any, ...]] = {}
    try:
        spec.loader.exec_module(module)
        for part in (part for part in SPLITS if part in said.sizes):
            found[part] = tuple(map(_arrays, module.examples(part, options["seed"])))
    except Exception as problem:
        raise BatchlabError(f"{path}: examples() failed: {type(problem).__name__}: {problem}") from problem
    inputs = said.inputs(options)
    told = [("Function", f"examples(split, seed = {options['seed']}) of {path.name}")]
    if inputs:
        all_said = [_said_of(each, options) for each in inputs]
        told += told_of_inputs(inputs, all_said, _examples(path, said, "train", found))
        found = {
            part: (joined(inputs, _examples(path, said, part, found), f"{path}: examples({part!r}, …)"), *arrays[1:])
            for part, arrays in found.items()
        }
    parts = {part: _checked(path, said, part, arrays) for part, arrays in found.items()}
    weighted = [part for part, arrays in parts.items() if len(arrays) > 2]
    if weighted and len(weighted) < len(parts):
        other = next(part for part in parts if part not in weighted)
        raise BatchlabError(
            f"{path}: examples({other!r}, …) returned no weights, as examples({weighted[0]!r}, …) did; return some, "
            "such as ones"
        )
    pairs = {part: (arrays[0], arrays[1]) for part, arrays in parts.items()}
    contents = Contents(
        pairs["train"],
        pairs.get("test"),
        said.names or _numbered(said),
        pairs.get("validation"),
        told=tuple(told),
        weights={{"train": "pool"}.get(part, part): parts[part][2] for part in weighted},
    )
    return standardised(contents, inputs, wanted(options), options, str(path))


def _arrays(returned: Any) -> Any:
    """Return what a function returned as an array, or, of several inputs, as arrays by name."""
    if isinstance(returned, Mapping):
        return {name: np.asarray(values) for name, values in returned.items()}
    return np.asarray(returned)


def _said_of(each: Input, options: Mapping[str, Any]) -> Wanted:
    """Return what a campaign says of an input; of most nothing."""
    return next((said for said in wanted(options) if said.name == each.name), Wanted(each.name))


def _examples(path: Path, said: Said, part: str, found: Mapping[str, tuple[Any, ...]]) -> dict[str, Array]:
    """Return the arrays of one part by input.

    Raises:
        BatchlabError: They are not what the constants say.
    """
    where, size = f"{path}: examples({part!r}, …)", said.sizes[part]
    given = found[part][0] if found[part] else None
    if not isinstance(given, dict) or given.keys() != said.shapes.keys():
        got = ", ".join(map(str, given)) if isinstance(given, dict) else type(given).__name__
        raise BatchlabError(
            f"{where} returned examples of {got or 'nothing'}; by INPUT_SHAPE a dict of arrays is expected with "
            f"{', '.join(said.shapes)}"
        )
    for name, array in given.items():
        shape, whole = (size, *said.shapes[name]), name in said.integers
        if array.shape != shape or array.dtype.kind not in ("biu" if whole else "biuf"):
            kind = "whole numbers" if whole else "numbers"
            raise BatchlabError(
                f"{where} returned {name!r} of shape {array.shape}, {array.dtype}; by its sizes {kind} of shape "
                f"{shape} are expected"
            )
        if array.dtype == np.uint8 and not whole:
            raise BatchlabError(
                f"{where} returned {name!r} of uint8, pixels or numbers; divide pixels (… / 255) or name it in INTEGERS"
            )
    return given


def _numbered(said: Said) -> tuple[str, ...]:
    """Return names where the file gives none: classes and tokens are their numbers, targets count from 1."""
    if said.targets in ("classes", "tokens"):
        return ()
    word = "target" if said.targets == "numbers" else "label"
    return tuple(f"{word} {number}" for number in range(1, said.count + 1)) if said.count > 1 else (word,)


def _checked(path: Path, said: Said, part: str, arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return examples, targets and perhaps weights as they are prepared.

    Raises:
        BatchlabError: They are not what the constants say.
    """
    where, size = f"{path}: examples({part!r}, …)", said.sizes[part]
    if len(arrays) not in (2, 3):
        raise BatchlabError(
            f"{where} returned {len(arrays)} values; examples and targets are expected, perhaps weights"
        )
    for what, array in zip(_RETURNED, arrays, strict=False):
        if isinstance(array, dict):
            hint = "; several inputs need INPUT_SHAPE = {name: shape, …}" if what == "examples" else ""
            raise BatchlabError(
                f"{where} returned {what} as a dict of {', '.join(map(str, array))}; an array is expected{hint}"
            )
    if said.targets == "numbers" and said.count == 1 and arrays[1].shape == (size,):
        arrays = (arrays[0], arrays[1][:, None], *arrays[2:])
    x, y = arrays[:2]
    width = {"classes": (), "tokens": said.input_shape}.get(said.targets, (said.count,))
    shapes = ((size, *said.input_shape), (size, *width), (size, *(width if said.targets == "tokens" else ())))
    kinds = ("biuf", "biuf" if said.targets == "numbers" else "biu", "biuf")
    for what, array, shape, kind in zip(_RETURNED, arrays, shapes, kinds, strict=False):
        if array.shape != shape or array.dtype.kind not in kind:
            plain = "numbers" if "f" in kind else "whole numbers"
            raise BatchlabError(
                f"{where} returned {what} of shape {array.shape}, {array.dtype}; by its sizes {plain} of shape {shape} "
                "are expected"
            )
    if said.targets == "tokens":
        if x.dtype.kind == "f":
            raise BatchlabError(f"{where} returned tokens of {x.dtype}; whole numbers are expected")
        x, y = x.astype(np.int32), y.astype(np.int32)
        for what, tokens in zip(_RETURNED, (x, y), strict=False):
            if tokens.min() < 0 or tokens.max() >= said.count:
                raise BatchlabError(
                    f"{where} returned {what} with tokens from {tokens.min()} to {tokens.max()}; by TOKENS 0 to "
                    f"{said.count - 1} are expected"
                )
    if said.targets == "flags" and not np.isin(y, (0, 1)).all():
        raise BatchlabError(f"{where} returned labels other than 0 and 1")
    return x, y, *arrays[2:]
