"""What was understood of a data set, in numbers and in words: for the job's log, for the report, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchlab.sources.contents import Array, Contents, Pair
from batchlab.sources.spec import PrepareSpec

_SPLITS = {
    "end": "validation is the end of the training set",
    "pool": "validation and test set are drawn, stratified by class",
    "train": "the test set is given; validation is drawn, stratified by class",
    "validation": "the validation set is given; the test set is drawn, stratified by class",
    "given": "all three are given",
}
# Classes that are listed by name.
_LISTED = 20


def of(
    title: str,
    contents: Contents,
    parts: Mapping[str, Pair],
    names: Sequence[str],
    scale: float,
    spec: PrepareSpec,
    filled: int,
) -> dict[str, Any]:
    """Return what was understood, as plain JSON types.

    Args:
        title: Name of the set or of the file.
        contents: What the reader returned.
        parts: Training, validation and test examples.
        names: Names of the classes.
        scale: Divisor of the stored values.
        spec: Settings of the job.
        filled: Number of gaps that were filled in.

    Returns:
        `title`, `input_shape`, `examples` (by part), `classes` (name → examples by part), `stored` (type, least and
        largest value), `scale`, and `told`: pairs of what and a text, in the order in which they are shown.
    """
    counts = {part: np.bincount(y, minlength=len(names)).tolist() for part, (_, y) in parts.items()}
    classes = {name: {part: count[number] for part, count in counts.items()} for number, name in enumerate(names)}
    examples = {part: len(y) for part, (_, y) in parts.items()}
    stored = _stored(contents.pool[0])
    dataset = spec["dataset"]
    split = ", ".join(f"{count:,} {part}" for part, count in examples.items())
    told = [("Data", title), *contents.told]
    told.append(
        ("Examples", f"shape {' × '.join(map(str, spec['input_shape']))}; {split}: {_SPLITS[dataset['split']]}")
    )
    if chosen := dataset.get("examples"):
        told.append(("Part", f"{chosen:,} of {spec['examples'][0]:,} training examples, stratified by class"))
    told.append(("Classes", _classes(names, counts)))
    told.append(("Scale", _scale(stored, scale, dataset["standardise"])))
    if filled:
        told.append(("Filled in", f"{filled:,} gaps, by the median of each feature's training examples"))
    return {
        "title": title,
        "input_shape": list(spec["input_shape"]),
        "examples": examples,
        "classes": classes,
        "stored": stored,
        "scale": float(scale),
        "standardised": bool(dataset["standardise"]),
        "told": [list(pair) for pair in told],
    }


def lines(known: Mapping[str, Any]) -> str:
    """Return what was understood as a text of several lines."""
    return "\n".join(f"{what}: {text}" for what, text in known["told"])


def _stored(x: Array) -> dict[str, Any]:
    if x.size == 0:
        return {"type": str(x.dtype), "least": None, "largest": None}
    least, largest = (np.nanmin(x), np.nanmax(x)) if x.dtype.kind == "f" else (x.min(), x.max())
    return {"type": str(x.dtype), "least": float(least), "largest": float(largest)}


def _classes(names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> str:
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    largest = max(range(len(names)), key=total.__getitem__)
    shares = ", ".join(f"{name} {count:,}" for name, count in zip(names[:_LISTED], total[:_LISTED], strict=True))
    more = ", …" if len(names) > _LISTED else ""
    return f"{len(names)}: {shares}{more}; the most frequent, {names[largest]}, has {total[largest] / sum(total):.1%}"


def _scale(stored: Mapping[str, Any], scale: float, standardised: bool) -> str:
    values = f"stored values ({stored['type']}, {stored['least']:g} to {stored['largest']:g})"
    if standardised:
        return f"{values} are standardised by the training examples' mean and deviation"
    return f"{values} are used as they are" if scale == 1 else f"{values} are divided by {scale:g}"
