"""Columns of a table as the inputs of a model that has several.

Standard library only: planning and the job that reads the table agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.declarations.source import Input
from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv.kinds import Columns, place_of
from batchlab.sources.inputs import Wanted, check_said, wanted


def coded(path: Path, options: Mapping[str, Any], names: Sequence[str]) -> frozenset[int]:
    """Return the places of columns whose values become whole numbers from 0."""
    return frozenset(place for each in wanted(options) if each.codes for place in _places(path, each, names))


def _places(path: Path, each: Wanted, names: Sequence[str]) -> list[int]:
    return [place_of(path, f"inputs.{each.name}", item, names) for item in each.of]


def places_of_inputs(path: Path, columns: Columns, options: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return input → places of its columns; nothing where examples are one array.

    Raises:
        BatchlabError: A column is of no input, of two of them, or of none that the table uses.
    """
    inputs = wanted(options)
    check_said(path, inputs, {"axes": "is for arrays; columns lie one after the other"})
    found: dict[str, list[int]] = {}
    owner: dict[int, str] = {}
    for each in inputs:
        if not each.of:
            raise BatchlabError(f"{path}: inputs.{each.name}: name its columns, as in {each.name}: [age, weight]")
        found[each.name] = _places(path, each, columns.names)
        for place in found[each.name]:
            name = columns.names[place]
            if place in owner:
                raise BatchlabError(f"{path}: inputs: the column {name!r} is of {owner[place]} and of {each.name}")
            if place not in columns.kinds:
                raise BatchlabError(
                    f"{path}: inputs.{each.name}: the column {name!r} is no feature (it is the label or the weight, "
                    "counts the rows, is empty, or is left out)"
                )
            owner[place] = each.name
    if inputs and (rest := [columns.names[place] for place in columns.kinds if place not in owner]):
        raise BatchlabError(
            f"{path}: inputs: the column {rest[0]!r} is of none; add it to one, or say leave_out: [{', '.join(rest)}]"
        )
    return found


def inputs_of(
    places: Mapping[str, Sequence[int]], options: Mapping[str, Any], widths: Mapping[int, int]
) -> tuple[Input, ...]:
    """Return the inputs that a table's columns are, in the order of their names.

    Args:
        places: Of the columns of each input.
        options: Options of the format.
        widths: Number of features of each column, by place.
    """
    return tuple(
        Input(
            each.name,
            (sum(widths[place] for place in places[each.name]),),
            "codes" if each.codes else "numbers",
            each.scale or 1.0,
        )
        for each in wanted(options)
    )
