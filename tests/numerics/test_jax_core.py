"""The JAX core against the float64 twin in NumPy, and against the TensorFlow core where there is no twin."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import itertools
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numerics.jax_jobs import Jax, assert_same_rows, numbers
from slow import slow_but

from batchlab.backend import runtime
from batchlab.probes import measuring
from batchlab.training import order, segment, state

# `make test` compares this core with the twin in test_tasks.py.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in envs/lock-dev.txt"
    ),
]

N = cases.EXAMPLES

PENALISED = """
import keras

def build(input_shape, classes):
    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Dense(8, "relu", kernel_regularizer=keras.regularizers.L2(0.0625), name="hidden"),
        keras.layers.Dense(classes, activity_regularizer=keras.regularizers.L2(0.0625), name="logits"),
    ], name="penalised")
"""

# A model with several inputs, one of them integers that reach an embedding.
INPUTS = """
import keras

def build(input_shape, classes):
    grid = keras.Input(input_shape["grid"], name="grid")
    town = keras.Input(input_shape["town"], name="town", dtype="int32")
    place = keras.layers.Embedding(3, 2, name="towns")(keras.ops.absolute(town) % 3)
    hidden = keras.layers.Dense(5, "relu", name="hidden")(keras.layers.Flatten()(grid))
    joined = keras.layers.Concatenate()([hidden, keras.layers.Flatten()(place)])
    return keras.Model([grid, town], keras.layers.Dense(classes, name="logits")(joined), name="several")
"""
SEVERAL: dict[str, Any] = {
    "name": "several_inputs",
    "of": {"file": "several.py"},
    "inputs": [
        {"name": "grid", "shape": [2, 5], "holds": "numbers"},
        {"name": "town", "shape": [2], "holds": "codes"},
    ],
}

# Models of users: the one of the manual, and others.
MANUAL = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text(encoding="utf-8")
STACK = "import keras\n\ndef build(shape, classes):\n    return keras.Sequential([keras.Input(shape), {}])\n"
USERS = {
    "manual": re.search(r"```python\n(.*?)```", MANUAL, re.S)[1],  # type: ignore[index]
    "random": STACK.format("keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), keras.layers.Dense(classes)"),
    "softmax": STACK.format("keras.layers.Dense(classes, 'softmax')"),
    "constant": STACK.format("keras.layers.Dense(classes, trainable=False)"),
}

NORM = {"name": "mlp_bn", "hidden": [8, 6]}
DROPOUT = {"name": "mlp", "hidden": [8, 6], "dropout": 0.3}
LENET = {"name": "lenet", "filters": [2, 3], "dense": [5], "pooling": "max", "activation": "relu"}
MOMENTUM: dict[str, Any] = cases.optimizer("sgd", momentum=0.9)
ADAM: dict[str, Any] = cases.optimizer("adam")
COSINE = {
    "name": "cosine",
    "to": 0.1,
    "unit": "updates",
    "warmup": 2,
    "warmup_from": 0.2,
    "momentum_correction": True,
    "begin": 0,
    "length": 5,
}
CLIPPED: dict[str, Any] = cases.optimizer("adamw", global_clipnorm=0.5)

TABLES = {"optimizer": ADAM, "learning_rate": 0.01, "accumulation": 4, "seeds": [3, 4]}

# Settings that the twin trains too: name → (precision, its optimizer, changes of the settings, arguments of the data).
TWINS: dict[str, tuple[str, Any, dict[str, Any], dict[str, Any]]] = {
    "sgd_4": ("float64", lambda: reference.SGD(0.1), {"accumulation": 4}, {"stored": "uint8"}),
    "momentum_1": ("float64", lambda: reference.SGD(0.1, 0.9), {"optimizer": MOMENTUM, "seeds": [3, 4, 5]}, {}),
    "adam_4": ("float64", lambda: reference.Adam(0.01), TABLES, {}),
    "single": ("float32", lambda: reference.SGD(0.1), {"stop": 80, "accumulation": 2}, {"examples": 80}),
}

# Settings that the TensorFlow core is compared in, optimizer state and tables included.
AGREEMENT: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "adam_4": ("float64", TABLES, {}),
    "clipped": ("float64", {"optimizer": CLIPPED, "learning_rate": 0.01, "seeds": [3, 4]}, {}),
    "several": ("float64", {"model": SEVERAL, "accumulation": 4, "seeds": [3, 4]}, {}),
    "penalties": ("float64", {"model": {"file": "penalised.py"}, "accumulation": 4}, {}),
    "convolution": ("float64", {"model": LENET, "seeds": [3, 4], "stop": 21}, {"shape": (8, 8), "examples": 21}),
    "scheduled": ("float64", {"optimizer": MOMENTUM, "seeds": [3, 4], "accumulation": 4, "schedule": COSINE}, {}),
    "norm": ("float32", {"model": NORM, "seeds": [3, 4], "accumulation": 4, "optimizer": MOMENTUM}, {}),
    "ghost": ("float32", {"model": {**NORM, "ghost_batch": 4}}, {}),
}

# What four or five updates may differ by, relative to a variable's largest entry.
BOUNDS = {"float64": 1e-10, "float32": 2e-6}


def settings(name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    precision, *_, changes, data = TWINS[name] if name in TWINS else AGREEMENT[name]
    return precision, cases.spec(**changes), data


def measured_at(name: str, precision: str) -> dict[str, state.Snapshot]:
    """Return the snapshots that a probe reads: of a comparison of two arms the initial weights, too."""
    _, model, trained = PROBED[name]
    start = starting_at(cases.spec(model=model), data_of(name))
    parent = after_an_epoch(json.dumps(model), precision) if trained else start
    return {"parent": parent, **({"against": start} if name == "interpolation" else {})}


def settings_of(name: str) -> dict[str, Any]:
    """Return the settings of a probe."""
    _, model, trained = PROBED[name]
    place = {"positions": [N, 0]} if name == "interpolation" else {"position": N if trained else 0}
    return {**cases.spec(model=model), **place, "probe": PROBES[name]}


def data_of(probe: str) -> dict[str, Any]:
    return {"shape": (8, 8)} if probe.endswith("_convolution") else {}


def train_here(spec: dict[str, Any], data: dict[str, Any], *snapshots: state.Snapshot) -> segment.Segment:
    return segment.train(spec, cases.resident(**data), *snapshots)


def starting_at(spec: dict[str, Any], data: dict[str, Any]) -> state.Snapshot:
    """Return initial weights, drawn once for all settings that share them."""
    return drawn(json.dumps([{key: spec[key] for key in ("model", "seeds")}, data]), runtime.float_type())


@functools.cache
def drawn(settings: str, precision: str) -> state.Snapshot:
    spec, data = json.loads(settings)
    return cases.initial(cases.resident(**data), spec)


@functools.cache
def after_an_epoch(model: str, precision: str) -> state.Snapshot:
    spec = cases.spec(model=json.loads(model))
    start = starting_at(spec, {})
    return train_here(spec, {}, start, start).snapshot


def with_a_lost_replica(snapshot: state.Snapshot) -> state.Snapshot:
    """Make the first replica's first kernel so large that what it multiplies overflows."""
    arrays = {key: values.copy() for key, values in snapshot.arrays.items()}
    arrays["weights/mlp/hidden_1/kernel"][0] = 1e308
    return dataclasses.replace(snapshot, arrays=arrays)


MIXED = cases.spec(seeds=[3, 4], optimizer=MOMENTUM, stop=2 * N)
LONGER = cases.spec(seeds=[0, 1], optimizer=ADAM, learning_rate=0.01, model=DROPOUT, stop=3 * N)
RATES = [0.1, 0.2, 0.05]
GRID = cases.spec(seeds=[3, 4], accumulation=4)
SCHEDULED = cases.spec(
    optimizer=cases.optimizer("sgd", momentum=0.9),
    schedule={
        "name": "cosine",
        "to": 0,
        "unit": "updates",
        "length": 8,
        "begin": 0,
        "warmup": 3,
        "warmup_from": 0.1,
        "momentum_correction": True,
    },
    stop=2 * N,
)
PHASES = cases.spec(optimizer=ADAM, learning_rate=0.01, seeds=[3, 4], accumulation=2, stop=N)
PATIENT = cases.spec(
    seeds=[0, 4],
    optimizer=ADAM,
    learning_rate=0.05,
    stop=20 * N,
    evaluate={"every": 3, "unit": "updates", "begin": 0, "subset": 6},
    until={"metric": "validation_loss", "better": "lower", "patience": 2, "restore_best": True, "cap": 20 * N},
)
LATER = {**PHASES, "start": N, "stop": 2 * N}

GRADIENTS = {"name": "gradient_norms", "trials": 7, "samples": 16, "batch_sizes": [2, 8, 16], "per_layer": True}
PROBES = {
    "gradients": GRADIENTS,
    "few_at_once": {**GRADIENTS, "batch_sizes": [8]},
    "gradients_norm": {**GRADIENTS, "batch_sizes": [8]},
    "gradients_convolution": {**GRADIENTS, "batch_sizes": [8], "methods": ["fixed_weights"]},
    "trajectory": {"name": "trajectory", "updates": 5, "batch_sizes": [4, 16]},
    "weight_drift": {"name": "weight_drift", "updates": 3, "accumulations": [1, 4]},
    "running_statistics": {"name": "running_statistics"},
    "curvature": {"name": "curvature", "examples": 40, "tolerance": 1e-10},
    "sharpness": {"name": "sharpness", "examples": 40, "measures": ["full", "subspace"], "radii": [0.001]},
    "noise_scale": {"name": "noise_scale", "examples": 8, "part": 2, "draws": 2},
    "competition_convolution": {
        "name": "gradient_competition",
        "examples": 8,
        "draws": 2,
        "batch_sizes": [4],
        "trials": 2,
        "bins": 4,
    },
    "interpolation": {"name": "interpolation", "points": 5, "between": [-1, 2]},
    "surroundings": {"name": "surroundings", "directions": 2, "points": 3, "grid": 3, "surface_examples": 30},
    "one_step": {"name": "one_step", "batch_sizes": [4, 16], "draws": 2, "held_out": 9, "steps": 4},
    "paths": {"name": "paths", "batch_sizes": [4, 16], "examples": 48, "every": 16, "grid": 3, "surface_examples": 20},
}
# Precision, model, and whether an epoch is trained before (by the TensorFlow core).
PROBED: dict[str, tuple[str, dict[str, Any], bool]] = {
    "gradients": ("float64", cases.MLP, False),
    "few_at_once": ("float64", cases.MLP, False),
    "gradients_norm": ("float32", NORM, True),
    "gradients_convolution": ("float64", LENET, False),
    "trajectory": ("float64", cases.MLP, True),
    "weight_drift": ("float64", cases.MLP, True),
    "running_statistics": ("float32", NORM, True),
    "curvature": ("float64", cases.MLP, True),
    "sharpness": ("float64", cases.MLP, True),
    "noise_scale": ("float64", cases.MLP, False),
    "competition_convolution": ("float64", LENET, False),
    "interpolation": ("float64", cases.MLP, True),
    "surroundings": ("float64", cases.MLP, True),
    "one_step": ("float64", cases.MLP, True),
    "paths": ("float64", cases.MLP, True),
}


ALONG: dict[str, Any] = {
    "steps": [-0.5, 0.0, 2.0],
    "rows": [[0, 7, 30], [54, 1, 2]],
    "direction": [np.random.default_rng(1).normal(size=shape).tolist() for shape in [(12, 8), 8, (8, 6), 6, (6, 3), 3]],
}


@pytest.fixture(scope="module")
def jax(tmp_path_factory: pytest.TempPathFactory) -> Jax:
    """Everything that the JAX core is asked to do, done in one process."""
    side = Jax(tmp_path_factory.mktemp("jax"))
    (side.folder / "penalised.py").write_text(PENALISED)
    (side.folder / "several.py").write_text(INPUTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(side.folder)
        for name in TWINS | AGREEMENT:
            precision, spec, data = settings(name)
            with cases.precision(precision):
                start = starting_at(spec, data)
            side.add(name, "train", spec, precision, data=data, initial=start, parent=start)
    with cases.precision("float64"):
        start = starting_at(MIXED, {})
        lost = with_a_lost_replica(start)
        side.add("lost", "train", MIXED, initial=start, parent=lost)
        for name, spec in {"rates": GRID, "scheduled_rates": SCHEDULED}.items():
            side.add(name, "learning_rates", spec, learning_rates=RATES, initial=starting_at(spec, {}))
        start = starting_at(LONGER, {})
        for name, changes in {
            "longer": {},
            "killed": {"deaths": 1},
            "alone": {"spec": {**LONGER, "seeds": [1]}},
        }.items():
            side.add(name, "train", **{"spec": LONGER, "initial": start, "parent": start, **changes})
        start = starting_at(PATIENT, {})
        for name, changes in {"patient": {}, "patient_killed": {"deaths": 2}}.items():
            side.add(name, "train", PATIENT, initial=start, parent=start, **changes)
        start = starting_at(PHASES, {})
        first = train_here(PHASES, {}, start, start).snapshot
        side.add("phase_1", "train", PHASES, initial=start, parent=start)
        side.add("phase_2", "train", LATER, initial=start, parent=first)
    for name in PROBES:
        precision = PROBED[name][0]
        with cases.precision(precision):
            read = measured_at(name, precision)
        budget = {"budget": 5000} if name == "few_at_once" else {}
        side.add(name, "measure", settings_of(name), precision, data=data_of(name), **read, **budget)
    with cases.precision("float64"):
        side.add("along", "along", cases.spec(), parent=starting_at(cases.spec(), {}), **ALONG)
    side.add("choices", "choices", cases.spec(), "float32", data={"shape": (8, 8)})
    side.add("stateless", "stateless", cases.spec(model=NORM), "float32")
    side.add("refused", "refused", cases.spec(model=NORM))
    for name, code in USERS.items():
        (side.folder / f"{name}.py").write_text(code)
        side.add(name, "tried", {"model": {"file": f"{name}.py", "code": "0123456789"}}, "float32")
    for name in ("drawn", "drawn_again"):
        side.add(name, "initialise", cases.spec(seeds=[0, 1]), "float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(side.folder)
        side.run()
    return side


def error(found: state.Snapshot, expected: state.Snapshot) -> float:
    """Return the largest relative difference between two snapshots' variables; their keys and positions are equal."""
    assert found.seeds == expected.seeds
    assert list(found.arrays) == list(expected.arrays)
    for one, other in zip(found.positions, expected.positions, strict=True):
        assert (one.updates, one.examples, one.status) == (other.updates, other.examples, other.status)
    largest = 0.0
    for key, values in expected.arrays.items():
        difference = np.abs(found.arrays[key].astype(np.float64) - values).max()
        largest = max(largest, float(difference / max(np.abs(values).max(), 1e-30)))
    return largest


def inputs(stored: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Return the training inputs as the model sees them."""
    scaled: np.ndarray[Any, Any] = stored["x_train"] / stored["scale"]
    return scaled


@pytest.mark.parametrize("name", TWINS)
def test_an_epoch_with_a_ragged_batch_equals_the_twin(jax: Jax, name: str) -> None:
    precision, spec, data = settings(name)
    stored = cases.arrays(**data)
    x, labels = inputs(stored), stored["y_train"]
    start, end = state.read(jax.folder / f"{name}-initial.npz"), jax.snapshot(name)
    bound = {"float64": 1e-12, "float32": 1e-6}[precision]
    for row, seed in enumerate(spec["seeds"]):
        orders = [order.permutation(seed, 0, len(labels))]
        twin = TWINS[name][1]()
        expected = reference.train(cases.parameters(start, row), twin, x, labels, orders, 16, "relu")
        assert cases.relative_error(cases.parameters(end, row), expected) < bound
        logits = reference.forward(expected, x, "relu")[0]
        measured = jax[name]["history"][row]
        assert measured["train_loss"] == pytest.approx(reference.losses(logits, labels).mean(), rel=10 * bound)
        assert measured["train_accuracy"] == np.mean(logits.argmax(axis=1) == labels)
        assert measured["updates"] == -(-len(labels) // 16)
    assert jax[name]["facts"]["vectorised"] is True
    assert {str(values.dtype) for key, values in end.arrays.items() if "kernel" in key} == {precision}


@pytest.mark.parametrize("name", slow_but(AGREEMENT, "norm", "adam_4", "scheduled"))
def test_an_epoch_with_a_ragged_batch_equals_the_other_core(
    jax: Jax, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(jax.folder)
    precision, spec, data = settings(name)
    start = state.read(jax.folder / f"{name}-initial.npz")
    with cases.precision(precision):
        expected = train_here(spec, data, start, start)
    bound = BOUNDS[precision]
    assert error(jax.snapshot(name), expected.snapshot) < bound
    assert_same_rows(jax[name]["history"], expected.history, bound)
    assert_same_rows(jax[name]["distances"], expected.distances, bound)
    assert jax[name]["facts"]["vectorised"] is (name != "convolution")
    assert {str(values.dtype) for key, values in jax.snapshot(name).arrays.items() if "kernel" in key} == {precision}


def test_a_replica_does_not_depend_on_those_beside_it(jax: Jax) -> None:
    # With dropout: each replica has a random state of its own.
    together, alone = jax.snapshot("longer"), jax.snapshot("alone")
    one = {key: values[1:] for key, values in together.arrays.items()}
    assert error(state.Snapshot((1,), one, together.positions[1:]), alone) < 1e-10
    assert_same_rows(jax["longer"]["history"][3:], jax["alone"]["history"], 1e-10)
    masks = together.arrays["weights/seed_generator/seed_generator_state"]
    assert not np.array_equal(masks[0], masks[1])


def test_segments_that_are_trained_side_by_side_have_learning_rates_of_their_own(jax: Jax) -> None:
    found, stored = jax.snapshot("rates"), cases.arrays()
    start, seeds = state.read(jax.folder / "rates-initial.npz"), GRID["seeds"]
    for row, (rate, seed) in enumerate(itertools.product(RATES, seeds)):
        twin, orders = reference.SGD(rate), [order.permutation(seed, 0, N)]
        weights = cases.parameters(start, seeds.index(seed))
        expected = reference.train(weights, twin, inputs(stored), stored["y_train"], orders, 16, "relu")
        assert cases.relative_error(cases.parameters(found, row), expected) < 1e-12
    assert jax["rates"]["facts"]["side_by_side"] == len(RATES) * len(seeds)
    for rows, rate in zip(jax["rates"]["history"], RATES, strict=True):
        assert [(row["seed"], row["learning_rate"]) for row in rows] == [(seed, rate) for seed in seeds]


def test_schedules_of_rates_side_by_side_are_those_of_the_other_core(jax: Jax) -> None:
    found, start = jax.snapshot("scheduled_rates"), state.read(jax.folder / "scheduled_rates-initial.npz")
    for row, rate in enumerate(RATES):
        with cases.precision("float64"):
            expected = train_here({**SCHEDULED, "learning_rate": rate}, {}, start, start).snapshot
        one = {key: values[row : row + 1] for key, values in found.arrays.items()}
        assert error(state.Snapshot((3,), one, found.positions[row : row + 1]), expected) < 1e-10


@pytest.mark.parametrize("first", ["tensorflow", "jax"])
def test_a_run_may_go_on_with_the_other_core(jax: Jax, first: str) -> None:
    start, stored = state.read(jax.folder / "phase_1-initial.npz"), cases.arrays()
    if first == "tensorflow":
        end = jax.snapshot("phase_2")
    else:
        with cases.precision("float64"):
            end = train_here(LATER, {}, start, jax.snapshot("phase_1")).snapshot
    for row, seed in enumerate(PHASES["seeds"]):
        orders = [order.permutation(seed, epoch, N) for epoch in range(2)]
        twin = reference.Adam(0.01)
        expected = reference.train(
            cases.parameters(start, row), twin, inputs(stored), stored["y_train"], orders, 16, "relu"
        )
        assert cases.relative_error(cases.parameters(end, row), expected) < 1e-12
    assert [position.updates for position in end.positions] == [8, 8]


def test_a_snapshot_with_random_states_goes_back_to_the_other_core(jax: Jax) -> None:
    start = state.read(jax.folder / "longer-initial.npz")
    with cases.precision("float64"):
        later = train_here({**LONGER, "start": 3 * N, "stop": 4 * N}, {}, start, jax.snapshot("longer"))
    assert [row["status"] for row in later.history] == ["ok", "ok"]
    assert later.snapshot.positions[0].updates == 16


def test_a_diverged_replica_leaves_the_others_alone(jax: Jax) -> None:
    start, parent = (state.read(jax.folder / f"lost-{name}.npz") for name in ("initial", "parent"))
    with cases.precision("float64"):
        expected = train_here(MIXED, {}, start, parent)
    found = jax["lost"]["history"]
    assert [(row["seed"], row["updates"], row["status"]) for row in found] == [
        (3, 4, "diverged"),
        (3, 8, "diverged"),
        (4, 4, "ok"),
        (4, 8, "ok"),
    ]
    assert np.isnan([row["test_loss"] for row in found]).tolist() == [True, True, False, False]
    assert_same_rows(found[2:], expected.history[2:], 1e-10)
    after = jax.snapshot("lost")
    assert cases.relative_error(cases.parameters(after, 1), cases.parameters(expected.snapshot, 1)) < 1e-10
    # It takes no share of the time after it was lost.
    assert found[0]["seconds"] == found[1]["seconds"]


def test_replicas_side_by_side_end_one_by_one_as_with_the_other_core(jax: Jax) -> None:
    start = state.read(jax.folder / "patient-initial.npz")
    with cases.precision("float64"):
        expected = train_here(PATIENT, {}, start, start)
    for name in ("patient", "patient_killed"):
        found = jax.snapshot(name)
        ends = [(position.updates, position.examples, position.status) for position in found.positions]
        assert ends == [(at.updates, at.examples, at.status) for at in expected.snapshot.positions]
        assert {status for _, _, status in ends} == {"ok", "stopped"}  # one of them comes to its cap
        assert_same_rows(jax[name]["history"], expected.history, 1e-6)
        for row in range(2):
            there = cases.parameters(expected.snapshot, row)
            assert cases.relative_error(cases.parameters(found, row), there) < 1e-6


def test_a_killed_training_goes_on_and_gives_the_same_numbers(jax: Jax) -> None:
    whole, resumed = jax.snapshot("longer"), jax.snapshot("killed")
    for key, values in whole.arrays.items():
        assert resumed.arrays[key].tobytes() == values.tobytes(), key
    assert numbers(jax["killed"]["history"])[1].tolist() == numbers(jax["longer"]["history"])[1].tolist()
    assert jax["killed"]["distances"] == jax["longer"]["distances"]


@pytest.mark.parametrize("name", ["gradients", "few_at_once"])
def test_norms_of_gradients_equal_brute_force(jax: Jax, name: str) -> None:
    stored = cases.arrays()
    x, labels = inputs(stored), stored["y_train"]
    weights = cases.parameters(state.read(jax.folder / f"{name}-parent.npz"))
    rows = jax[name]["gradient_norms"]
    assert len(rows) == 2 * len(PROBES[name]["batch_sizes"]) * 7
    for row in rows:
        total = reference.trial_gradient(row, weights, x, labels, 7, 16)
        assert row["norm"] == pytest.approx(reference.norm(total), rel=1e-11)
        layers = [value for column, value in row.items() if column.startswith("norm_")]
        assert layers == pytest.approx([reference.norm([part]) for part in total], rel=1e-10)
    [moments] = jax[name]["gradient_moments"]
    assert (moments["squared_norm"], moments["trace"]) == pytest.approx(
        reference.moments(weights, x, labels), rel=1e-11
    )


@pytest.mark.parametrize("name", [name for name in PROBES if name not in ("gradients", "few_at_once")])
def test_a_probe_measures_the_same_with_the_other_core(jax: Jax, name: str) -> None:
    precision = PROBED[name][0]
    with cases.precision(precision):
        read = tuple(measured_at(name, precision).values())
        expected = measuring.measure(settings_of(name), cases.resident(**data_of(name)), read).tables
    assert jax[name].keys() == expected.keys()
    for table, rows in jax[name].items():
        assert list(rows[0]) == list(expected[table][0])
        # A drift is rounding alone, so of it only the size is the same.
        bound = 1e-13 if name == "weight_drift" else {"float64": 1e-9, "float32": 2e-5}[precision]
        assert_same_rows(rows, expected[table], bound)


def test_loss_and_gradient_along_a_direction_are_those_of_the_twin(jax: Jax) -> None:
    stored = cases.arrays()
    x, labels = inputs(stored), stored["y_train"]
    weights = cases.parameters(state.read(jax.folder / "along-parent.npz"))
    direction = [np.array(part) for part in ALONG["direction"]]
    for row, values in zip(ALONG["rows"], jax["along"]["values"], strict=True):
        expected = reference.losses_and_slopes(weights, direction, ALONG["steps"], x[row], labels[row])
        assert values == pytest.approx(expected, rel=1e-11)


def test_replicas_with_convolutions_run_one_after_the_other(jax: Jax) -> None:
    assert jax["choices"] == {
        "cnn": [False, True],
        "lenet": [False, True],
        "mlp": [True, True],
        "mlp_bn": [True, True],
    }


def test_a_model_as_a_function_is_that_of_keras(jax: Jax) -> None:
    assert jax["stateless"]["differences"] == [0.0] * 5
    assert min(jax["stateless"]["moved"]) > 0


def test_a_model_that_would_silently_be_rounded_is_refused(jax: Jax) -> None:
    assert "precision: float64, but under JAX" in jax["refused"]["error"]
    assert "BATCHLAB_BACKEND=tensorflow" in jax["refused"]["error"]


def test_a_model_of_a_user_is_tried(jax: Jax) -> None:
    hidden, logits = (12 + 1) * 256, (256 + 1) * 3
    assert jax["manual"] == {
        "parameters": hidden + logits,
        "jit": True,
        "jit_reason": "JAX compiles every loop",
        "vectorised": True,
        "vectorised_reason": "no convolution: replicas side by side",
    }
    assert jax["random"]["parameters"] == 2 * 12 + (12 + 1) * 3
    assert "returns probabilities; return logits" in jax["softmax"]["error"]
    assert "trainable" in jax["constant"]["error"]


def test_replicas_share_the_seconds_equally(jax: Jax) -> None:
    rows = jax["momentum_1"]["history"]
    assert len({row["seconds"] for row in rows}) == 1
    assert rows[0]["seconds"] > 0


def test_initial_weights_are_drawn_again_from_the_seed(jax: Jax) -> None:
    one, other = jax.snapshot("drawn"), jax.snapshot("drawn_again")
    expected = starting_at(cases.spec(seeds=[0, 1]), {})
    assert list(one.arrays) == list(expected.arrays)
    for key, values in one.arrays.items():
        assert values.tobytes() == other.arrays[key].tobytes()
        assert values.shape == expected.arrays[key].shape
    kernel = one.arrays["weights/mlp/hidden_1/kernel"]
    assert not np.array_equal(kernel[0], kernel[1])
    assert [row["updates"] for row in jax["drawn"]["history"]] == [0, 0]


def test_a_process_of_one_core_says_so_and_never_loads_the_other(jax: Jax) -> None:
    process = jax["process"]
    assert "jax" in process["modules"]
    assert "tensorflow" not in process["modules"]
    assert "sklearn" not in process["modules"]
    facts = process["facts"]
    assert (facts["backend"], facts["device"], facts["deterministic"]) == ("jax", "cpu", True)
    assert facts["jax"].count(".") == 2
    assert "--xla_cpu_multi_thread_eigen=false" in facts["deterministic_flags"]
    assert runtime.configure()["backend"] == "tensorflow"
    assert "jax" not in sys.modules


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can be taken away on Linux only")
def test_one_core_gives_the_numbers_of_all(tmp_path: Path) -> None:
    # The layers are wide enough for a second thread to change the last digits.
    wide = {"model": {"name": "mlp", "hidden": [512, 64]}, "batch_size": 64, "stop": 257, "seeds": [0, 1]}
    spec, data = cases.spec(**wide), {"examples": 257, "shape": (300,)}
    start = starting_at(spec, data)
    found = []
    for cores in (1, 0):
        (tmp_path / str(cores)).mkdir()
        side = Jax(tmp_path / str(cores))
        side.add("wide", "train", spec, "float32", data=data, initial=start, parent=start)
        side.run(cores)
        found.append(side.snapshot("wide"))
    for key, values in found[0].arrays.items():
        assert values.tobytes() == found[1].arrays[key].tobytes(), key
