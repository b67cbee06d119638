"""The declaration of a kind of chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchlab.declarations.options import (
    OPTIONAL,
    REQUIRED,
    Choice,
    ColumnName,
    Flag,
    Limits,
    Names,
    Option,
    Renamed,
    RowFilter,
    Text,
)

_DIRECTIONS = {"x": "horizontal", "y": "vertical"}


@dataclass(frozen=True)
class Chart:
    """A kind of chart; its name is that of its folder below `charts/`.

    Attributes:
        summary: What it shows, for the manual.
        options: The keys that it reads beside `chart`, `title`, `caption`, `table` and `where`; others are an error.
        always: Columns that it reads whatever its options name.
        only_drawn: Options that change no number: with another value the figure is drawn again from the same table.
    """

    summary: str
    options: tuple[Option, ...]
    always: tuple[str, ...] = ()
    only_drawn: tuple[str, ...] = ("x_title", "y_title", "x_domain", "y_domain", "own_axes", "names")

    def columns(self, values: Mapping[str, Any]) -> list[str]:
        """Return the columns that it reads with these values of its options, each once."""
        named = [values.get(option.name) for option in self.options if isinstance(option, ColumnName)]
        lists = [[name] if isinstance(name, str) else name for name in named if name is not None]
        return list(dict.fromkeys([*(name for names in lists for name in names), *self.always]))


def colour(default: object = REQUIRED) -> Option:
    """Return the option of the column that colours tell apart."""
    return ColumnName("colour", "column that is told apart by colour; batch sizes have a scale of their own", default)


def axis_texts() -> tuple[Option, ...]:
    """Return the options that replace what the columns give: titles and limits of both axes."""
    return (
        Text("x_title", "title of the horizontal axis", OPTIONAL),
        Text("y_title", "title of the vertical axis", OPTIONAL),
        Limits("x_domain", "limits of the horizontal axis, in its unit", OPTIONAL),
        Limits("y_domain", "limits of the vertical axis, in its unit", OPTIONAL),
    )


def own_axes() -> Option:
    """Return the option that gives each panel a vertical axis of its own, where one would hide another."""
    return Flag("own_axes", "each panel has a vertical axis of its own", False)


def names() -> Option:
    """Return the option that says how a figure writes the names of recipes and other values."""
    return Renamed("names", "what is written in place of values, such as a recipe's name", OPTIONAL)


def spread() -> Option:
    """Return the option that says how the runs of several seeds are shown."""
    return Choice(
        "spread",
        "`interval`: mean with its interval; `seeds`: a thin line for each seed and a thick one for the median, where "
        "few seeds make an interval of no use",
        "interval",
        words=("interval", "seeds"),
    )


def minus() -> Option:
    """Return the option that subtracts reference runs, where curves coincide."""
    return RowFilter("minus", "rows that are subtracted, seed by seed, from the others", OPTIONAL)


def regions() -> Option:
    """Return the option that draws what claims expect."""
    return Names("regions", "claims of the study whose published number or margin is drawn", OPTIONAL)


def scale(axis: str, default: str = "linear") -> Option:
    """Return the option of an axis' scale; powers of two are for the horizontal one."""
    words = ("linear", "log", "log2") if axis == "x" else ("linear", "log")
    return Choice(f"{axis}_scale", f"scale of the {_DIRECTIONS[axis]} axis", default, words=words)
