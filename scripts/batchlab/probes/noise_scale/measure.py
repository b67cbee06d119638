"""The gradient noise scale b = tr Σ / ‖G‖² by several estimators at one snapshot (E16, E32).

G is the mean and Σ the covariance (divisor N) of the N training examples' gradients, in inference mode, as in the probe
`gradient_norms`. `all_examples` computes both from every example. The other two draw batches without replacement and
give one unbiased estimate of tr Σ and of ‖G‖² for each draw: `single_gradients` from the gradients of single examples
within the batch, `two_batch_sizes` from the norms of the mean gradients of the batch and of its parts, which is what
data parallel training can measure (McCandlish et al. 2018, appendix A). The derivation `noise_scale` averages over
draws before it takes the quotient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.probes.gradient_norms.measure import moments
from batchlab.probes.gradient_products import unbiased_moments
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training.core import inner_products
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.order import trial_batches
from batchlab.training.state import Snapshot


def measure(run: Run, data: Resident, snapshots: tuple[Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Estimate tr Σ and ‖G‖² from all examples and from `draws` batches of `examples`.

    Args:
        run: Its seeds are measured.
        data: The resident data set.
        snapshots: The one at which everything is measured.
        options: `examples`, `part`, `draws`.
    """
    [snapshot] = snapshots
    model = FrozenModel(run.model, data)
    size = int(options["examples"])
    parts = {"single_gradients": 1, "two_batch_sizes": int(options["part"])}
    products, moments_of = inner_products(model.replicas), moments(model.replicas, data.examples)
    rows: Rows = []
    for seed in run.seeds:
        model.load(snapshot, seed)
        with model.evaluation.population_statistics():
            squared_norm, trace = moments_of()
            drawn = trial_batches(seed, "noise_scale", size, int(options["draws"]), size, data.examples)
            found = [products(batch) for batch in drawn]
        estimates = [("all_examples", 0, data.examples, (trace, squared_norm))]
        for name, part in parts.items():
            estimates += [
                (name, draw, size, unbiased_moments(batch, part, data.examples)) for draw, batch in enumerate(found)
            ]
        rows += [
            {
                "seed": seed,
                "estimator": name,
                "draw": draw,
                "examples_drawn": count,
                "trace": values[0],
                "squared_norm": values[1],
            }
            for name, draw, count, values in estimates
        ]
    return Measurement({"noise_draws": rows}, model.facts)
