"""Estimators of the noise scale where tr Σ and ‖G‖² are known, and the probes that use them against the twin."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numpy.typing import NDArray

from batchlab.declarations.probe import Situation
from batchlab.probes import gradient_products, measuring
from batchlab.probes.gradient_competition import declaration as competition
from batchlab.probes.gradient_competition.measure import diversity
from batchlab.probes.noise_scale import declaration as noise
from batchlab.tables.derivations.noise_scale.derive import noise_scale
from batchlab.training.order import trial_batches

Array = NDArray[np.float64]


class Regression:
    """y = w*·x + ε with independent normal x of variances λ_k ∝ 1/k and normal ε: gradients at w in closed form.

    A single gradient is g = (x·e − ε) x with e = w − w*. With Λ = diag λ, by Isserlis' theorem,
    G = Λe and E‖g‖² = (e·Λe + σ²) tr Λ + 2 e·Λ²e.
    """

    def __init__(self, inputs: int = 20, noise: float = 0.5) -> None:
        self.spectrum = 1.0 / np.arange(1, inputs + 1)
        self.noise = noise
        self.error = np.random.default_rng(5).normal(size=inputs)

    @property
    def squared_norm(self) -> float:
        return float(np.sum((self.spectrum * self.error) ** 2))

    @property
    def trace(self) -> float:
        residual = float(np.sum(self.spectrum * self.error**2)) + self.noise**2
        return residual * float(self.spectrum.sum()) + self.squared_norm

    def products(self, random: np.random.Generator, examples: int) -> Array:
        """Return the inner products of the gradients of freshly drawn examples."""
        x = random.normal(size=(examples, len(self.spectrum))) * np.sqrt(self.spectrum)
        gradients = (x @ self.error - self.noise * random.normal(size=examples))[:, None] * x
        return gradients @ gradients.T


ENDLESS = 10**12


@pytest.mark.parametrize("part", [1, 4, 16])
def test_estimates_are_those_of_linear_regression_in_closed_form(part: int) -> None:
    problem, random = Regression(), np.random.default_rng(part)
    draws = np.array(
        [gradient_products.unbiased_moments(problem.products(random, 32), part, ENDLESS) for _ in range(4000)]
    )
    for found, expected in zip(draws.T, (problem.trace, problem.squared_norm), strict=True):
        error = found.std() / math.sqrt(len(found))
        assert abs(found.mean() - expected) < 4 * error
        assert error < 0.03 * expected


@pytest.mark.parametrize("part", [1, 2])
def test_estimates_from_all_batches_of_a_finite_set_are_exact(part: int) -> None:
    gradients = np.random.default_rng(2).normal(loc=0.3, size=(7, 5))
    orders = [order for chosen in itertools.combinations(range(7), 4) for order in itertools.permutations(chosen)]
    found = [
        gradient_products.unbiased_moments(gradients[list(order)] @ gradients[list(order)].T, part, 7)
        for order in orders
    ]
    trace = float(np.trace(np.cov(gradients.T, bias=True)))
    assert np.mean(found, axis=0) == pytest.approx((trace, float(np.sum(gradients.mean(axis=0) ** 2))), rel=1e-12)


def test_the_interval_holds_the_noise_scale_as_often_as_it_says() -> None:
    problem, random = Regression(), np.random.default_rng(0)
    truth, hits, times = problem.trace / problem.squared_norm, 0, 300
    for _ in range(times):
        draws = [gradient_products.unbiased_moments(problem.products(random, 64), 8, ENDLESS) for _ in range(20)]
        found = noise_scale(*np.transpose(draws))
        assert found["determined"] == 1
        assert 0 < found["noise_scale_low"] < found["noise_scale"] < found["noise_scale_high"]
        hits += found["noise_scale_low"] <= truth <= found["noise_scale_high"]
    # Binomial scatter of 300 is 1.3 %; twenty draws of sums of products are not quite normal.
    assert 0.91 <= hits / times <= 0.985


def test_a_signal_below_the_noise_is_not_determined_and_has_a_lower_bound() -> None:
    random = np.random.default_rng(1)
    problem, below, undetermined, times = Regression(noise=40.0), 0, 0, 300
    truth = problem.trace / problem.squared_norm
    for _ in range(times):
        draws = [gradient_products.unbiased_moments(problem.products(random, 16), 4, ENDLESS) for _ in range(10)]
        found = noise_scale(*np.transpose(draws))
        if not found["determined"]:
            undetermined += 1
            assert math.isnan(found["noise_scale"]) and math.isnan(found["noise_scale_high"])
            below += not found["noise_scale_bound"] > truth
    assert undetermined > 0.8 * times
    assert below / undetermined > 0.95


def test_a_negative_square_is_not_clamped() -> None:
    found = noise_scale([1.0, 1.1, 0.9], [-0.3, -0.2, -0.1])
    assert found["squared_norm"] == pytest.approx(-0.2)
    assert found["determined"] == 0 and math.isnan(found["noise_scale"])
    assert noise_scale([2.0], [0.5])["noise_scale"] == 4.0
    assert math.isnan(noise_scale([2.0], [0.5])["noise_scale_low"])


def test_cosines_and_parts() -> None:
    gradients = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    products = gradients @ gradients.T
    expected = [0, -1, np.nan, 0.5**0.5, 0, np.nan, 0.5**0.5, np.nan, -(0.5**0.5), np.nan]
    np.testing.assert_allclose(gradient_products.cosines(products), expected, atol=1e-15)
    np.testing.assert_allclose(gradient_products.part_norms(products, 2), [5, 9])


# The probes


def measured(name: str, **own: Any) -> tuple[dict[str, measuring.Rows], list[Array]]:
    """Run a probe on the initial weights in double precision; return its tables and the weights."""
    with cases.precision("float64"):
        data = cases.resident()
        snapshot = cases.initial(data, cases.spec())
        spec = {**cases.spec(), "position": 0, "probe": {"name": name, **own}}
        return measuring.measure(spec, data, (snapshot,)).tables, cases.parameters(snapshot)


def single(weights: list[Array], rows: NDArray[np.int32]) -> Array:
    """Return the gradients of single examples by the twin, one row each."""
    arrays = cases.arrays()
    parts = (
        reference.batch_gradient(weights, arrays["x_train"][row, None], arrays["y_train"][row, None]) for row in rows
    )
    return np.array([np.concatenate([part.ravel() for part in gradient]) for gradient in parts])


def test_the_probe_has_the_twins_moments_and_draws() -> None:
    tables, weights = measured("noise_scale", examples=16, part=4, draws=3)
    rows = tables["noise_draws"]
    arrays = cases.arrays()
    squared_norm, trace = reference.moments(weights, arrays["x_train"], arrays["y_train"])
    assert [row["estimator"] for row in rows] == ["all_examples"] + ["single_gradients"] * 3 + ["two_batch_sizes"] * 3
    assert (rows[0]["trace"], rows[0]["squared_norm"]) == pytest.approx((trace, squared_norm), rel=1e-11)
    for row, batch in zip(rows[4:], trial_batches(3, "noise_scale", 16, 3, 16, cases.EXAMPLES), strict=True):
        means = single(weights, batch).reshape(4, 4, -1).mean(axis=1)
        small, large = float(np.sum(means**2)) / 4, float(np.sum(means.mean(axis=0) ** 2))
        # Two equations in S = tr Σ N/(N−1) and ‖G‖², as they stand.
        n = cases.EXAMPLES
        left = np.array([[(1 / 4 - 1 / n) * n / (n - 1), 1.0], [(1 / 16 - 1 / n) * n / (n - 1), 1.0]])
        expected = np.linalg.solve(left, [small, large])
        assert (row["trace"], row["squared_norm"]) == pytest.approx(tuple(expected), rel=1e-10)


def test_competition_is_that_of_the_twins_gradients() -> None:
    sizes = [2, 16]
    tables, weights = measured("gradient_competition", examples=16, draws=2, trials=3, batch_sizes=sizes, bins=10)
    arrays = cases.arrays()
    draws = trial_batches(3, "gradient_competition", 16, 2, 16, cases.EXAMPLES)
    values: dict[str, list[float]] = {"all": [], "same": [], "different": []}
    for batch in draws:
        gradients = single(weights, batch)
        for i, j in itertools.combinations(range(16), 2):
            cosine = gradients[i] @ gradients[j] / np.linalg.norm(gradients[i]) / np.linalg.norm(gradients[j])
            labels = arrays["y_train"][batch[[i, j]]]
            for kind in ("all", "same" if labels[0] == labels[1] else "different"):
                values[kind].append(cosine)
    for row in tables["gradient_cosines"]:
        expected = np.array(values[row["pairs"]])
        assert row["count"] == len(expected)
        assert row["mean_cosine"] == pytest.approx(expected.mean(), rel=1e-10)
        assert row["opposed"] == pytest.approx((expected < 0).mean(), rel=1e-12)
        bins = [bin_ for bin_ in tables["cosine_histogram"] if bin_["pairs"] == row["pairs"]]
        assert sum(bin_["density"] for bin_ in bins) * 0.2 == pytest.approx(1)
        inside = np.mean((expected >= -0.2) & (expected < 0))
        assert bins[4]["cosine"] == -0.1 and bins[4]["density"] * 0.2 == pytest.approx(inside, rel=1e-9)
    squared_norm, trace = reference.moments(weights, arrays["x_train"], arrays["y_train"])
    assert [row["batch_size"] for row in tables["gradient_competition"]] == sizes
    for row in tables["gradient_competition"]:
        size = row["batch_size"]
        batches = draws.reshape(-1, size)
        gradients = [single(weights, batch) for batch in batches]
        squares, sums = sum(np.sum(g**2) for g in gradients), sum(np.sum(g.sum(axis=0) ** 2) for g in gradients)
        assert row["batches"] == len(batches)
        assert row["diversity"] == pytest.approx(squares / sums, rel=1e-10)
        finite = trace * (cases.EXAMPLES - size) / (cases.EXAMPLES - 1)
        predicted = (squared_norm + trace) / (size * squared_norm + finite)
        assert row["diversity_over_prediction"] == pytest.approx(squares / sums / predicted, rel=1e-9)
        _assert_two_steps(row, weights, batches[:3], size)


def _assert_two_steps(row: dict[str, Any], weights: list[Array], batches: NDArray[np.int32], size: int) -> None:
    arrays = cases.arrays()
    ratios, steps, halves = [], [], []
    for batch in batches:
        first, second = batch[: size // 2], batch[size // 2 :]
        a, b = (reference.batch_gradient(weights, arrays["x_train"][h], arrays["y_train"][h]) for h in (first, second))
        moved = [w - 0.1 * g / (size // 2) for w, g in zip(weights, a, strict=True)]
        c = reference.batch_gradient(moved, arrays["x_train"][second], arrays["y_train"][second])
        a, b, c = (np.concatenate([part.ravel() for part in gradient]) for gradient in (a, b, c))
        ratios.append(np.linalg.norm(a + c) / np.linalg.norm(a + b))
        steps.append(a @ c / np.linalg.norm(a) / np.linalg.norm(c))
        halves.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert row["trials"] == len(batches)
    assert row["two_steps_over_one"] == pytest.approx(np.mean(ratios), rel=1e-9)
    assert row["steps_cosine"] == pytest.approx(np.mean(steps), rel=1e-9)
    assert row["halves_cosine"] == pytest.approx(np.mean(halves), rel=1e-9)


def test_equal_gradients_are_not_diverse_and_orthogonal_ones_are() -> None:
    assert diversity([np.ones((8, 8))], 4) == (2, 0.25)
    assert diversity([np.eye(8)], 4) == (2, 1.0)


@pytest.mark.parametrize(
    ("probe", "own", "message"),
    [
        (noise.PROBE, {"examples": 64}, "64 is larger than the training set (55 examples)"),
        (noise.PROBE, {"part": 5}, "5 is no part of examples = 16"),
        (noise.PROBE, {}, ""),
        (competition.PROBE, {"examples": 64}, "64 is larger than the training set (55 examples)"),
        (competition.PROBE, {"batch_sizes": [2, 32]}, "32 is larger than examples = 16"),
        (competition.PROBE, {"batch_sizes": [2, 5]}, "5 has no halves"),
        (competition.PROBE, {}, ""),
    ],
)
def test_settings_that_do_not_fit_are_known_before_anything_runs(probe: Any, own: dict[str, Any], message: str) -> None:
    options = {"examples": 16, "part": 4, "draws": 3, "batch_sizes": [2, 4], "trials": 3, **own}
    faults = probe.faults(options, Situation("arm", 16, cases.EXAMPLES))
    assert message in " ".join(faults.values())
    assert bool(faults) is bool(own)
