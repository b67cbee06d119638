"""The declaration of a derivation: a table that is made of other tables of a study."""

from __future__ import annotations

from dataclasses import dataclass

from batchlab.declarations.columns import Table
from batchlab.declarations.options import Option


@dataclass(frozen=True)
class Derivation:
    """A derivation; its name is that of its folder below `tables/derivations/`.

    A study names its derived tables: `tables: {reached: {derivation: steps_to_target, target: 0.9}}`.

    Attributes:
        summary: What it computes, for the manual.
        reads: Names of the tables that it is made of.
        table: Columns and keys of the result; a study gives it the name.
        options: Its settings.
        chosen: Columns of the table in which the data choose one of several arms, such as the one with the best rate.
        fields: Fields of `Column` that it needs of the columns which its options name: its option `columns` maps their
            names to these, those with their default left out.
    """

    summary: str
    reads: tuple[str, ...]
    table: Table
    options: tuple[Option, ...] = ()
    chosen: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
