"""Targets that are no classes, and weights: whether the arrays of an archive fit together.

Standard library only: planning and the job that reads the arrays agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from batchlab.declarations.source import Targets
from batchlab.errors import BatchlabError
from batchlab.sources.formats.npz.arrays import Values


def outputs_of(path: Path, values: Mapping[str, Values], targets: Targets) -> int:
    """Return the number of target numbers, of labels, or of different tokens.

    Args:
        path: The archive, for messages.
        values: Arrays of examples (`x_…`) and targets (`y_…`) by role; of tokens all values have been looked at.
        targets: What is learnt, not classes.

    Raises:
        BatchlabError: Shapes or values that do not fit.
    """
    found = {role: each for role, each in values.items() if role[0] == "y"}
    for role, each in found.items():
        where, x = f"{path}: {each.name}", values["x" + role[1:]]
        shape, wanted = each.shape, f"of shape ({x.shape[0]},) or ({x.shape[0]}, targets)"
        if targets == "tokens":
            fits, wanted = shape == x.shape and len(shape) == 2, f"of the shape of {x.name}, (examples, length)"
        elif targets == "flags":
            fits, wanted = len(shape) == 2 and shape[1] > 1, f"of shape ({x.shape[0]}, labels)"
        else:
            fits = 1 <= len(shape) <= 2
        if not fits or shape[0] != x.shape[0]:
            raise BatchlabError(f"{where}: has the shape {shape}; labels: {targets} needs targets {wanted}")
        _check_values(where, each, targets)
        if targets == "tokens":
            _check_values(f"{path}: {x.name}", x, targets)
    train = found["y_train"]
    if targets == "tokens":
        own, whole = (
            max(int(each.largest or 0) for role, each in values.items() if role.endswith(part))
            for part in ("_train", "")
        )
        if whole > own:
            raise BatchlabError(
                f"{path}: holds the token {whole}, but training examples only tokens up to {own}; give such tokens one "
                "number that training examples have"
            )
        return own + 1
    widths = {each.shape[1:] or (1,) for each in found.values()}
    if len(widths) > 1:
        raise BatchlabError(f"{path}: {' and '.join(each.name for each in found.values())} differ in their targets")
    return train.shape[1] if len(train.shape) == 2 else 1


def _check_values(where: str, found: Values, targets: Targets) -> None:
    """Raise unless values, as far as they were looked at, are what the targets need."""
    if found.least is None or found.largest is None:
        return
    if targets == "flags" and not (found.whole and found.least >= 0 and found.largest <= 1):
        raise BatchlabError(
            f"{where}: holds numbers from {found.least:g} to {found.largest:g}; labels: flags needs 0 and 1"
        )
    if targets == "tokens" and not (found.whole and found.least >= 0):
        raise BatchlabError(
            f"{where}: holds numbers from {found.least:g} to {found.largest:g}; tokens are whole numbers from 0"
        )


def check_weights(path: Path, values: Mapping[str, Values], weights: Mapping[str, Values], targets: Targets) -> None:
    """Raise unless weights have a number for each example, or for each token of it.

    Args:
        path: The archive, for messages.
        values: Arrays of examples by role.
        weights: Arrays of weights (`w_…`) by role.
        targets: What is learnt.
    """
    for role, each in weights.items():
        x = values["x" + role[1:]]
        wanted = x.shape if targets == "tokens" else x.shape[:1]
        if each.shape != wanted:
            raise BatchlabError(f"{path}: {each.name}: weights of shape {each.shape}; {wanted} is expected")
        if each.least is not None and each.least < 0:
            raise BatchlabError(f"{path}: {each.name}: holds {each.least:g}; weights are numbers from 0 on")
    if targets == "tokens" and weights:
        for role, each in values.items():
            if role[0] == "x" and "w" + role[1:] not in weights:
                raise BatchlabError(f"{path}: {each.name} has no weights beside it, as other parts have; add them")
