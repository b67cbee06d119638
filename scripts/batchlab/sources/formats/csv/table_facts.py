"""What is known of a table, whatever the format of its file, and how people are told.

Standard library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from batchlab.declarations.source import Targets
from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv.kinds import Columns, listed

# The category of a missing word where gaps are filled.
GAP = "(missing)"
# Different words of a column up to which they are taken for categories without being asked.
_CATEGORIES = 100


@dataclass
class TableFacts:
    """What a table holds.

    Attributes:
        path: The file.
        columns: Kinds of columns.
        missing: What is done with gaps: `refuse`, `drop` or `impute`.
        targets: What is learnt.
        rows: Rows of the file.
        kept: Rows that are used.
        gaps_by_column: Number of missing cells by place.
        categories: Distinct words by place, in order.
        classes: Names of the classes in order; or of the columns of target numbers or labels.
        shown_classes: Their names for people; the first line of a table may hold them.
        class_sizes: Number of examples by name of the class.
        codes: Places of columns of words that become one whole number each.
        inputs: Input of the model → places of its columns, where it has several.
    """

    path: Path
    columns: Columns
    missing: str
    targets: Targets = "classes"
    rows: int = 0
    kept: int = 0
    gaps_by_column: Counter[int] = field(default_factory=Counter)
    categories: dict[int, list[str]] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    shown_classes: list[str] = field(default_factory=list)
    class_sizes: Counter[str] = field(default_factory=Counter)
    codes: frozenset[int] = frozenset()
    inputs: dict[str, list[int]] = field(default_factory=dict)

    @property
    def widths(self) -> dict[int, int]:
        """Number of features of each column that is used as such."""
        return {
            place: 1 if place in self.codes else len(self.categories.get(place, [""])) for place in self.columns.kinds
        }

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(self.widths.values())

    @property
    def starts(self) -> dict[int, int]:
        """First feature of each column that is used as such."""
        return dict(zip(self.columns.kinds, accumulate([0, *self.widths.values()]), strict=False))

    def take_words(self, place: int, found: set[str], named: bool) -> None:
        """Make categories of the distinct words of a column, and one of its gaps if these are filled in.

        Raises:
            BatchlabError: They are names of examples rather than categories, and `named` does not say otherwise.
        """
        name = self.columns.names[place]
        many = len(found) > _CATEGORIES or (len(found) > 10 and 2 * len(found) > self.kept)
        if many and not named and place not in self.codes:
            raise BatchlabError(
                f"{self.path}: column {name!r} holds {len(found)} different texts ({listed(sorted(found), 3)}): leave "
                f"it out with leave_out: [{name}], or say categories: [{name}] to make a feature of each"
            )
        gap = [GAP] if self.missing == "impute" and self.gaps_by_column[place] else []
        self.categories[place] = [*sorted(found), *gap]


def told_of(table: TableFacts, file: str) -> tuple[tuple[str, str], ...]:
    """Return what was understood, as (what, text) for people; `file` says how it is written."""
    columns, names = table.columns, table.columns.names
    kinds = {
        kind: [names[place] for place, found in columns.kinds.items() if found == kind]
        for kind in ("numbers", "truth values", "words")
    }
    told = [
        ("File", file),
        ("Rows", f"{table.rows:,} read, {table.kept:,} used"),
        ("Target" if table.targets == "numbers" else "Label", ", ".join(names[place] for place in columns.labels)),
        *((f"Columns of {kind}", f"{len(found)}: {listed(found)}") for kind, found in kinds.items() if found),
    ]
    told += [
        (f"Codes of {names[place]}", f"0 to {len(words) - 1} for {listed(words)}")
        if place in table.codes
        else (f"Categories of {names[place]}", f"{len(words)} features of 0 and 1: {listed(words)}")
        for place, words in table.categories.items()
    ]
    if columns.weight is not None:
        told.append(("Weight of a row", names[columns.weight]))
    if columns.index:
        told.append(("Left out", f"{_names(names, columns.index)}: counts the rows"))
    if columns.empty:
        told.append(("Left out", f"{_names(names, columns.empty)}: empty"))
    if columns.left_out:
        told.append(("Left out", f"{_names(names, columns.left_out)}: as the campaign says"))
    if gaps := {names[place]: count for place, count in sorted(table.gaps_by_column.items())}:
        done = {"drop": f"{table.rows - table.kept:,} rows with gaps left out", "impute": "gaps filled in"}
        where = ", ".join(f"{name} {count:,}" for name, count in gaps.items())
        told.append(("Missing", f"{done[table.missing]}; gaps by column: {where}"))
    return tuple(told)


def _names(names: Sequence[str], places: Sequence[int]) -> str:
    return listed([names[place] or f"column {place + 1} (without a name)" for place in places])
