"""The best rate of one step against problems whose optimum is known, and the probe against the twin."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numerics import cases, reference

from batchlab.declarations.probe import Situation
from batchlab.probes import measuring
from batchlab.probes.one_step.declaration import PROBE
from batchlab.probes.one_step.measure import step_sizes
from batchlab.tables import saturation
from batchlab.tables.derivations.one_step_fit.derive import step_fit
from batchlab.tables.derivations.one_step_optimum.derive import best_rate
from batchlab.tables.derivations.one_step_optimum.derive import derive as optima
from batchlab.training.order import trial_batches

STEPS = np.geomspace(1e-3, 10, 31)


def test_losses_are_the_twins_after_one_step() -> None:
    arrays = cases.arrays()
    own = {"batch_sizes": [4, 16], "draws": 2, "held_out": 8, "steps": 3, "smallest": 0.01, "largest": 1.0}
    with cases.precision("float64"):
        data = cases.resident()
        snapshot = cases.initial(data, cases.spec())
        spec = {**cases.spec(), "position": 0, "probe": {"name": "one_step", **own}}
        rows = measuring.measure(spec, data, (snapshot,)).tables["one_step_draws"]
    weights = cases.parameters(snapshot)
    assert [row["step_size"] for row in rows[:3]] == [0.01, 0.1, 1.0]
    assert len(rows) == 2 * 2 * 3
    for row in rows:
        size = row["batch_size"]
        batch = trial_batches(3, "one_step", size, 2, size, cases.EXAMPLES)[row["draw"]]
        gradient = reference.gradient_sum(weights, arrays["x_train"][batch], arrays["y_train"][batch], "relu")
        moved = [w - row["step_size"] * g / size for w, g in zip(weights, gradient, strict=True)]
        logits = reference.forward(moved, arrays["x_validation"][:8], "relu")[0]
        expected = reference.losses(logits, arrays["y_validation"][:8]).mean()
        assert row["held_out_loss"] == pytest.approx(expected, rel=1e-10)


class Quadratic:
    """The loss ½ h ‖w‖² with gradients h w + ξ / √B, E‖ξ‖² = c: the best rate is known for each batch size.

    E loss(η) = ½ h ‖w‖² (1 − η h)² + ½ h η² c / B is lowest at η = (1/h) / (1 + c / (h² ‖w‖²) / B).
    """

    curvature, spread, weight = 4.0, 1800.0, 1.5

    @property
    def noise(self) -> float:
        return self.spread / (self.curvature * self.weight) ** 2

    def loss(self, size: int, random: np.random.Generator | None = None, draws: int = 1) -> np.ndarray:
        """Return expected losses, shape (1, steps), or those of draws in 400 dimensions."""
        h = self.curvature
        if random is None:
            return 0.5 * h * ((self.weight * (1 - STEPS * h)) ** 2 + STEPS**2 * self.spread / size)[None]
        deviation = math.sqrt(self.spread / 400 / size)
        along = self.weight - STEPS * (h * self.weight + deviation * random.normal(size=(draws, 1)))
        across = STEPS**2 * deviation**2 * random.chisquare(399, size=(draws, 1))
        return 0.5 * h * (along**2 + across)


SIZES = [2**power for power in range(2, 12)]


def test_the_fit_finds_the_noise_scale_and_the_largest_rate_of_a_quadratic() -> None:
    problem = Quadratic()
    found = step_fit(STEPS, {size: problem.loss(size) for size in SIZES})
    assert problem.noise == 50
    assert found["step_noise"] == pytest.approx(problem.noise, rel=1e-6)
    assert found["maximal_rate"] == pytest.approx(1 / problem.curvature, rel=1e-6)
    assert math.isnan(found["step_noise_low"])


def test_its_interval_holds_the_noise_scale_as_often_as_it_says() -> None:
    problem, random, hits = Quadratic(), np.random.default_rng(3), 0
    times = 60
    for _ in range(times):
        found = step_fit(STEPS, {size: problem.loss(size, random, 10) for size in SIZES})
        hits += found["step_noise_low"] <= problem.noise <= found["step_noise_high"]
    assert hits / times >= 0.85


def test_the_vertex_of_a_parabola() -> None:
    losses = 1 + (STEPS - 0.037) ** 2
    assert best_rate(STEPS, losses) == pytest.approx(0.037, rel=1e-9)
    assert math.isnan(best_rate(STEPS, STEPS))
    assert math.isnan(best_rate(STEPS, -STEPS))
    assert math.isnan(best_rate(STEPS, np.where(STEPS > 0.037, math.inf, losses)))
    assert best_rate(STEPS, np.where(STEPS > 0.06, math.nan, losses)) == pytest.approx(0.037, rel=1e-9)


def test_optima_stand_beside_the_curve() -> None:
    problem = Quadratic()
    names = {"study": "s", "arm": "a", "epoch": 1.0, "probe": "one_step", "recipe": "r", "label": "l", "seed": 0}
    draws = pd.DataFrame(
        [
            {**names, "batch_size": size, "draw": 0, "step_size": step, "held_out_loss": loss}
            for size in SIZES
            for step, loss in zip(STEPS, problem.loss(size)[0], strict=True)
        ]
    )
    table = optima({"one_step_draws": draws}, {})
    assert list(table["batch_size"]) == SIZES
    exact = 1 / problem.curvature / (1 + problem.noise / np.array(SIZES))
    np.testing.assert_allclose(table["best_rate"], exact, rtol=1e-6)
    np.testing.assert_allclose(table["rate_over_fit"], 1, rtol=1e-6)


def test_a_saturating_curve_is_found_and_one_without_a_bend_is_not_determined() -> None:
    sizes = np.array([1, 4, 16, 64, 256, 1024])
    fitted = saturation.fit(sizes, 300 * (1 + 40 / sizes))
    assert (fitted.limit, fitted.critical) == pytest.approx((300, 40), rel=1e-7)
    np.testing.assert_allclose(fitted.at(sizes), 300 * (1 + 40 / sizes))
    for values in (1e4 / sizes, np.full(6, 300.0), [300, 200, math.nan, math.nan, math.nan, math.nan]):
        assert math.isnan(saturation.fit(sizes, values).critical)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"batch_sizes": [4, 64]}, "64 is larger than the training set (55 examples)"),
        ({"smallest": 10.0}, "10.0 is not below largest = 10.0"),
        ({}, ""),
    ],
)
def test_settings_that_do_not_fit_are_known_before_anything_runs(own: dict[str, object], message: str) -> None:
    options = {"batch_sizes": [4], "smallest": 0.001, "largest": 10.0, **own}
    faults = PROBE.faults(options, Situation("arm", 16, cases.EXAMPLES))
    assert message in " ".join(faults.values())
    assert bool(faults) is bool(own)


def test_step_sizes_have_few_digits() -> None:
    sizes = step_sizes(0.001, 10.0, 31)
    assert (sizes[0], sizes[1], sizes[-1]) == (0.001, 0.00135936, 10.0)
