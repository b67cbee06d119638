"""The gradient noise scale b = tr Σ / ‖G‖² of each kind of layer alone (M9; Gray et al. 2024 take LayerNorm's).

From the gradients gᵢ of n of N examples, drawn without replacement, S₁ is the mean of ‖gᵢ‖² and Sₙ the squared norm of
their mean. S = n (S₁ − Sₙ) / (n − 1) estimates tr Σ · N / (N − 1), and Sₙ − S (1/n − 1/N) estimates ‖G‖², without bias.
Both are sums over parameters, so every part of the gradient has its own. The gradients are those of inference mode.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.probes.gradient_norms.measure import fixed_weights
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.order import trial_batches
from batchlab.training.state import Snapshot

ALL = "all"


def groups_of(model: Any) -> dict[str, list[int]]:
    """Return class of layers → places of their trainable variables in the model's order, all of them first."""
    places = {id(variable): place for place, variable in enumerate(model.trainable_variables)}
    found: dict[str, list[int]] = {ALL: list(places.values())}
    for layer in model.layers:
        own = [places[id(variable)] for variable in layer.trainable_variables]
        if own:
            found.setdefault(type(layer).__name__, []).extend(own)
    return found


def measure(run: Run, data: Resident, snapshots: tuple[Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Estimate tr Σ and ‖G‖² of each kind of layer from `draws` draws of `examples`.

    Args:
        run: Its seeds are measured.
        data: The resident data set.
        snapshots: The one at which everything is measured.
        options: `examples`, `draws`.
    """
    [snapshot] = snapshots
    model = FrozenModel(run.model, data)
    groups, shapes = groups_of(model.model), [variable.shape for variable in model.model.trainable_variables]
    squares = fixed_weights(model.replicas, len(shapes))
    n = int(options["examples"])
    rows: Rows = []
    for seed in run.seeds:
        model.load(snapshot, seed)
        single, mean = np.zeros(len(shapes)), np.zeros(len(shapes))
        with model.evaluation.population_statistics():
            for batch in trial_batches(seed, "layer_noise", n, int(options["draws"]), n, data.examples):
                single += squares(batch[:, None]).mean(axis=0) / options["draws"]
                mean += squares(batch[None])[0] / n**2 / options["draws"]
        spread = n * (single - mean) / (n - 1)
        norms, traces = mean - spread * (1 / n - 1 / data.examples), spread * (1 - 1 / data.examples)
        scales = {name: _quotient(traces[places].sum(), norms[places].sum()) for name, places in groups.items()}
        rows += [
            {
                "seed": seed,
                "layers": name,
                "parameters": int(sum(math.prod(shapes[place]) for place in places)),
                "trace": float(traces[places].sum()),
                "squared_norm": float(norms[places].sum()),
                "noise_scale": scales[name],
                "whole": scales[ALL],
                "of_whole": scales[name] / scales[ALL],
            }
            for name, places in groups.items()
        ]
    return Measurement({"layer_noise": rows}, model.facts)


def _quotient(trace: float, squared_norm: float) -> float:
    return float(trace / squared_norm) if squared_norm > 0 else math.nan
