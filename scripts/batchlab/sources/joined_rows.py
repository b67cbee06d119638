"""Rows of examples in which the inputs of a model lie side by side, in the order of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchlab.declarations.source import Input
from batchlab.errors import BatchlabError
from batchlab.sources.contents import Array, Contents
from batchlab.sources.inputs import LARGEST, Wanted, stretches
from batchlab.sources.prepare import standardise_inputs

# Types all of whose values single precision holds.
_SINGLE = ("bool", "uint8", "int8", "uint16", "int16", "float16", "float32")


def joined(inputs: Sequence[Input], arrays: Mapping[str, Array], where: str) -> Array:
    """Return the rows of one part, values divided by the scale of their input.

    Rows are in single precision if that holds every value. A quotient is kept in double precision: rounded to single
    precision it is the quotient that single precision gives.

    Args:
        inputs: In the order of their names.
        arrays: Values by input, shape (examples, *shape of the input).
        where: File and part, for messages.

    Raises:
        BatchlabError: A whole number is too large to lie beside numbers.
    """
    columns = []
    for each in inputs:
        values = arrays[each.name].reshape(len(arrays[each.name]), -1)
        if each.holds != "numbers":
            _check_size(values, f"{where}: inputs.{each.name}")
            values = values.astype(np.float32)
        elif each.scale != 1:
            values = values.astype(np.float64) / each.scale
        columns.append(values.astype(np.float32 if values.dtype.name in _SINGLE else np.float64))
    return np.concatenate(columns, axis=1)


def _check_size(values: Array, where: str) -> None:
    """Raise if single precision does not hold a whole number: the model would get another one."""
    for found in (values.max(initial=0), values.min(initial=0)):
        if abs(int(found)) > LARGEST:
            raise BatchlabError(
                f"{where}: holds {int(found)}, and whole numbers reach a model with several inputs up to {LARGEST:,}; "
                "number from 0 what they name, or save measurements as float64"
            )


def told_of_inputs(
    inputs: Sequence[Input], wanted: Sequence[Wanted], arrays: Mapping[str, Array]
) -> tuple[tuple[str, str], ...]:
    """Return what was understood of each input, as (what, text) for people.

    Args:
        inputs: In the order of their names.
        wanted: What the campaign says of them.
        arrays: Values of the training examples, or of the pool, before they are divided or standardised.
    """
    told = []
    for each, said in zip(inputs, wanted, strict=True):
        values = arrays[each.name]
        name = np.dtype(values.dtype).name
        kind = {"numbers": name, "integers": f"whole numbers ({name})", "codes": "whole numbers that stand for words"}
        limits = ""
        if values.size:
            least, largest = (
                (np.nanmin(values), np.nanmax(values)) if name.startswith("f") else (values.min(), values.max())
            )
            limits = f", {float(least):g} to {float(largest):g}"
        done = "as they are" if each.scale == 1 else f"divided by {each.scale:g}"
        done = "standardised by the training examples' mean and deviation" if said.standardise else done
        of = f" from {', '.join(map(str, said.of))}" if said.of else ""
        shape = " × ".join(map(str, each.shape))
        told.append((f"Input {each.name}", f"shape {shape}{of}: {kind[each.holds]}{limits}, {done}"))
    return tuple(told)


def standardised(
    contents: Contents, inputs: Sequence[Input], wanted: Sequence[Wanted], options: Mapping[str, Any], where: str
) -> Contents:
    """Return contents in which the inputs that are to be standardised are, if there are any.

    Args:
        contents: What a reader made, in rows.
        inputs: In the order of their names.
        wanted: What the campaign says of them.
        options: Options of the format; `split` says how the training examples are taken.
        where: The file, for messages.
    """
    names = [each.name for each in wanted if each.standardise]
    chosen = [(each, place) for each, place in stretches(inputs) if each.name in names]
    return standardise_inputs(contents, options["split"], chosen, where) if chosen else contents
