"""Probes: measurements on snapshots, one module each.

A probe's module is imported by its name, so that an edit of one probe is no edit of the others. It has one function
`measure(spec, data, snapshot) -> Measurement`, where `spec` holds the settings of the run that the snapshot belongs to
(`model`, `precision`, `optimizer`, `learning_rate`, `batch_size`, `accumulation`), `seeds`, `position` (cumulative
examples) and the probe's own settings under `probe`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.training.row_files import Table
from batchlab.training.state import Snapshot

NAMES = ("gradient_norms", "running_statistics", "trajectory", "weight_drift")


@dataclass
class Measurement:
    """What a probe leaves behind.

    Attributes:
        tables: Table by name.
        facts: For the provenance record.
    """

    tables: dict[str, Table]
    facts: dict[str, Any] = field(default_factory=dict)


def measure(spec: dict[str, Any], data: Resident, snapshot: Snapshot) -> Measurement:
    """Run the probe that `spec` names.

    Args:
        spec: See above.
        data: The resident data set.
        snapshot: The snapshot to measure.

    Raises:
        BatchlabError: There is no such probe, or the snapshot is at another position.
    """
    name = spec["probe"]["name"]
    if name not in NAMES:
        raise BatchlabError(f"probe: unknown name {name!r}; choose one of {', '.join(NAMES)}")
    for position in snapshot.positions:
        if position.examples != spec["position"]:
            raise BatchlabError(
                f"{snapshot.source}: is at {position.examples} examples, not at {spec['position']}; "
                "delete it and run again"
            )
    result: Measurement = importlib.import_module(f"batchlab.probes.{name}.measure").measure(spec, data, snapshot)
    return result
