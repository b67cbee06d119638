"""Whether the gradients of a batch's examples oppose each other (E34).

Three readings of "the examples of a batch compete", in inference mode, as in the probe `gradient_norms`:

- cosines between the gradients of two examples;
- gradient diversity Σ‖gᵢ‖² / ‖Σgᵢ‖² of batches (Yin et al. 2018, arXiv:1706.05699): 1 where gradients are orthogonal,
  1/B where they are equal, more than 1 where they oppose each other;
- a batch taken as one step, or as two sequential SGD steps with half of it each: the norm of the gradients summed along
  the two steps over that of the batch's gradient, and the cosines between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import keras
from batchlab.probes.gradient_norms.measure import moments
from batchlab.probes.gradient_products import cosines, part_norms
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training.core import Landscape, Replicas, inner_products, over_rows
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.order import trial_batches
from batchlab.training.state import Snapshot

Array = NDArray[np.float64]


def two_steps(replicas: Replicas, size: int, learning_rate: float) -> Callable[[NDArray[np.int32]], Array]:
    """Compile a batch taken as one step and as two.

    Args:
        replicas: One replica of a model.
        size: Examples of the batch, even; a step with half of them goes `learning_rate` along their mean gradient.
        learning_rate: The rate.

    Returns:
        A function of batches, shape (trials, size), which returns, for the summed gradients a and b of both halves at
        the present weights and c of the second half after the first step: ‖a + b‖², ‖a + c‖², a·b, a·c, ‖a‖², ‖b‖²,
        ‖c‖², shape (trials, 7).
    """

    def product(first: list[Any], second: list[Any]) -> Any:
        return sum(keras.ops.sum(one * other) for one, other in zip(first, second, strict=True))

    def trial(at: Landscape, row: Any) -> Any:
        half = size // 2
        a, b = at.gradient(row[:half]), at.gradient(row[half:])
        moved = [w - learning_rate / half * g for w, g in zip(at.weights, a, strict=True)]
        c = at.gradient(row[half:], moved)
        aa, bb, cc, ab, ac = product(a, a), product(b, b), product(c, c), product(a, b), product(a, c)
        return keras.ops.stack([aa + bb + 2 * ab, aa + cc + 2 * ac, ab, ac, aa, bb, cc])

    return over_rows(replicas, trial, 7)


def _kinds(first: NDArray[np.intp], second: NDArray[np.intp], labels: NDArray[Any] | None) -> Iterator[tuple[str, Any]]:
    """Yield each kind of pairs with its mask; without one label for each example there is one kind."""
    yield "all", slice(None)
    if labels is not None:
        same = labels[first] == labels[second]
        yield "same", same
        yield "different", ~same


def _labels(data: Resident) -> NDArray[Any] | None:
    targets = np.asarray(data.y)
    return targets if targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer) else None


def cosine_rows(
    products: list[Array], drawn: NDArray[np.int32], labels: NDArray[Any] | None, bins: int
) -> tuple[Rows, Rows]:
    """Return the rows of cosines and of their histogram, over all draws.

    Args:
        products: Inner products of each draw.
        drawn: Examples of each draw, shape (draws, examples).
        labels: One whole number for each training example, or None.
        bins: Number of bins between −1 and 1.
    """
    first, second = np.triu_indices(drawn.shape[1], 1)
    values = [cosines(product) for product in products]
    pairs: dict[str, list[Array]] = {}
    for cosine, examples in zip(values, drawn, strict=True):
        own = None if labels is None else labels[examples]
        for kind, chosen in _kinds(first, second, own):
            pairs.setdefault(kind, []).append(cosine[chosen])
    edges = np.linspace(-1, 1, bins + 1)
    summary: Rows = []
    histogram: Rows = []
    for kind, parts in pairs.items():
        whole = np.concatenate(parts)
        whole = whole[np.isfinite(whole)]
        if not len(whole):
            continue
        summary.append(
            {
                "pairs": kind,
                "count": len(whole),
                "mean_cosine": float(whole.mean()),
                "std_cosine": float(whole.std()),
                "opposed": float((whole < 0).mean()),
            }
        )
        counts = np.histogram(whole, edges)[0]
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            middle, width = round(float(low + high) / 2, 9), float(high - low)
            histogram.append({"pairs": kind, "cosine": middle, "density": float(count) / len(whole) / width})
    return summary, histogram


def diversity(products: list[Array], size: int) -> tuple[int, float]:
    """Return the number of disjoint batches in all draws, and their mean Σ‖gᵢ‖² over their mean ‖Σgᵢ‖²."""
    sums = np.concatenate([part_norms(product, size) for product in products])
    used = len(products[0]) // size * size
    squares = sum(float(np.diagonal(product)[:used].sum()) for product in products)
    return len(sums), squares / float(sums.sum())


def measure(run: Run, data: Resident, snapshots: tuple[Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Compare the gradients of the examples of `draws` draws, in pairs and in batches.

    Args:
        run: Its learning rate is that of the two steps.
        data: The resident data set.
        snapshots: The one at which everything is measured.
        options: `examples`, `draws`, `batch_sizes`, `trials`, `bins`.
    """
    [snapshot] = snapshots
    model = FrozenModel(run.model, data)
    examples, draws, sizes = int(options["examples"]), int(options["draws"]), list(options["batch_sizes"])
    products_of, moments_of = inner_products(model.replicas), moments(model.replicas, data.examples)
    steps_of = {size: two_steps(model.replicas, size, run.learning_rate) for size in sizes}
    labels = _labels(data)
    tables: dict[str, Rows] = {"gradient_cosines": [], "cosine_histogram": [], "gradient_competition": []}
    for seed in run.seeds:
        model.load(snapshot, seed)
        drawn = trial_batches(seed, "gradient_competition", examples, draws, examples, data.examples)
        with model.evaluation.population_statistics():
            squared_norm, trace = moments_of()
            products = [products_of(rows) for rows in drawn]
            steps = {
                size: steps_of[size](drawn[:, : examples // size * size].reshape(-1, size)[: options["trials"]])
                for size in sizes
            }
        for name, rows in zip(tables, cosine_rows(products, drawn, labels, int(options["bins"])), strict=False):
            tables[name] += [{"seed": seed, **row} for row in rows]
        for size in sizes:
            batches, measured = diversity(products, size)
            rest = trace * (data.examples - size) / max(data.examples - 1, 1)
            predicted = (squared_norm + trace) / (size * squared_norm + rest)
            tables["gradient_competition"].append(
                {
                    "seed": seed,
                    "batch_size": size,
                    "batches": batches,
                    "diversity": measured,
                    "predicted_diversity": predicted,
                    "diversity_over_prediction": measured / predicted,
                    **_steps(steps[size]),
                }
            )
    return Measurement(tables, model.facts)


def _steps(squares: Array) -> dict[str, float]:
    """Return what the trials of two steps say; see `two_steps` for their columns."""
    together, along, ab, ac, aa, bb, cc = squares.T
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.sqrt(np.maximum(along, 0) / together)
        cosine, halves = ac / np.sqrt(aa * cc), ab / np.sqrt(aa * bb)
    error = float(ratios.std(ddof=1) / np.sqrt(len(ratios))) if len(ratios) > 1 else float("nan")
    return {
        "trials": len(squares),
        "two_steps_over_one": float(ratios.mean()),
        "two_steps_over_one_error": error,
        "steps_cosine": float(cosine.mean()),
        "halves_cosine": float(halves.mean()),
    }
