"""Join tables of a study by the keys that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError

# The kind of probe: the same in all rows of tables that one kind writes, and never the same in those of two kinds.
_KIND = "probe"
# Tables are written with nine significant digits: keys that agree in eight were equal when written.
_KEY_DIGITS = 8


def names_of(table: str | Sequence[str]) -> list[str]:
    """Return the names of the tables that a figure or claim reads: `table: a` or `table: [a, b]`."""
    return [table] if isinstance(table, str) else list(table)


def joined(names: Sequence[str], tables: Mapping[str, pd.DataFrame], spec: Mapping[str, Any]) -> pd.DataFrame:
    """Return one table made of several, with the rows whose keys are in all of them.

    Tables of two kinds of probes are joined by snapshot and seed: the kind, a key of both, is not compared.

    Args:
        names: Tables in order; a column that several have, keys apart, comes from the first of them.
        tables: Name → table.
        spec: Table → `keys`, as `batchlab.tables.contract.reading_spec` gives it; unused for a single table.

    Returns:
        The rows in the order of the first table. Where a key stands once in one table and several times in the other,
        its row is repeated.

    Raises:
        BatchlabError: A table is not there, two share no key, or both have several rows for one value of the keys.
    """
    for name in names:
        if name not in tables:
            raise BatchlabError(f"no table {name}; the study has {', '.join(tables)}")
    first, *others = names
    frame, keys = tables[first], list(spec[first]["keys"]) if others else []
    for name in others:
        other = tables[name]
        shared = [key for key in keys if key in spec[name]["keys"]]
        if _KIND in shared and not set(frame[_KIND]) & set(other[_KIND]):
            shared.remove(_KIND)
        if not shared:
            raise BatchlabError(f"tables {first} and {name} share no key; they cannot be joined")
        if frame.duplicated(shared).any() and other.duplicated(shared).any():
            raise BatchlabError(
                f"tables {first} and {name} both have several rows for one {', '.join(shared)}; they cannot be joined"
            )
        new = [column for column in other if column not in frame or column in shared]
        frame = _merge(frame, other[new], shared)
        keys = [*keys, *(key for key in spec[name]["keys"] if key not in keys)]
    return frame


def _merge(left: pd.DataFrame, right: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Merge by keys, of which numbers are compared with the digits that tables have."""
    matched = {key: f"_{key}" for key in keys if pd.api.types.is_float_dtype(left[key])}
    left = left.assign(**{new: _rounded(left[key]) for key, new in matched.items()})
    right = right.assign(**{new: _rounded(right[key]) for key, new in matched.items()}).drop(columns=list(matched))
    merged = left.merge(right, on=[matched.get(key, key) for key in keys], how="inner")
    return merged.drop(columns=list(matched.values()))


def _rounded(values: pd.Series) -> pd.Series:
    return values.map(lambda value: float(f"{value:.{_KEY_DIGITS}g}"), na_action="ignore").astype(float)
