"""Make a derived table: call a derivation by its name and check what it returns."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError


def derived_table(
    derivation: str, tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any], columns: Sequence[str]
) -> pd.DataFrame:
    """Return the table that a derivation makes of others.

    Args:
        derivation: Name of its folder below `batchlab.tables.derivations`.
        tables: Name → table, those that it reads.
        options: Its settings, complete.
        columns: Columns of the result in order.

    Raises:
        BatchlabError: The options do not fit the tables, or the derivation leaves out a column that it declares.
    """
    module = importlib.import_module(f"batchlab.tables.derivations.{derivation}.derive")
    try:
        made: pd.DataFrame = module.derive(tables, options)
    except BatchlabError as problem:
        raise BatchlabError(f"derivation {derivation}: {problem}") from None
    if missing := [column for column in columns if column not in made]:
        raise BatchlabError(
            f"derivation {derivation}: column {missing[0]} is declared, but `derive` does not return it"
        )
    return made[list(columns)]
