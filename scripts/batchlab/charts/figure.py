"""One figure as jobs know it: the common part, and the options of its kind of chart. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchlab.declarations.columns import Column
from batchlab.tables.contract import columns_from


@dataclass(frozen=True)
class Figure:
    """The settings of one figure.

    Attributes:
        study: Study that the figure belongs to.
        name: Name inside the study.
        options: Options that its kind of chart declares, complete; absent ones are None.
        columns: The columns that it names, as far as the job uses them.
        tells: Columns that tell arms apart, in the order in which a reader would want them told apart.
        title: Heading.
        batch_sizes: All batch sizes of the campaign, the domain of their colours.
        identity: Digest of the training behind the tables, printed in the figure.
    """

    study: str
    name: str
    options: Mapping[str, Any]
    columns: Mapping[str, Column]
    tells: tuple[str, ...] = ()
    title: str = ""
    batch_sizes: tuple[int, ...] = ()
    identity: str = ""

    @property
    def where_it_is(self) -> str:
        """How messages name this figure."""
        return f"figure {self.study}/{self.name}"

    @property
    def x(self) -> str:
        """The column along the horizontal axis."""
        return str(self.options["x"])

    @property
    def y(self) -> tuple[str, ...]:
        """The columns along the vertical axis."""
        named = self.options["y"]
        return (named,) if isinstance(named, str) else tuple(named)

    @property
    def colour(self) -> str | None:
        """The column that colours tell apart."""
        return self.options.get("colour")

    @property
    def dash(self) -> str | None:
        """The column that dashes tell apart."""
        return self.options.get("dash")

    @property
    def facet(self) -> str | None:
        """The column with one panel for each value."""
        return self.options.get("facet")

    def option(self, name: str) -> Any:
        """Return the value of an option, None where it is absent."""
        return self.options.get(name)

    def column(self, name: str) -> Column:
        """Return a column; one that nobody declares has its name alone."""
        return self.columns.get(name) or Column(name)

    def groups(self, *more: str | None) -> list[str]:
        """Return the columns that tell groups apart: panels, colours, dashes and `more`, each once."""
        named = (self.facet, self.colour, self.dash, *more)
        return list(dict.fromkeys(column for column in named if column is not None))

    def changed(self, **options: Any) -> Figure:
        """Return the figure with some options changed."""
        return replace(self, options={**self.options, **options})


def figure_from(spec: Mapping[str, Any]) -> Figure:
    """Return the figure that the spec of a job describes, see `batchlab.charts.planned`."""
    return Figure(
        study=spec["study"],
        name=spec["name"],
        options=spec["options"],
        columns=columns_from(spec["columns"]),
        tells=tuple(spec.get("tells", ())),
        title=spec.get("title", ""),
        batch_sizes=tuple(spec.get("batch_sizes", ())),
        identity=spec.get("identity", ""),
    )
