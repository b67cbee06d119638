"""The inputs of a model that has several, as a campaign says them, and where they lie in the row of an example.

Standard library only: planning and the job that prepares the data agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.declarations.source import Input
from batchlab.errors import BatchlabError

# Largest whole number up to which single precision holds all: integers reach the model through it.
LARGEST = 1 << 24


@dataclass(frozen=True)
class Wanted:
    """What a campaign says of one input.

    Attributes:
        name: Its name.
        of: Name of its array, or columns; empty where the source knows.
        scale: Divisor of the stored values, if it is said.
        standardise: Whether it gets mean 0 and deviation 1 over the training examples.
        codes: Whether columns of words become one whole number each.
        axes: What follows the first axis of its array, if it is said.
    """

    name: str
    of: tuple[str | int, ...] = ()
    scale: float | None = None
    standardise: bool = False
    codes: bool = False
    axes: str | None = None

    @property
    def plain(self) -> dict[str, Any]:
        """What is said, as it identifies the data: one way of writing for each meaning."""
        said = {"of": list(self.of), "standardise": self.standardise, "codes": self.codes, "axes": self.axes}
        return {key: value for key, value in {**said, "scale": self.scale}.items() if value}


def wanted(options: Mapping[str, Any]) -> tuple[Wanted, ...]:
    """Return what a campaign says of each input, in the order of their names; nothing where examples are one array."""
    found = []
    for name, value in sorted((options.get("inputs") or {}).items()):
        said = dict(value) if isinstance(value, dict) else {"of": value}
        of = said.pop("of", ())
        of = of if isinstance(of, list | tuple) else [of]
        scale = said.pop("scale", None)
        found.append(Wanted(name, tuple(of), None if scale is None else float(scale), **said))
    return tuple(found)


def check_said(path: Path, inputs: Iterable[Wanted], without: Mapping[str, str]) -> None:
    """Raise unless what is said of inputs means something for a format.

    Args:
        path: The file, for messages.
        inputs: The inputs.
        without: Key of an input → why it means nothing here.

    Raises:
        BatchlabError: It does not, or contradicts itself.
    """
    for each in inputs:
        for key, why in without.items():
            if each.plain.get(key):
                raise BatchlabError(f"{path}: inputs.{each.name}.{key}: {why}")
        if each.codes and (each.standardise or each.scale is not None):
            raise BatchlabError(
                f"{path}: inputs.{each.name}: codes stand for words and are neither scaled nor standardised; say codes "
                "alone"
            )


def width(inputs: Iterable[Input]) -> int:
    """Return how many numbers the row of an example has."""
    return sum(math.prod(each.shape) for each in inputs)


def stretches(inputs: Iterable[Input]) -> Iterator[tuple[Input, slice]]:
    """Yield each input with its place in the row of an example."""
    start = 0
    for each in inputs:
        stop = start + math.prod(each.shape)
        yield each, slice(start, stop)
        start = stop
