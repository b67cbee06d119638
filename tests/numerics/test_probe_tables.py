"""Every probe writes the tables that it declares, with exactly the declared columns."""

from __future__ import annotations

from typing import Any

import pytest
from numerics import cases

from batchlab.declarations import find
from batchlab.declarations.options import REQUIRED, BatchSizes, Choices, Count, Counts, Flag
from batchlab.declarations.probe import Reads
from batchlab.probes import measuring
from batchlab.training import segment

# Columns that tabulating adds, beside the settings of the arm.
ADDED = {"study", "arm", "epoch", "probe"}
SNAPSHOTS = {Reads.ONE: 1, Reads.PAIR: 2, Reads.ALL: 3, Reads.ARMS: 2}
# Probes that `make test` measures once.
LONG = ("averaged_weights", "broken_accumulation", "gradient_competition")
# A path has two stretches at least.
LARGER = {"examples": 4}


def small(option: Any, flags: bool) -> Any:
    """Return a value with which a probe is done at once."""
    match option:
        case Counts() | BatchSizes():
            return [2]
        case Count():
            return LARGER.get(option.name, max(2, option.least))
        case Choices():
            return list(option.words)
        case Flag():
            return flags
    assert option.default is not REQUIRED, f"say which value of {option.name} is small"
    return option.default


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        pytest.param(name, flags, id=f"{name}-{title}", marks=[pytest.mark.slow] if flags and name in LONG else [])
        for name, probe in find.probes().items()
        if not probe.apart
        for flags, title in ((False, "plain"), (True, "with all flags"))
        if not flags or any(isinstance(option, Flag) for option in probe.options)
    ],
)
def test_a_probe_writes_the_tables_that_it_declares(name: str, flags: bool) -> None:
    probe = find.probes()[name]
    settings = {"model": {"name": "mlp_bn", "hidden": [4], "activation": "relu", "momentum": 0.9, "ghost_batch": None}}
    data = cases.resident()
    snapshots = [cases.initial(data, cases.spec(**settings))]
    while len(snapshots) < SNAPSHOTS[probe.reads]:
        before = snapshots[-1]
        start = before.positions[0].examples
        further = cases.spec(start=start, stop=start + 16, **settings)
        snapshots.append(segment.train(further, data, snapshots[0], before).snapshot)
    positions = [snapshot.positions[0].examples for snapshot in snapshots]
    options = {option.name: small(option, flags) for option in probe.options}
    spec = {**cases.spec(**settings), "positions": positions, "probe": {"name": name, **options}}
    tables = measuring.measure(spec, data, tuple(snapshots)).tables
    assert list(tables) == [table.name for table in probe.tables]
    for table in probe.tables:
        rows = tables[table.name]
        assert rows
        for row in rows:
            written = [column for column in row if not (table.prefixes and column.startswith(table.prefixes))]
            assert set(table.names) - ADDED - set(table.arm_columns) <= set(written) <= set(table.names) - ADDED
            # In the order that is declared.
            assert written == [column for column in table.names if column in written]
        if flags or not any(isinstance(option, Flag) for option in probe.options):
            assert all(any(column.startswith(prefix) for column in rows[0]) for prefix in table.prefixes)
