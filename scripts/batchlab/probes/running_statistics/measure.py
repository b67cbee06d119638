"""What a model with batch normalisation loses by its running statistics (E24).

Running means and variances follow the weights with a delay, and under accumulation they see micro-batches. The probe
measures the same weights with the running statistics and with those of the whole training set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.probes.measuring import Measurement
from batchlab.training import core, state
from batchlab.training.metrics import METRICS
from batchlab.training.normalisation import normalisation_layers
from batchlab.training.row_files import Table

_COLUMNS = ("seed", "statistics", *METRICS, "mean_difference", "variance_difference")


def _all(layers: list[Any], name: str) -> NDArray[Any]:
    return np.concatenate([np.asarray(getattr(layer, name), dtype=np.float64) for layer in layers])


def measure(spec: dict[str, Any], data: Resident, snapshot: state.Snapshot) -> Measurement:
    """Evaluate each seed with `running` and with `re_estimated` statistics.

    `mean_difference` and `variance_difference` are ‖s − p‖ / ‖p‖ over all layers, s the row's statistics and p those
    of the training set.

    Args:
        spec: The probe has no settings of its own.
        data: The resident data set.
        snapshot: The snapshot to evaluate.
    """
    model = build_model(spec["model"], data.shape, data.classes)
    layers = normalisation_layers(model)
    if not layers:
        raise BatchlabError(
            "probe running_statistics: the model has no batch normalisation; restrict the probe to arms that have it"
        )
    jit, facts = core.compilation(model)
    evaluation = core.Evaluation(model, data, jit)
    variables = state.variables_of(model)
    rows: list[dict[str, Any]] = []
    for seed in spec["seeds"]:
        snapshot.load(seed, variables)
        running = [_all(layers, "moving_mean"), _all(layers, "moving_variance")]
        with evaluation.re_estimation:
            population = [_all(layers, "moving_mean"), _all(layers, "moving_variance")]
        for statistics, metrics, values in (
            ("running", evaluation.at_present(), running),
            ("re_estimated", evaluation.re_estimated(), population),
        ):
            mean, variance = (
                float(np.linalg.norm(value - exact) / np.linalg.norm(exact))
                for value, exact in zip(values, population, strict=True)
            )
            rows.append(
                {
                    "seed": seed,
                    "statistics": statistics,
                    **metrics,
                    "mean_difference": mean,
                    "variance_difference": variance,
                }
            )
    return Measurement({"running_statistics": Table(_COLUMNS, rows)}, facts)
