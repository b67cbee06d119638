"""The noise scale of layers, against gradients of single examples from a twin in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from numerics import cases, reference

from batchlab.models.construction import build_model
from batchlab.probes import measuring
from batchlab.probes.layer_noise.measure import groups_of
from batchlab.training.order import trial_batches

N, DRAWS = 20, 2


def test_tr_sigma_and_the_norm_are_those_of_single_gradients() -> None:
    own = {"name": "layer_noise", "examples": N, "draws": DRAWS}
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec())
        spec = {**cases.spec(), "position": 0, "probe": own}
        [rows] = measuring.measure(spec, data, (start,)).tables.values()
        weights = cases.parameters(start)
    arrays = cases.arrays()
    traces, norms = [], []
    for batch in trial_batches(3, "layer_noise", N, DRAWS, N, cases.EXAMPLES):
        single = np.array(
            [
                np.concatenate([part.ravel() for part in parts])
                for row in batch
                for parts in [
                    reference.gradient_sum(weights, arrays["x_train"][[row]], arrays["y_train"][[row]], "relu")
                ]
            ]
        )
        spread = single.var(axis=0, ddof=1).sum()
        traces.append(spread * (1 - 1 / cases.EXAMPLES))
        norms.append((single.mean(axis=0) ** 2).sum() - spread * (1 / N - 1 / cases.EXAMPLES))
    by_layers = {row["layers"]: row for row in rows}
    assert set(by_layers) == {"all", "Dense"}
    for row in by_layers.values():
        assert row["trace"] == pytest.approx(np.mean(traces)) and row["squared_norm"] == pytest.approx(np.mean(norms))
        assert row["noise_scale"] == pytest.approx(np.mean(traces) / np.mean(norms)) and row["of_whole"] == 1
        assert row["parameters"] == sum(part.size for part in weights)


def test_every_variable_of_a_transformer_belongs_to_one_kind_of_layer() -> None:
    model = build_model({"name": "transformer", "width": 8, "heads": 2, "blocks": 1, "dropout": 0.0}, (6,), (6, 5))
    groups = groups_of(model)
    assert set(groups) == {"all", "Embedding", "Positions", "LayerNormalization", "MultiHeadAttention", "Dense"}
    parts = [place for name, places in groups.items() if name != "all" for place in places]
    assert sorted(parts) == groups["all"] == list(range(len(model.trainable_variables)))
