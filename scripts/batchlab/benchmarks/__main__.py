"""`make bench`: all benchmarks, one after the other; tables, figure and page in `results/bench`."""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np

from batchlab.benchmarks import OURS, epochs, norms, page, workflow
from batchlab.data.prepare import prepare
from batchlab.errors import BatchlabError
from batchlab.files import atomic_path, write_text
from batchlab.provenance import host
from batchlab.training import backend, resident
from batchlab.training.tables import Table, write_table

MODELS = (
    {"name": "mlp", "hidden": [512, 512]},
    {"name": "mlp_bn", "hidden": [512, 512]},
    {"name": "lenet"},
    {"name": "cnn", "filters": [32, 64, 128], "dense": [128]},
)
BATCH_SIZES = (1, 8, 64, 256, 1024)
# Examples that each case trains on: an epoch at B = 1 takes Keras three minutes, and convolutions cost more.
EXAMPLES = {"mlp": {1: 4_000, 8: 16_000}, "mlp_bn": {1: 4_000, 8: 16_000}}
EXAMPLES_OF_CONVOLUTIONS = {1: 1_000, 8: 4_000}
LATER_EXAMPLES_OF_CONVOLUTIONS = 10_000
NORM_SIZES = (2, 16, 128, 1024)

TARGET = Path("results/bench")
_EPOCHS = (
    "All contenders start from the same weights, see the same examples in the same order, keep the last partial batch "
    "and end with the same training loss (2 %). Compilation is apart. Geometric means over batch sizes of how many "
    "times longer Keras' fit takes, with its defaults and at its best settings: {means}."
)
_TRIALS = (
    "The compiled probe beside a loop of eager tapes that gives the same norms. Geometric mean of how many times "
    "longer the loop takes: {mean}."
)
_WORKFLOW = "Seconds of planning alone, of a dry run, and of a call when all is done, for so many training jobs."
_IMPORTS = "Seconds that each kind of job spends on imports."


def _cases(full: int, quick: bool) -> list[epochs.Case]:
    cases = []
    for model in MODELS[: 1 if quick else None]:
        for batch_size in BATCH_SIZES:
            if model["name"] in EXAMPLES:
                examples = EXAMPLES[str(model["name"])].get(batch_size, full)
            else:
                examples = EXAMPLES_OF_CONVOLUTIONS.get(batch_size, LATER_EXAMPLES_OF_CONVOLUTIONS)
            cases.append(epochs.Case(dict(model), batch_size, min(examples, full)))
    return cases


def _medians(rows: Sequence[dict[str, Any]], keys: Sequence[str], value: str) -> list[dict[str, Any]]:
    """Return one row for each combination of `keys` with the median of `value`."""
    groups: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row[value])
    return [{**dict(zip(keys, group, strict=True)), value: median(found)} for group, found in groups.items()]


def _norm_ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {
        (row["method"], row["batch_size"], row["contender"]): row["seconds_per_trial"]
        for row in _medians(rows, ("method", "batch_size", "contender"), "seconds_per_trial")
    }
    cases = dict.fromkeys((method, size) for method, size, _ in found)
    return [
        {
            "method": method,
            "batch_size": size,
            "batchlab_ms": 1e3 * found[method, size, "batchlab"],
            "eager_tape_ms": 1e3 * found[method, size, "eager_tape"],
            "ratio": found[method, size, "eager_tape"] / found[method, size, "batchlab"],
        }
        for method, size in cases
    ]


def peak(repeats: int = 5, size: int = 2048) -> float:
    """Return the machine's rate of float32 matrix products in operations per second, the best of `repeats`."""
    tf = backend.tf
    factor = tf.random.stateless_normal((size, size), (0, 0))
    product = tf.function(lambda matrix: tf.matmul(matrix, matrix), jit_compile=True)
    product(factor)
    best = math.inf
    for _ in range(repeats):
        clock = time.perf_counter()
        product(factor).numpy()
        best = min(best, time.perf_counter() - clock)
    return 2 * size**3 / best


def dense_operations(inputs: int, hidden: Sequence[int], classes: int) -> int:
    """Return the operations of one example's update in a multilayer perceptron, matrix products only.

    Two for each weight forward, two for its gradient, and two for the gradient of its input, which the first layer
    does not need.
    """
    widths = [inputs, *hidden, classes]
    weights = [first * second for first, second in itertools.pairwise(widths)]
    return 6 * sum(weights) - 2 * weights[0]


def _with_share(ratios: list[dict[str, Any]], rate: float, operations: int, examples: int) -> None:
    """Add to the perceptron's rows the share of the machine's rate that our epoch reaches."""
    for row in ratios:
        share = operations * examples / row[f"{OURS}_seconds"] / rate if row["model"] == "mlp" else math.nan
        row["share_of_peak"] = share


def _training_set(arrays: dict[str, Any], path: Path) -> int:
    """Write the training set for the contenders' processes and return its size."""
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            x=arrays["x_train"],
            y=arrays["y_train"].astype(np.int32),
            scale=arrays["scale"],
            classes=arrays["classes"],
        )
    return len(arrays["y_train"])


def main(arguments: Sequence[str]) -> None:
    """Measure, write and report; `--quick` takes the perceptron only and fewer repeats."""
    parser = argparse.ArgumentParser(prog="make bench", description="Time batchlab beside its peers.")
    parser.add_argument("--quick", action="store_true", help="the perceptron only, fewer repeats and jobs")
    parser.add_argument("--dataset", default="mnist", help="a registered data set; digits needs no download")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of each contender")
    options = parser.parse_args(arguments)
    repeats, trials, jobs = (2, 30, (100,)) if options.quick else (3, 200, (100, 1_000, 10_000))
    backend.configure(threads=options.threads)
    prepared = prepare({"name": options.dataset}, downloads=Path("results/data/downloads")).arrays
    full = _training_set(prepared, TARGET / "training_set.npz")

    print("The workflow itself: planning, dry runs, imports", flush=True)
    costs = workflow.measure(jobs, repeats)
    imports = workflow.imports(repeats)
    print("Trials of gradient norms", flush=True)
    trial_rows = norms.measure(dict(MODELS[0]), resident.from_arrays(prepared), NORM_SIZES, trials, repeats)
    rate = peak()
    print("One epoch", flush=True)
    epoch_rows = epochs.measure(
        _cases(full, options.quick), TARGET / "training_set.npz", repeats, options.threads, full
    )

    ratios = epochs.ratios(epoch_rows)
    operations = dense_operations(math.prod(prepared["x_train"].shape[1:]), [512, 512], int(prepared["classes"]))
    _with_share(ratios, rate, operations, full)
    trial_ratios = _norm_ratios(trial_rows)
    for name, rows in (
        ("epochs", epoch_rows),
        ("epoch_ratios", ratios),
        ("norms", trial_rows),
        ("norm_ratios", trial_ratios),
        ("workflow", costs),
        ("imports", imports),
    ):
        write_table(TARGET / f"{name}.csv", Table(list(rows[0]), rows))
    svg = page.figure(ratios)
    write_text(TARGET / "epochs.svg", svg)
    machine = (
        f"{' '.join(host().values())}, {options.threads} threads, {rate / 1e9:.0f}·10⁹ operations a second in matrix "
        f"products; {options.dataset}, {full:,} training examples; medians of {repeats} repeats."
    )
    tables = [
        ("One epoch", _EPOCHS.format(means=_means(ratios)), ratios),
        ("Trials of gradient norms", _TRIALS.format(mean=_mean(trial_ratios, "ratio")), trial_ratios),
        ("The workflow", _WORKFLOW, _medians(costs, ("what", "jobs"), "seconds")),
        ("Imports", _IMPORTS, _medians(imports, ("job",), "seconds")),
    ]
    write_text(TARGET / "index.html", page.render(machine, svg, tables))
    print(f"{_EPOCHS.format(means=_means(ratios))}\n{_TRIALS.format(mean=_mean(trial_ratios, 'ratio'))}")
    print(f"The page is at {TARGET / 'index.html'}")


def _mean(rows: Sequence[dict[str, Any]], key: str) -> str:
    return f"{geometric_mean([row[key] for row in rows]):.1f}"


def _means(ratios: Sequence[dict[str, Any]]) -> str:
    """Return the geometric means over batch sizes for each model, in words."""
    models = dict.fromkeys(row["model"] for row in ratios)
    return "; ".join(
        f"{model}: {_mean(rows, 'default_ratio')} and {_mean(rows, 'best_ratio')}"
        for model in models
        for rows in [[row for row in ratios if row["model"] == model]]
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BatchlabError as problem:
        sys.exit(f"batchlab: error: {problem}")
