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
        chosen: Columns in which the data choose one of several arms, seed by seed; their values tell nothing apart.
        title: What it shows, in neutral words.
        finding: The sentence that a claim's verdict says of this campaign's numbers; the heading, where there is one.
        setting: Data set, model, optimizer and learning rate of the runs.
        campaign: Name of the campaign.
        batch_sizes: All batch sizes of the campaign, the domain of their colours.
        identity: Digest of the training behind the tables, printed in the figure.
        changes: Epochs at which an arm changes its batch size or learning rate.
        regions: What was published, or is allowed as a margin, see `batchlab.charts.expected_values`.
    """

    study: str
    name: str
    options: Mapping[str, Any]
    columns: Mapping[str, Column]
    tells: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    title: str = ""
    finding: str = ""
    setting: str = ""
    campaign: str = ""
    batch_sizes: tuple[int, ...] = ()
    identity: str = ""
    changes: tuple[float, ...] = ()
    regions: tuple[Mapping[str, Any], ...] = ()

    @property
    def where_it_is(self) -> str:
        """How messages name this figure."""
        return f"figure {self.study}/{self.name}"

    @property
    def heading(self) -> str:
        """The title of the drawing: the finding, or the neutral title where there is none."""
        return self.finding or self.title or self.name

    @property
    def source(self) -> str:
        """Where the figure comes from, in one line that is the same in every run."""
        parts = ["batchlab", f"campaign {self.campaign}" if self.campaign else "", f"{self.study}/{self.name}"]
        if self.identity:
            parts.append(f"training {self.identity[:10]}")
        return " · ".join(part for part in parts if part)

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
        column = self.columns.get(name) or Column(name)
        names = self.options.get("names")
        return replace(column, words={**column.words, **names}) if names and column.kind == "text" else column

    def groups(self, *more: str | None) -> list[str]:
        """Return the columns that tell groups apart: panels, colours, dashes and `more`, each once."""
        named = (self.facet, self.colour, self.dash, *more)
        return list(dict.fromkeys(column for column in named if column is not None))

    def titled(self, finding: str) -> Figure:
        """Return the figure with a finding as its heading."""
        return replace(self, finding=finding)

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
        chosen=tuple(spec.get("chosen", ())),
        title=spec.get("title", ""),
        setting=spec.get("setting", ""),
        campaign=spec.get("campaign", ""),
        batch_sizes=tuple(spec.get("batch_sizes", ())),
        identity=spec.get("identity", ""),
        changes=tuple(spec.get("changes", ())),
        regions=tuple(spec.get("regions", ())),
    )
