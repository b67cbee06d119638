"""What a model with batch normalisation loses by its running statistics (E24).

Running means and variances follow the weights with a delay, and under accumulation they see micro-batches. The probe
measures the same weights with the running statistics and with those of the whole training set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.state import Snapshot


def measure(run: Run, data: Resident, snapshots: tuple[Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Evaluate each seed with `running` and with `re_estimated` statistics.

    `mean_difference` and `variance_difference` are ‖s − p‖ / ‖p‖ over all layers, s the row's statistics and p those
    of the training set.

    Args:
        run: The run of the snapshot.
        data: The resident data set.
        snapshots: The one to evaluate.
        options: None.

    Raises:
        BatchlabError: The model has no batch normalisation.
    """
    [snapshot] = snapshots
    model = FrozenModel(run.model, data)
    evaluation = model.evaluation
    if not evaluation.normalises:
        raise BatchlabError(
            "probe running_statistics: the model has no batch normalisation; restrict the probe to arms that have it"
        )
    rows: Rows = []
    for seed in run.seeds:
        model.load(snapshot, seed)
        running = evaluation.statistics()
        [at_present] = evaluation.at_present()
        with evaluation.population_statistics():
            population = evaluation.statistics()
            [re_estimated] = evaluation.at_present()
        for name, metrics, statistics in (
            ("running", at_present, running),
            ("re_estimated", re_estimated, population),
        ):
            mean, variance = (
                float(np.linalg.norm(values - exact) / np.linalg.norm(exact))
                for values, exact in zip(statistics, population, strict=True)
            )
            rows.append(
                {
                    "seed": seed,
                    "statistics": name,
                    **metrics,
                    "mean_difference": mean,
                    "variance_difference": variance,
                }
            )
    return Measurement({"running_statistics": rows}, model.facts)
