"""Probes that measure in processes of their own, while nothing else runs: times and memory of this machine.

Their job starts no Keras, so that it survives whatever its children meet, and so that a GPU is theirs alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.options import with_defaults

Tables = dict[str, list[dict[str, Any]]]


def measure(spec: Mapping[str, Any], data: str) -> tuple[Tables, dict[str, Any]]:
    """Run the probe that a job names.

    The code is the module `batchlab.probes.<name>.measure`, with a function `measure(spec, data, options)`, and
    `batchlab.probes.<name>.child`, the program of its children.

    Args:
        spec: Settings of the run (see `batchlab.probes.measuring.Run`), and `probe` with its `name` and options.
        data: Path of the prepared data set.

    Returns:
        Name of each table → its rows, and facts for the provenance record.
    """
    name = spec["probe"]["name"]
    given = {key: value for key, value in spec["probe"].items() if key != "name"}
    module = importlib.import_module(f"batchlab.probes.{name}.measure")
    tables, facts = module.measure(spec, data, with_defaults(find.probes()[name].options, given))
    return tables, facts
