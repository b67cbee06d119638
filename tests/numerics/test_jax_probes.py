"""A probe of the loss surface with the JAX core, in the quick tests; `test_jax_core` compares all of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from numerics import cases
from numerics.jax_jobs import Jax, assert_same_rows

from batchlab.probes import measuring
from batchlab.training.state import Snapshot


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in envs/lock-dev.txt")
def test_losses_between_two_arms_are_those_of_the_other_core(tmp_path: Path) -> None:
    side = Jax(tmp_path)
    with cases.precision("float64"):
        data = cases.resident()
        start: Snapshot = cases.initial(data, cases.spec())
        other = cases.initial(data, cases.spec(seeds=[5]))
        between = {"name": "interpolation", "points": 3, "between": [-1, 2]}
        spec = {**cases.spec(), "positions": [0, 0], "probe": between}
        against = Snapshot(start.seeds, other.arrays, start.positions)
        expected = measuring.measure(spec, data, (start, against)).tables["interpolation"]
    side.add("between", "measure", spec, parent=start, against=against)
    side.run()
    assert [row["alpha"] for row in expected] == [-1, 0.5, 2]
    assert_same_rows(side["between"]["interpolation"], expected, 1e-10)
