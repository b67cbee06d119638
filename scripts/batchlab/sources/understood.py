"""What was understood of a data set, in numbers and in words: for the job's log, for the report, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchlab.sources.contents import Array, Contents, Part, stretches
from batchlab.sources.spec import PrepareSpec

# Entries of what was understood, and (what, text) for people.
Understood = tuple[dict[str, Any], list[tuple[str, str]]]

_SPLITS = {
    "end": "validation is the end of the training set",
    "pool": "validation and test set are drawn",
    "train": "the test set is given; validation is drawn",
    "validation": "the validation set is given; the test set is drawn",
    "given": "all three are given",
    "position": "one after the other, training examples first",
}
# Splits of which nothing is drawn.
_NOT_DRAWN = ("end", "given", "position")
# Classes that are listed by name.
_LISTED = 20


def of(
    title: str,
    contents: Contents,
    parts: Mapping[str, Part],
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
        names: Names of the classes, of target numbers, or of tokens.
        scale: Divisor of the stored values.
        spec: Settings of the job.
        filled: Number of gaps that were filled in.

    Returns:
        `title`, `input_shape`, `examples` (by part), `classes` (name → examples by part), `stored` (type, least and
        largest value), `scale`, and `told`: pairs of what and a text, in the order in which they are shown. In place of
        `classes` there are `numbers` (name → mean, deviation, least and largest of the training examples), `labels`
        (name → examples by part), or `tokens` (those that count, by part) and `vocabulary`.
    """
    targets = spec.get("targets", "classes")
    examples = {name: len(part.y) for name, part in parts.items()}
    stored = _stored(contents.pool[0])
    dataset = spec["dataset"]
    split = ", ".join(f"{count:,} {part}" for part, count in examples.items())
    told = [("Data", title), *contents.told]
    alike = ", stratified by class" if targets == "classes" and dataset["split"] not in _NOT_DRAWN else ""
    shape = " × ".join(map(str, spec["input_shape"]))
    told.append(("Examples", f"shape {shape}; {split}: {_SPLITS[dataset['split']]}{alike}"))
    if chosen := dataset.get("examples"):
        share = ", stratified by class" if targets == "classes" else ""
        told.append(("Part", f"{chosen:,} of {spec['examples'][0]:,} training examples{share}"))
    learnt, words = {"classes": _classes, "numbers": _numbers, "flags": _flags, "tokens": _tokens}[targets](
        names, parts
    )
    told += words
    if targets != "tokens":
        told.append(("Scale", _scale(stored, scale, dataset["standardise"])))
    if (weights := parts["train"].weights) is not None:
        told.append(
            ("Weights", f"training targets count {weights.min():g} to {weights.max():g}, {weights.mean():g} on average")
        )
    if filled:
        told.append(("Filled in", f"{filled:,} gaps, by the median of each feature's training examples"))
    return {
        "title": title,
        "input_shape": list(spec["input_shape"]),
        "examples": examples,
        **learnt,
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
    smallest, greatest = (np.nanmin, np.nanmax) if x.dtype.kind == "f" else (np.min, np.max)
    parts = stretches(x) if isinstance(x, np.memmap) else [x]
    limits = [(float(smallest(part)), float(greatest(part))) for part in parts]
    least, largest = (choose(values) for values, choose in zip(zip(*limits, strict=True), (min, max), strict=True))
    return {"type": str(x.dtype), "least": least, "largest": largest}


def _numbers(names: Sequence[str], parts: Mapping[str, Part]) -> Understood:
    y = parts["train"].y
    statistics = {"mean": y.mean(axis=0), "deviation": y.std(axis=0), "least": y.min(axis=0), "largest": y.max(axis=0)}
    found = {
        name: {what: float(values[number]) for what, values in statistics.items()} for number, name in enumerate(names)
    }
    told = []
    for name in names[:_LISTED]:
        text = "{least:g} to {largest:g}, mean {mean:g}, standard deviation {deviation:g}".format(**found[name])
        told.append(("Target", f"{name}: {text}"))
    return {"numbers": found}, told


def _flags(names: Sequence[str], parts: Mapping[str, Part]) -> Understood:
    found = {
        name: {part: int(found.y[:, number].sum()) for part, found in parts.items()}
        for number, name in enumerate(names)
    }
    total = sum(len(part.y) for part in parts.values())
    shares = ", ".join(f"{name} {sum(found[name].values()) / total:.1%}" for name in names[:_LISTED])
    return {"labels": found}, [("Labels", f"{len(names)}, any number of them on an example: {shares}")]


def _tokens(names: Sequence[str], parts: Mapping[str, Part]) -> Understood:
    count = {
        name: part.y.size if part.weights is None else int(np.count_nonzero(part.weights))
        for name, part in parts.items()
    }
    used = ", ".join(f"{number:,} {name}" for name, number in count.items())
    return {"tokens": count, "vocabulary": list(names)}, [("Learnt", f"{used} tokens, each one of {len(names)}")]


def _classes(names: Sequence[str], parts: Mapping[str, Part]) -> Understood:
    counts = {name: np.bincount(part.y, minlength=len(names)).tolist() for name, part in parts.items()}
    classes = {name: {part: count[number] for part, count in counts.items()} for number, name in enumerate(names)}
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    largest = max(range(len(names)), key=total.__getitem__)
    shares = ", ".join(f"{name} {count:,}" for name, count in zip(names[:_LISTED], total[:_LISTED], strict=True))
    more = ", …" if len(names) > _LISTED else ""
    most = f"the most frequent, {names[largest]}, has {total[largest] / sum(total):.1%}"
    return {"classes": classes}, [("Classes", f"{len(names)}: {shares}{more}; {most}")]


def _scale(stored: Mapping[str, Any], scale: float, standardised: bool) -> str:
    values = f"stored values ({stored['type']}, {stored['least']:g} to {stored['largest']:g})"
    if standardised:
        return f"{values} are standardised by the training examples' mean and deviation"
    return f"{values} are used as they are" if scale == 1 else f"{values} are divided by {scale:g}"
