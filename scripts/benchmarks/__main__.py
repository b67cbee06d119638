"""`make bench`: all benchmarks, one after the other; tables, figures and page in `results/bench`."""

from __future__ import annotations

import argparse
import datetime
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.backend import resident, runtime
from batchlab.errors import BatchlabError
from batchlab.files import atomic_path
from batchlab.records.provenance import host
from batchlab.sources.prepare import prepare
from batchlab.sources.settings import resolve
from batchlab.tasks.classification.objective import CLASSIFICATION
from benchmarks import epochs, norms, scale, sections, surface, workflow
from benchmarks.peak import dense_operations, peak, shares

HIDDEN = [512, 512]
MODELS = (
    {"name": "mlp", "hidden": HIDDEN},
    {"name": "mlp_bn", "hidden": HIDDEN},
    {"name": "lenet"},
    {"name": "cnn", "filters": [32, 64, 128], "dense": [128]},
)
DENSE = ("mlp", "mlp_bn")
BATCH_SIZES = (1, 8, 64, 256, 1024)
# Examples that a case trains on where it is not a whole epoch, which takes Keras up to a minute and with convolutions
# under XLA many; each is some hundred milliseconds at least, beside which what `fit` does once an epoch is small.
EXAMPLES = {1: 2_000, 8: 8_000}
EXAMPLES_OF_CONVOLUTIONS = {1: 250, 8: 1_000, 64: 1_500, 256: 2_500, 1024: 2_500}
NORM_SIZES = (2, 16, 128, 1024)

TARGET = Path("results/bench")


def _cases(full: int, models: Sequence[Mapping[str, Any]]) -> list[epochs.Case]:
    cases = []
    for model in models:
        fewer = EXAMPLES if model["name"] in DENSE else EXAMPLES_OF_CONVOLUTIONS
        cases += [epochs.Case(dict(model), size, min(fewer.get(size, full), full)) for size in BATCH_SIZES]
    return cases


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
    parser.add_argument("--dataset", default="mnist", help="a published data set; digits needs no download")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of each contender")
    options = parser.parse_args(arguments)
    repeats, trials, jobs = (3, 20, (1_000,)) if options.quick else (5, 50, (100, 1_000, 2_000, 10_000))
    sizes: dict[str, tuple[int, ...]] = {"seeds": (1, 4), "trials": (100, 1_000)} if options.quick else scale.SIZES
    began = datetime.date.today()
    runtime.configure(threads=options.threads)
    prepared = prepare(resolve({"name": options.dataset}).spec, downloads=Path("results/data/downloads")).arrays
    data = TARGET / "training_set.npz"
    full = _training_set(prepared, data)

    print("The workflow itself: planning, dry runs, imports", flush=True)
    costs = workflow.measure(jobs, repeats)
    imports = workflow.imports(1 if options.quick else repeats)
    print("Cost against size", flush=True)
    scale_rows = scale.measure(data, full, 1, sizes)
    print("Trials of gradient norms", flush=True)
    in_memory = resident.from_arrays(prepared, CLASSIFICATION)
    trial_rows = norms.measure(dict(MODELS[0]), in_memory, NORM_SIZES, trials, repeats)
    print("Single gradients and the surface of the loss", flush=True)
    surface_rows = surface.measure(dict(MODELS[0]), in_memory, repeats)
    rate = peak()
    print("One epoch", flush=True)
    models = MODELS[: 1 if options.quick else None]
    epoch_rows = epochs.measure(_cases(full, models), data, repeats, options.threads, full)
    print("One epoch on one thread", flush=True)
    job_rows = epochs.measure(_cases(full, MODELS[:1]), data, repeats, 1, full)

    ratios = epochs.ratios(epoch_rows)
    operations = dense_operations(math.prod(prepared["x_train"].shape[1:]), HIDDEN, int(prepared["classes"]))
    for row, share in zip(ratios, shares(ratios, dict.fromkeys(DENSE, operations), full, rate), strict=True):
        row["share_of_peak"] = share
    machine = {
        "machine": " ".join(host().values()),
        "threads": options.threads,
        "operations_per_second": rate,
        "dataset": options.dataset,
        "examples": full,
        "repeats": repeats,
        "date": began.isoformat(),
    }
    tables = {
        "machine": [machine],
        "epochs": epoch_rows,
        "epoch_ratios": ratios,
        "job_epochs": job_rows,
        "job_ratios": epochs.ratios(job_rows),
        "compiling": epochs.costs(epoch_rows, "compile_seconds"),
        "memory": epochs.costs(epoch_rows, "memory_mb"),
        "norms": trial_rows,
        "norm_ratios": norms.ratios(trial_rows),
        "surface": surface_rows,
        "surface_ratios": surface.ratios(surface_rows),
        "workflow": costs,
        "imports": imports,
        "scale": scale_rows,
    }
    sections.write(tables, TARGET)
    print(f"{sections.conclusions(tables)}\nThe page is at {TARGET / 'index.html'}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BatchlabError as problem:
        sys.exit(f"batchlab: error: {problem}")
