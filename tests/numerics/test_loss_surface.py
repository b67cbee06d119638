"""Probes of the loss surface, against dense Hessians, closed forms and brute force in NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.probes import measuring
from batchlab.probes.curvature.measure import largest_eigenvalue
from batchlab.probes.sharpness.measure import highest, pseudo_inverse, subspace
from batchlab.training import order, plane, state
from batchlab.training.loss_surface import subset

N = cases.EXAMPLES
TANH = {"name": "mlp", "hidden": [4], "activation": "tanh"}


def measured(data: Resident, snapshots: list[state.Snapshot], own: dict[str, Any], **changes: Any) -> dict[str, Any]:
    positions = [snapshot.positions[0].examples for snapshot in snapshots]
    spec = {**cases.spec(**changes), "positions": positions, "probe": own}
    return measuring.measure(spec, data, tuple(snapshots)).tables


def flat(parts: list[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([part.ravel() for part in parts])


def parts_of(vector: NDArray[np.float64], like: list[NDArray[Any]]) -> list[NDArray[np.float64]]:
    ends = np.cumsum([part.size for part in like])[:-1]
    return [piece.reshape(part.shape) for piece, part in zip(np.split(vector, ends), like, strict=True)]


class Twin:
    """Mean loss and gradient of a multilayer perceptron over some examples, as functions of one vector of weights."""

    def __init__(self, snapshot: state.Snapshot, rows: NDArray[Any], activation: str, **data: Any) -> None:
        arrays = cases.arrays(**data)
        self.x, self.y, self.activation = arrays["x_train"][rows], arrays["y_train"][rows], activation
        self.like = cases.parameters(snapshot)
        self.origin = flat(self.like)

    def loss(self, weights: NDArray[np.float64]) -> float:
        logits = reference.forward(parts_of(weights, self.like), self.x, self.activation)[0]
        return float(reference.losses(logits, self.y).mean())

    def gradient(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return flat(reference.gradient_sum(parts_of(weights, self.like), self.x, self.y, self.activation)) / len(self.y)

    def hessian(self) -> NDArray[np.float64]:
        """Return the dense Hessian by central differences of the gradient."""
        step = 1e-5
        axes = step * np.eye(self.origin.size)
        rows = [(self.gradient(self.origin + e) - self.gradient(self.origin - e)) / (2 * step) for e in axes]
        return (np.array(rows) + np.array(rows).T) / 2


# The subset


def test_a_subset_is_drawn_for_each_seed_and_smaller_ones_are_part_of_larger_ones() -> None:
    few, more = (np.concatenate(subset(3, count, 5000)) for count in (40, 2500))
    assert len(set(few)) == 40 and set(few) < set(more)
    assert not np.array_equal(few, np.concatenate(subset(4, 40, 5000)))
    assert [len(part) for part in subset(3, 2500, 5000)] == [834, 833, 833]
    np.testing.assert_array_equal(np.concatenate(subset(3, 100, 55)), np.arange(55))


# Curvature


def test_the_largest_eigenvalue_is_that_of_the_dense_hessian() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec(model=TANH))
        trained = cases.trained(data, start, model=TANH, stop=10 * N).snapshot
        own = {"name": "curvature", "examples": 40, "tolerance": 1e-8}
        [row] = measured(data, [trained], own, model=TANH)["curvature"]
    twin = Twin(trained, np.concatenate(subset(3, 40, N)), "tanh")
    hessian = twin.hessian()
    eigenvalues = np.linalg.eigvalsh(hessian)
    assert row["largest_eigenvalue"] == pytest.approx(eigenvalues[-1], rel=1e-6)
    assert row["stability"] == pytest.approx(0.1 * eigenvalues[-1], rel=1e-6)
    assert row["loss"] == pytest.approx(twin.loss(twin.origin), rel=1e-12)
    # Not the one of the largest modulus.
    other, _ = largest_eigenvalue(lambda vector: -hessian @ vector, twin.origin.size, 0, 1e-8)
    assert other == pytest.approx(-eigenvalues[0], rel=1e-5)


# Sharpness


def test_the_highest_value_of_a_quadratic_in_a_box_is_the_closed_form() -> None:
    """Of Σ aᵢ zᵢ² / 2 + bᵢ zᵢ the maximum is at a side where aᵢ > 0, and at −bᵢ/aᵢ or a side where aᵢ < 0."""
    random = np.random.default_rng(0)
    a, b, half = random.normal(size=60), random.normal(size=60), random.uniform(0.01, 0.1, 60)
    a[:20] *= 100  # some maxima lie inside
    inside = np.clip(-b / np.where(a < 0, a, -1e-9), -half, half)
    best = np.where(a < 0, inside, np.sign(b) * half)

    def quadratic(z: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        return float(np.sum(a * z**2 / 2 + b * z)), a * z + b

    assert highest(quadratic, half, 200) == pytest.approx(quadratic(best)[0], rel=1e-6)
    assert highest(quadratic, half, 10) > 0.95 * quadratic(best)[0]
    assert highest(quadratic, np.zeros(60), 10) == 0.0


LINEAR: dict[str, Any] = {"model": {"name": "mlp", "hidden": []}}
POINTS: dict[str, Any] = {"shape": (2,), "classes": 2, "examples": 40}


def test_sharpness_of_a_convex_loss_is_that_of_the_worst_corner() -> None:
    with cases.precision("float64"):
        data = cases.resident(**POINTS)
        start = cases.initial(data, cases.spec(**LINEAR))
        own = {
            "name": "sharpness",
            "examples": 30,
            "radii": [0.05],
            "relative_radii": [0.1],
            "directions": 2,
            "iterations": 30,
        }
        rows = measured(data, [start], own, **LINEAR)["sharpness"]
    twin = Twin(start, np.concatenate(subset(3, 30, 40)), "relu", **POINTS)
    loss = twin.loss(twin.origin)
    basis = subspace(3, 6, 2).astype(np.float64)
    boxes = {
        "full": (np.eye(6), 0.05 * (np.abs(twin.origin) + 1)),
        "adaptive": (np.eye(6), 0.1 * np.abs(twin.origin)),
        "subspace": (basis, 0.05 * (np.abs(np.linalg.pinv(basis) @ twin.origin) + 1)),
    }
    assert sorted(row["measure"] for row in rows) == sorted(boxes)
    for row in rows:
        matrix, half = boxes[row["measure"]]
        corners = [
            twin.loss(twin.origin + matrix @ (half * signs)) for signs in itertools.product((-1, 1), repeat=len(half))
        ]
        assert row["highest"] == pytest.approx(max(corners), rel=1e-9)
        assert row["sharpness"] == pytest.approx(100 * (max(corners) - loss) / (1 + loss), rel=1e-6)


def test_adaptive_sharpness_stays_when_layers_are_rescaled_and_keskars_does_not() -> None:
    model = {"name": "mlp", "hidden": [6]}
    own = {"name": "sharpness", "measures": ["full", "adaptive"], "radii": [0.01]}
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec(model=model))
        trained = cases.trained(data, start, model=model, stop=5 * N).snapshot
        factors = {"hidden_1/kernel": 8.0, "hidden_1/bias": 8.0, "logits/kernel": 1 / 8}
        arrays = {
            key: values * next((f for name, f in factors.items() if key.endswith(name)), 1.0)
            for key, values in trained.arrays.items()
        }
        rescaled = state.Snapshot(trained.seeds, arrays, trained.positions)
        before, after = (measured(data, [each], own, model=model)["sharpness"] for each in (trained, rescaled))
    assert [row["loss"] for row in after] == pytest.approx([row["loss"] for row in before], rel=1e-12)
    first, then = ({row["measure"]: row["sharpness"] for row in rows} for rows in (before, after))
    assert then["adaptive"] == pytest.approx(first["adaptive"], rel=1e-6)
    assert abs(np.log(then["full"] / first["full"])) > 0.5


def test_the_pseudo_inverse_is_that_of_the_singular_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchlab.probes.sharpness.measure._BLOCK", 30)
    basis, vector = np.random.default_rng(1).normal(size=(50, 4)), np.arange(50.0)
    np.testing.assert_allclose(pseudo_inverse(basis, vector), np.linalg.pinv(basis) @ vector, rtol=1e-10)


# Interpolation


def test_a_point_between_two_arms_has_the_metrics_of_the_mixed_weights() -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec())
        small, large = (cases.trained(data, start, batch_size=size, stop=4 * N).snapshot for size in (4, N))
        own = {"name": "interpolation", "points": 7, "between": [-1, 2]}
        rows = measured(data, [small, large], own)["interpolation"]
    assert [row["alpha"] for row in rows] == [-1, -0.5, 0, 0.5, 1, 1.5, 2]
    first, second = cases.parameters(small), cases.parameters(large)
    for row in rows:
        mixed = [(1 - row["alpha"]) * one + row["alpha"] * other for one, other in zip(first, second, strict=True)]
        for split in ("train", "test"):
            logits = reference.forward(mixed, arrays[f"x_{split}"], "relu")[0]
            labels = arrays[f"y_{split}"]
            assert row[f"{split}_loss"] == pytest.approx(reference.losses(logits, labels).mean(), rel=1e-11)
            assert row[f"{split}_accuracy"] == np.mean(logits.argmax(axis=1) == labels)


def test_statistics_are_taken_anew_at_every_point() -> None:
    """With one normalised layer, a sign flip of its kernel is undone by normalisation: α and its mirror image agree."""
    model = {"name": "mlp_bn", "hidden": [5]}
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec(model=model))
        trained = cases.trained(data, start, model=model, stop=2 * N)
        doubled = {
            key: 2 * values if key.endswith("hidden_1/kernel") else values
            for key, values in trained.snapshot.arrays.items()
        }
        other = state.Snapshot(trained.snapshot.seeds, doubled, trained.snapshot.positions)
        own = {"name": "interpolation", "points": 4, "between": [0, 3]}
        rows = measured(data, [trained.snapshot, other], own, model=model)["interpolation"]
    # Normalisation takes out the scale of what it normalises, but for the ε that it adds to the variance.
    for row in rows:
        assert row["train_loss"] == pytest.approx(trained.history[-1]["train_loss"], rel=1e-3)


# Planes and paths


def test_main_directions_are_those_of_the_singular_values() -> None:
    points = np.random.default_rng(2).normal(size=(6, 40)) * np.array([5, 3, 1, 1, 1, 1])[:, None]
    directions, share = plane.main_directions(points)
    _, values, right = np.linalg.svd(points, full_matrices=False)
    np.testing.assert_allclose(np.abs(directions @ right[:2].T), np.eye(2), atol=1e-10)
    assert share == pytest.approx((values[:2] ** 2).sum() / (values**2).sum())
    straight, all_of_it = plane.main_directions(np.outer([1.0, 2.0, 3.0], np.arange(4.0)))
    assert all_of_it == pytest.approx(1) and np.linalg.norm(straight[0]) == pytest.approx(1) and not straight[1].any()


def test_each_unit_of_a_random_direction_is_as_long_as_its_weights() -> None:
    random = np.random.default_rng(3)
    dense, bias, filters = random.normal(size=(7, 3)), random.normal(size=3), random.normal(size=(3, 3, 2, 4))
    direction = plane.filter_normalised([dense, bias, filters], random)
    of_dense, of_bias, of_filters = parts_of(direction, [dense, bias, filters])
    np.testing.assert_allclose(np.linalg.norm(of_dense, axis=0), np.linalg.norm(dense, axis=0))
    assert not of_bias.any()
    lengths = [np.linalg.norm(each.reshape(-1, 4), axis=0) for each in (of_filters, filters)]
    np.testing.assert_allclose(*lengths)


def walked(start: state.Snapshot, size: int, rate: float, updates: int) -> list[NDArray[np.float64]]:
    """Return the weights of the twin's path, the start included."""
    arrays, weights = cases.arrays(examples=64), cases.parameters(start)
    indices = order.permutation(3, 0, 64)
    path = [flat(weights)]
    for batch in indices.reshape(-1, size)[:updates]:
        gradients = reference.gradient_sum(weights, arrays["x_train"][batch], arrays["y_train"][batch], "relu")
        weights = [w - rate * g / size for w, g in zip(weights, gradients, strict=True)]
        path.append(flat(weights))
    return path


def test_paths_are_as_long_as_those_of_the_twin_and_lie_in_their_plane() -> None:
    own = {"name": "paths", "batch_sizes": [4, 16], "examples": 64, "every": 16, "grid": 3, "surface_examples": 20}
    with cases.precision("float64"):
        data = cases.resident(examples=64)
        start = cases.initial(data, cases.spec())
        tables = measured(data, [start], own)
    lengths = {(row["rates"], row["batch_size"], row["sampling"]): row for row in tables["path_lengths"]}
    assert len(lengths) == 12
    for rates, size in itertools.product(("same", "linear"), (4, 16)):
        rate = 0.1 * (size / 16 if rates == "linear" else 1)
        path = np.array(walked(start, size, rate, 64 // size))
        looked_at = {"updates": path, "examples": path[:: 16 // size], "first": path[:5]}
        for sampling, points in looked_at.items():
            row = lengths[rates, size, sampling]
            steps = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
            net = np.linalg.norm(points[-1] - points[0])
            assert (row["length"], row["displacement"]) == pytest.approx((steps, net), rel=1e-10)
            assert row["raggedness"] == pytest.approx(steps / net, rel=1e-10)
            assert row["learning_rate"] == rate
        assert lengths[rates, size, "first"]["updates"] == 4 and lengths[rates, size, "first"]["examples"] == 4 * size
    points = [row for row in tables["plane"] if row["rates"] == "same"]
    kept = np.array(
        [point for size in (4, 16) for point in walked(start, size, 0.1, 64 // size)[16 // size :: 16 // size]]
    )
    origin = flat(cases.parameters(start))
    directions, _ = plane.main_directions(kept - origin)
    drawn = [(row["first"], row["second"]) for row in points if row["batch_size"] == 4]
    np.testing.assert_allclose(drawn, (np.array(walked(start, 4, 0.1, 16)) - origin) @ directions.T, atol=1e-10)
    twin = Twin(start, np.concatenate(subset(3, 20, 64)), "relu", examples=64)
    surface = [row for row in points if row["batch_size"] == ""]
    assert len(surface) == 9
    for row in surface:
        there = origin + row["first"] * directions[0] + row["second"] * directions[1]
        assert row["loss"] == pytest.approx(twin.loss(there), rel=1e-10)


def test_a_path_does_not_cross_the_end_of_an_epoch() -> None:
    data = cases.resident(examples=64)
    start = cases.initial(data, cases.spec())
    middle = cases.trained(data, start, stop=16).snapshot
    own = {"name": "paths", "batch_sizes": [16], "examples": 64, "every": 16}
    with pytest.raises(BatchlabError, match="48 examples are left of the snapshot's epoch, not 64"):
        measured(data, [middle], own)


# Surroundings


def test_lines_average_over_directions_and_the_surface_holds_them() -> None:
    own = {"name": "surroundings", "directions": 1, "points": 3, "grid": 3, "reach": 0.5, "surface_examples": N}
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec())
        tables = measured(data, [start], own)
    lines = {row["step"]: row["train_loss"] for row in tables["random_lines"]}
    for row in tables["random_lines"]:
        assert row["rise"] == pytest.approx(lines[row["step"]] - lines[0], abs=1e-12)
    surface = {(row["first"], row["second"]): row["loss"] for row in tables["random_surface"]}
    twin = Twin(start, np.arange(N), "relu")
    assert lines[0] == pytest.approx(twin.loss(twin.origin), rel=1e-11)
    for step in (-0.5, 0, 0.5):
        assert lines[step] == pytest.approx(surface[step, 0], rel=1e-11)
    assert len(surface) == 9 and surface[0.5, 0.5] != surface[-0.5, 0.5]
