"""Segments that are trained together: each is bitwise what it is alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from numerics import cases
from numerics.test_segment import same, without_seconds

from batchlab.backend.resident import Resident
from batchlab.training import segment, state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.segment import Run, train_together

N = cases.EXAMPLES
RATES = (0.05, 0.5)
COSINE = {"name": "cosine", "to": 0, "unit": "updates", "warmup": 3, "warmup_from": 0, "begin": 0}
CASES: dict[str, dict[str, Any]] = {
    "momentum": {"optimizer": cases.optimizer("sgd", momentum=0.9), "accumulation": 11},
    "adam_with_dropout": {
        "optimizer": cases.optimizer("adam"),
        "model": {"name": "mlp", "hidden": [8], "dropout": 0.3},
    },
    "normalisation": {"model": {"name": "mlp_bn", "hidden": [8]}},
    "schedule": {
        "optimizer": cases.optimizer("sgd", momentum=0.9),
        "schedule": {**COSINE, "length": 15, "momentum_correction": True},
    },
    "end": {"until": {"metric": "train_loss", "better": "lower", "patience": 1, "restore_best": True, "cap": 3 * N}},
}


def of_rates(rates: tuple[float, ...], **changes: Any) -> list[dict[str, Any]]:
    return [cases.spec(**{"seeds": [3, 4], "batch_size": 11, **changes}, learning_rate=rate) for rate in rates]


def assert_same(found: segment.Segment, expected: segment.Segment) -> None:
    assert same(found.snapshot, expected.snapshot)
    assert without_seconds(found.history) == without_seconds(expected.history)
    assert found.distances == expected.distances


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_each_rate_is_bitwise_what_it_is_alone(name: str) -> None:
    data, specs = cases.resident(), of_rates(RATES, **CASES[name])
    start = cases.initial(data, specs[0])
    parents, alone = [start] * len(specs), [start] * len(specs)
    for begin, stop in ((0, N), (N, 3 * N)):
        specs = [{**spec, "start": begin, "stop": stop} for spec in specs]
        runs = [Run(spec, start, parent) for spec, parent in zip(specs, parents, strict=True)]
        together = train_together(runs, data)
        apart = [segment.train(spec, data, start, parent) for spec, parent in zip(specs, alone, strict=True)]
        for found, expected, rate in zip(together, apart, RATES, strict=True):
            assert_same(found, expected)
            assert {row["learning_rate"] for row in found.history} <= {rate}
        parents, alone = [each.snapshot for each in together], [each.snapshot for each in apart]
    # Rates that do the same would show nothing.
    assert len({cases.parameters(each.snapshot)[0].tobytes() for each in together}) == len(RATES)


class Dying(Checkpoint):
    """A checkpoint after which the process is killed."""

    def write(self, progress: dict[str, Any], arrays: state.Arrays) -> None:
        super().write(progress, arrays)
        raise KeyboardInterrupt


@pytest.mark.slow
def test_what_was_killed_goes_on_with_the_next_rate(tmp_path: Path) -> None:
    data, specs = cases.resident(), of_rates(RATES[:2], stop=2 * N)
    start = cases.initial(data, specs[0])
    runs, path = [Run(spec, start, start) for spec in specs], tmp_path / "kept.npz"
    whole = train_together(runs, data)
    for _ in range(3):  # after the epochs of the first seed, and after one of the second
        with pytest.raises(KeyboardInterrupt):
            train_together(runs, data, Dying(path, "x", 0.0))
    for found, expected in zip(train_together(runs, data, Checkpoint(path, "x")), whole, strict=True):
        assert_same(found, expected)


def test_one_that_diverges_leaves_the_others_alone() -> None:
    data: Resident = cases.resident()
    specs = of_rates((1e30, 0.1), stop=2 * N)
    start = cases.initial(data, specs[0])
    lost, kept = train_together([Run(spec, start, start) for spec in specs], data)
    assert {position.status for position in lost.snapshot.positions} == {state.DIVERGED}
    assert_same(kept, segment.train(specs[1], data, start, start))
