"""Evaluation at chosen places, and training that ends before its cap, against a float64 twin and against itself."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numerics.test_segment import same, without_seconds

from batchlab.backend.resident import Resident, from_arrays
from batchlab.probes.measuring import measure
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training import order, segment, state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.evaluation_points import evaluation_points
from batchlab.training.row_files import write_rows

N = cases.EXAMPLES  # 55: four updates of 16, 16, 16 and 7 an epoch
STARTS = (0, 16, 32, 48)

LOG = {"per_decade": 4, "unit": "updates", "begin": 0}  # 1, 2, 3, 6, 10, 18, 32, …
EVERY = {"every": 3, "unit": "updates", "begin": 0}


def places(rule: dict[str, Any] | None, start: int, stop: int, updates: int) -> list[int]:
    return evaluation_points(rule, start, stop, updates, 16, N)


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        (LOG, (1, 2, 3, 6, 10, 18)),
        (EVERY, (3, 6, 9, 12, 15, 18)),
        ({"at": [7, 2, 19], "unit": "updates", "begin": 0}, (2, 7, 19)),
        ({"per_decade": 1, "unit": "updates", "begin": 5}, (6, 15)),
        ({"every": 2, "unit": "epochs", "begin": 0}, (8, 16)),
        ({"at": [1, 3], "unit": "epochs", "begin": 1}, (8, 16)),
        ({"per_decade": 3, "unit": "epochs", "begin": 0}, (4, 8, 20)),
        (None, (4, 8, 12, 16, 20)),
    ],
)
def test_points_are_those_of_the_rule_however_training_is_cut(
    rule: dict[str, Any] | None, numbers: tuple[int, ...]
) -> None:
    after = {number: number // 4 * N + STARTS[number % 4] for number in range(21)}
    expected = [after[number] for number in numbers]
    assert places(rule, 0, 5 * N, 0) == expected
    for cut in range(1, 20):
        assert places(rule, 0, after[cut], 0) + places(rule, after[cut], 5 * N, cut) == expected


def twin_losses(parameters: reference.Parameters, arrays: Any, updates: int) -> list[float]:
    """Return the validation loss after each update of plain SGD."""
    found = []
    for update in range(updates):
        epoch, place = divmod(update, 4)
        batch = order.permutation(3, epoch, N)[STARTS[place] : STARTS[place] + 16]
        gradients = reference.gradient_sum(parameters, arrays["x_train"][batch], arrays["y_train"][batch], "relu")
        parameters = [p - 0.1 * g / len(batch) for p, g in zip(parameters, gradients, strict=True)]
        logits, _, _ = reference.forward(parameters, arrays["x_validation"], "relu")
        found.append(float(np.mean(reference.losses(logits, arrays["y_validation"]))))
    return found


def test_an_end_at_a_target_is_that_of_the_twin() -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = from_arrays(arrays, CLASSIFICATION)
        start = cases.initial(data, cases.spec())
        losses = twin_losses(cases.parameters(start), arrays, 20)
        target = losses[9] + 1e-9  # the fifth evaluation, unless an earlier one is as good
        until = {"metric": "validation_loss", "better": "lower", "at": target}
        found = cases.trained(data, start, stop=5 * N, evaluate=LOG, until=until)
    ends = next(number for number in (1, 2, 3, 6, 10, 18) if losses[number - 1] <= target)
    [position] = found.snapshot.positions
    assert (position.updates, position.status) == (ends, "reached")
    assert position.examples == ends // 4 * N + STARTS[ends % 4]
    rows = [(row["updates"], row["status"]) for row in found.history]
    assert rows == [(number, "ok") for number in (1, 2, 3, 6, 10, 18) if number < ends] + [(ends, "reached")]
    np.testing.assert_allclose(
        [row["validation_loss"] for row in found.history], [losses[row - 1] for row, _ in rows], rtol=1e-12
    )


M = 48  # three updates of 16: one size to compile
STOPPING = {"metric": "validation_loss", "better": "lower", "patience": 2, "restore_best": True, "cap": 20 * M}
# Adam with so large a rate that the validation loss rises after a while.
HASTY: dict[str, Any] = {"seeds": [0, 4], "optimizer": cases.optimizer("adam"), "learning_rate": 0.05}


@pytest.fixture(scope="module")
def data() -> Resident:
    return cases.resident(examples=M)


@pytest.fixture(scope="module")
def start(data: Resident) -> state.Snapshot:
    return cases.initial(data, cases.spec(**HASTY))


def hasty(evaluate: dict[str, Any], until: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    ends = {"until": until} if until else {}
    return cases.spec(**{**HASTY, "stop": 20 * M, "evaluate": evaluate, **ends, **changes})


def test_training_stops_when_the_metric_stops_improving_and_goes_back_to_the_best(
    data: Resident, start: state.Snapshot
) -> None:
    whole = segment.train(hasty(EVERY), data, start, start)
    found = segment.train(hasty(EVERY, STOPPING), data, start, start)
    bests = []
    for row, seed in enumerate(HASTY["seeds"]):
        run = [each for each in without_seconds(whole.history) if each["seed"] == seed and each["updates"] % 3 == 0]
        best = number = 0
        while number - best < STOPPING["patience"]:
            number += 1
            best = number if run[number]["validation_loss"] < run[best]["validation_loss"] else best
        position = found.snapshot.positions[row]
        assert (position.updates, position.status) == (run[number]["updates"], "stopped")
        own = [each for each in without_seconds(found.history) if each["seed"] == seed]
        assert own == [*run[:number], {**run[number], "status": "stopped"}]
        bests.append(run[best])
    assert bests[0]["updates"] != bests[1]["updates"]  # replicas end one by one
    to_best = segment.train(hasty(EVERY, seeds=[0], stop=bests[0]["examples"]), data, start, start).snapshot
    for key, values in to_best.arrays.items():
        assert values[0].tobytes() == found.snapshot.arrays[key][0].tobytes(), key


@pytest.mark.parametrize(
    ("evaluate", "until"),
    [
        ({**EVERY, "subset": 6}, STOPPING),
        pytest.param(
            {**LOG, "subset": 6},
            {"metric": "train_loss", "better": "lower", "at": 0.3},
            id="target",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_split_run_and_a_killed_one_equal_an_unsplit_one_bitwise(
    evaluate: dict[str, Any], until: dict[str, Any], data: Resident, start: state.Snapshot, tmp_path: Path
) -> None:
    spec = hasty(evaluate, until)
    whole = segment.train(spec, data, start, start)
    assert {position.status for position in whole.snapshot.positions} & {"stopped", "reached"}
    parent, rows = start, []
    cuts = (0, 32, 5 * M, 20 * M)
    for begin, end in itertools.pairwise(cuts):
        part = segment.train({**spec, "start": begin, "stop": end}, data, start, parent)
        for name, table in part.tables.items():
            write_rows(tmp_path / f"{name}.csv", table, part.columns[name])
        state.write(tmp_path / "state.npz", part.snapshot)
        parent = state.read(tmp_path / "state.npz")
        rows += [row for row in without_seconds(part.history) if row["examples"] not in cuts]
    assert same(whole.snapshot, parent)
    expected = [row for row in without_seconds(whole.history) if row["examples"] not in cuts]
    assert sorted(rows, key=lambda row: row["seed"]) == expected
    for deaths in (2, 3):  # in the first replica, and in the second one
        checkpoint = Dying(tmp_path / "checkpoint.npz", deaths)
        with pytest.raises(KeyboardInterrupt):
            segment.train(spec, data, start, start, checkpoint)
    resumed = segment.train(spec, data, start, start, Checkpoint(tmp_path / "checkpoint.npz", "digest", 0.0))
    assert same(whole.snapshot, resumed.snapshot)
    assert without_seconds(whole.history) == without_seconds(resumed.history)


class Dying(Checkpoint):
    """A checkpoint after which, written so many times, the process is killed."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__(path, "digest", 0.0)
        self.left = times

    def write(self, progress: dict[str, Any], arrays: state.Arrays) -> None:
        super().write(progress, arrays)
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_a_subset_is_a_part_of_each_split_and_the_stop_shows_all_examples(
    data: Resident, start: state.Snapshot
) -> None:
    few = segment.train(hasty({**EVERY, "subset": 5}, seeds=[0], stop=2 * M + 32), data, start, start)
    many = segment.train(hasty(EVERY, seeds=[0], stop=2 * M + 32), data, start, start)
    assert [row["updates"] for row in few.history] == [3, 6, 8]
    assert without_seconds(few.history)[-1] == without_seconds(many.history)[-1]
    for some, all_of_them in zip(few.history[:-1], many.history[:-1], strict=True):
        for split in ("train", "validation", "test"):
            assert round(some[f"{split}_accuracy"] * 5, 9).is_integer()
            assert some[f"{split}_loss"] != all_of_them[f"{split}_loss"]


def test_a_probe_goes_on_from_where_each_replica_ended(data: Resident, start: state.Snapshot) -> None:
    at_once = {"metric": "validation_accuracy", "better": "higher", "at": 0.0}
    ended = segment.train(hasty({"at": [1], "unit": "updates", "begin": 0}, at_once), data, start, start).snapshot
    assert [(at.updates, at.status) for at in ended.positions] == [(1, "reached")] * 2
    probe = {"name": "trajectory", "updates": 1, "batch_sizes": [16]}
    found = measure({**cases.spec(**HASTY), "position": 20 * M, "probe": probe}, data, (ended,))
    after = segment.train(cases.spec(**HASTY, stop=32), data, start, start).snapshot
    for row, result in enumerate(found.tables["trajectory"]):
        pairs = zip(cases.parameters(after, row), cases.parameters(ended, row), strict=True)
        moved = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in pairs))
        assert result["from_start"] == pytest.approx(moved, rel=1e-6)
