"""The features of a table in the order of a model's inputs, where it has several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchlab.sources.contents import Contents
from batchlab.sources.formats.csv.table_facts import TableFacts
from batchlab.sources.formats.csv.table_inputs import inputs_of
from batchlab.sources.inputs import wanted
from batchlab.sources.joined_rows import joined, standardised, told_of_inputs


def by_input(contents: Contents, table: TableFacts, options: Mapping[str, Any]) -> Contents:
    """Return what was read of a table with its features in rows of inputs; as it is where examples are one array.

    Args:
        contents: Features in the order of the columns.
        table: The table.
        options: Options of the format.
    """
    said, widths, starts = wanted(options), table.widths, table.starts
    if not said:
        return contents
    named = [replace(each, of=tuple(table.columns.names[place] for place in table.inputs[each.name])) for each in said]
    inputs = inputs_of(table.inputs, options, widths)
    values, labels = contents.pool
    arrays = {
        name: values[:, [starts[place] + number for place in places for number in range(widths[place])]]
        for name, places in table.inputs.items()
    }
    rows = joined(inputs, arrays, str(table.path))
    told = (*contents.told, *told_of_inputs(inputs, named, arrays))
    return standardised(replace(contents, pool=(rows, labels), told=told), inputs, said, options, str(table.path))
