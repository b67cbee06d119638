"""Segments: continuing, counting, diverging, and dying."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases

from batchlab.errors import BatchlabError
from batchlab.training import segment, state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.pieces import Piece, pieces, single_updates
from batchlab.training.row_files import write_rows

N = cases.EXAMPLES


def same(first: state.Snapshot, second: state.Snapshot) -> bool:
    """Return whether two snapshots are bitwise equal in everything that is computed."""

    def place(snapshot: state.Snapshot) -> list[Any]:
        return [(p.updates, p.examples, p.status) for p in snapshot.positions]

    return (
        first.seeds == second.seeds
        and first.arrays.keys() == second.arrays.keys()
        and all(first.arrays[key].tobytes() == second.arrays[key].tobytes() for key in first.arrays)
        and place(first) == place(second)
    )


def without_seconds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [
        (cases.MLP, cases.optimizer("adam")),
        ({"name": "mlp", "hidden": [8], "dropout": 0.3}, cases.optimizer("sgd", momentum=0.9)),
        pytest.param({"name": "mlp_bn", "hidden": [8]}, cases.optimizer("sgd"), marks=pytest.mark.slow),
    ],
    ids=["plain", "dropout", "norm"],
)
def test_a_split_run_equals_an_unsplit_one_bitwise(
    model: dict[str, Any], optimizer: dict[str, Any], tmp_path: Path
) -> None:
    data = cases.resident()
    changes: dict[str, Any] = {"model": model, "optimizer": optimizer, "accumulation": 2, "seeds": [0, 4]}
    start = cases.initial(data, cases.spec(**changes))
    stop = 2 * N + 32
    whole = segment.train(cases.spec(**changes, stop=stop), data, start, start)
    parent, history = start, []
    for begin, end in ((0, 16), (16, N), (N, stop)):
        part = segment.train(cases.spec(**changes, start=begin, stop=end), data, start, parent)
        state.write(tmp_path / "state.npz", part.snapshot)
        parent = state.read(tmp_path / "state.npz")
        history += part.history
    assert same(whole.snapshot, parent)
    # The cut inside the first epoch adds a row; all others are the same.
    rows = [row for row in without_seconds(history) if row["examples"] != 16]
    assert sorted(rows, key=lambda row: row["seed"]) == without_seconds(whole.history)


def test_two_runs_are_bitwise_equal_and_their_files_too(tmp_path: Path) -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    for name in ("a", "b"):
        result = cases.trained(data, start)
        for position in result.snapshot.positions:
            position.seconds = 0.0
        state.write(tmp_path / f"{name}.npz", result.snapshot)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.slow
def test_seeds_do_not_depend_on_their_block() -> None:
    data = cases.resident()
    both = cases.spec(seeds=[5, 6], optimizer=cases.optimizer("adam"))
    start = cases.initial(data, both)
    together = segment.train(both, data, start, start)
    alone = {**both, "seeds": [6]}
    start_alone = cases.initial(data, alone)
    apart = segment.train(alone, data, start_alone, start_alone)
    assert without_seconds(together.history)[1:] == without_seconds(apart.history)
    for key, values in apart.snapshot.arrays.items():
        np.testing.assert_array_equal(together.snapshot.arrays[key][1:], values)


def test_history_has_a_row_at_each_epoch_end_and_at_the_stop() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    rows = cases.trained(data, start, stop=2 * N + 32).history
    assert [(row["epoch"], row["updates"], row["examples"]) for row in rows] == [
        (1.0, 4, N),
        (2.0, 8, 2 * N),
        (2 + 32 / N, 10, 2 * N + 32),
    ]
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert all(row["status"] == "ok" and row["batch_size"] == 16 and row["learning_rate"] == 0.1 for row in rows)


def test_a_phase_with_another_batch_size_goes_on_in_the_same_order() -> None:
    assert list(pieces(32, 2 * N + 5, N)) == [
        Piece(0, 32, N, N),
        Piece(1, 0, N, 2 * N),
        Piece(2, 0, 5, 2 * N + 5),
    ]
    found = [(piece.epoch, piece.start, piece.stop) for piece in single_updates(32, 4, 10, N)]
    assert found == [(0, 32, 42), (0, 42, 52), (0, 52, 55), (1, 0, 10)]


def test_the_learning_rate_of_a_later_segment_is_its_own() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    first = cases.trained(data, start, optimizer=cases.optimizer("sgd", momentum=0.5)).snapshot
    still = segment.train(
        cases.spec(optimizer=cases.optimizer("sgd", momentum=0.5), learning_rate=0.0, start=N, stop=N + 16),
        data,
        start,
        first,
    ).snapshot
    for key, values in first.arrays.items():
        if key.endswith("learning_rate"):
            assert values == np.float32(0.1)
            assert still.arrays[key] == 0.0
    # Momentum alone moves the weights once the learning rate is zero.
    key = "weights/mlp/logits/bias"
    velocity = next(values for name, values in first.arrays.items() if "logits_bias_momentum" in name)
    np.testing.assert_allclose(still.arrays[key], first.arrays[key] + 0.5 * velocity, rtol=1e-6)


def test_distances_are_those_of_the_weights() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    result = cases.trained(data, start)
    before, after = cases.parameters(start), cases.parameters(result.snapshot)
    [row] = result.distances
    assert row["from_origin"] == pytest.approx(np.sqrt(sum((w**2).sum() for w in after)), rel=1e-12)
    moved = np.sqrt(sum(((w - w0) ** 2).sum() for w, w0 in zip(after, before, strict=True)))
    assert row["from_initial"] == pytest.approx(moved, rel=1e-12)


def test_the_initial_segment_has_epoch_zero_and_no_optimizer(tmp_path: Path) -> None:
    data = cases.resident()
    result = segment.initialise(cases.spec(seeds=[0, 1]), data)
    assert [(row["epoch"], row["updates"], row["seconds"]) for row in result.history] == [(0.0, 0, 0.0)] * 2
    assert [row["from_initial"] for row in result.distances] == [0.0, 0.0]
    assert not result.snapshot.trained
    assert "batch_size" not in result.tables["history"][0]
    kernel = result.snapshot.arrays["weights/mlp/hidden_1/kernel"]
    assert kernel.shape == (2, 12, 8)
    assert not np.array_equal(kernel[0], kernel[1])


def test_a_diverged_replica_is_a_result() -> None:
    data = cases.resident()
    settings = cases.spec(seeds=[0, 1], learning_rate=1e30, stop=2 * N)
    start = cases.initial(data, settings)
    result = segment.train(settings, data, start, start)
    assert [(row["seed"], row["epoch"], row["updates"], row["status"]) for row in result.history] == [
        (0, 1.0, 4, "diverged"),
        (0, 2.0, 8, "diverged"),
        (1, 1.0, 4, "diverged"),
        (1, 2.0, 8, "diverged"),
    ]
    assert all(np.isnan(row["test_accuracy"]) for row in result.history)
    later = segment.train({**settings, "start": 2 * N, "stop": 3 * N}, data, start, result.snapshot)
    assert [row["status"] for row in later.history] == ["diverged"] * 2
    assert later.snapshot.positions[0].updates == 12
    assert later.snapshot.positions[0].seconds == result.snapshot.positions[0].seconds


def test_a_stop_inside_an_update_is_refused() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    with pytest.raises(BatchlabError, match="stop"):
        cases.trained(data, start, stop=20)


def test_a_parent_at_another_position_is_refused() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    with pytest.raises(BatchlabError, match="not at start 16"):
        cases.trained(data, start, start=16)


def test_a_parent_of_another_model_is_refused() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    with pytest.raises(BatchlabError, match="does not fit the model"):
        cases.trained(data, start, model={"name": "mlp", "hidden": [9, 6]})


def test_a_damaged_snapshot_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(BatchlabError, match=r"state\.npz.*delete it"):
        state.read(path)


def test_a_checkpoint_of_other_settings_is_ignored(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "c.npz", "one").write({"rows": [float("nan")]}, {"a": np.ones(2)})
    assert Checkpoint(tmp_path / "c.npz", "two").read() is None
    found = Checkpoint(tmp_path / "c.npz", "one").read()
    assert found is not None
    assert np.isnan(found[0]["rows"][0])
    np.testing.assert_array_equal(found[1]["a"], np.ones(2))
    (tmp_path / "c.npz").write_bytes(b"broken")
    assert Checkpoint(tmp_path / "c.npz", "one").read() is None


TRAINING = """
import os
import sys
if cores := int(sys.argv[2]):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
from batchlab.training import state
from batchlab.training.checkpoint import Checkpoint
from numerics import cases
result = cases.longer_training(Checkpoint(sys.argv[1] + ".checkpoint.npz", "digest", interval=0.0))
state.write(sys.argv[1] + ".npz", result.snapshot)
"""


@pytest.fixture(scope="module")
def undisturbed() -> state.Snapshot:
    return cases.longer_training().snapshot


def started(target: Path, cores: int = 0) -> subprocess.Popen[bytes]:
    """Start the longer training in a process of its own; 0 cores are all of them."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen([sys.executable, "-c", TRAINING, str(target), str(cores)], env=environment)


def test_a_killed_training_goes_on_and_gives_the_same_numbers(tmp_path: Path, undisturbed: state.Snapshot) -> None:
    target, checkpoint = tmp_path / "run", tmp_path / "run.checkpoint.npz"
    killed = started(target)
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not target.with_suffix(".npz").exists()
    assert started(target).wait(60) == 0
    assert same(state.read(target.with_suffix(".npz")), undisturbed)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can be taken away on Linux only")
@pytest.mark.slow
def test_one_core_gives_the_numbers_of_all(tmp_path: Path, undisturbed: state.Snapshot) -> None:
    assert started(tmp_path / "run", cores=1).wait(60) == 0
    assert same(state.read(tmp_path / "run.npz"), undisturbed)


@pytest.mark.slow
def test_a_resumed_training_gives_the_same_tables(tmp_path: Path) -> None:
    data = cases.resident()
    settings = cases.spec(seeds=[0, 1], optimizer=cases.optimizer("adam"), stop=2 * N)
    start = cases.initial(data, settings)
    whole = segment.train(settings, data, start, start)

    class Dying(Checkpoint):
        left = 3

        def write(self, progress: dict[str, Any], arrays: state.Arrays) -> None:
            super().write(progress, arrays)
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # in the middle of the second seed
        segment.train(settings, data, start, start, Dying(tmp_path / "c.npz", "d", 0.0))
    again = segment.train(settings, data, start, start, Checkpoint(tmp_path / "c.npz", "d", 0.0))
    assert same(again.snapshot, whole.snapshot)
    assert without_seconds(again.history) == without_seconds(whole.history)
    assert again.distances == whole.distances


def test_tables_round_trip_single_precision_and_leave_out_what_is_not_a_number(tmp_path: Path) -> None:
    value = float(np.float32(1 / 3))
    rows: list[dict[str, Any]] = [{"a": value, "b": "x"}, {"a": float("nan"), "b": 2}]
    write_rows(tmp_path / "t.csv", rows)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] == "a,b"
    assert np.float32(lines[1].split(",")[0]) == np.float32(value)
    assert lines[2] == ",2"
