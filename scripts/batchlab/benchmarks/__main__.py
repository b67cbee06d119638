"""`make bench`: all benchmarks, one after the other; tables, figures and page in `results/bench`."""

from __future__ import annotations

import argparse
import datetime
import math
import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np

from batchlab.benchmarks import BEST, DEFAULT, JAX, PEERS, TORCH, epochs, norms, page, scale, workflow
from batchlab.benchmarks.peak import dense_operations, peak, shares
from batchlab.data.prepare import prepare
from batchlab.errors import BatchlabError
from batchlab.files import atomic_path, write_text
from batchlab.provenance import host
from batchlab.training import backend, resident
from batchlab.training.tables import Table, write_table

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
_EPOCHS = (
    "All contenders start from the same weights, see the same examples in the same order, keep the last partial batch "
    "and end with the same training loss (2 %), or there would be no numbers here. Seconds of one epoch, compilation "
    "apart; where “examples” is smaller than the data set, an epoch of so many was timed and the seconds are scaled to "
    "the whole one. Ratios say how many times longer a peer takes. {means}. {absent}share_of_peak is the share of the "
    "machine's rate of matrix products that our epoch reaches."
)
_JOBS = (
    "The perceptron's epochs again with one thread for each contender, which is what a job of the workflow has: its "
    "cores are used by jobs side by side. {means}."
)
_COMPILING = "By how many seconds the first epoch, with all that precedes it, takes longer than the later ones."
_MEMORY = "Peak of resident memory in MiB while a case is trained; each contender is one process for all cases."
_TRIALS = (
    "The compiled probe beside a loop of eager tapes that gives the same norms. Geometric mean of how many times "
    "longer the loop takes: {mean}."
)
_WORKFLOW = (
    "Seconds of planning alone, of a dry run, and of a call when all is done, for so many training jobs; and of "
    "Snakemake's own start, with a Snakefile of one rule that has nothing to do."
)
_IMPORTS = "Seconds that each kind of job spends on imports, and its memory after them in MiB."
_SCALE = (
    "Seconds (medians, one thread, compilation apart) and peak memory of training the MLP for more seeds and examples "
    "and of more trials of gradient norms, and seconds of planning more arms. Exponents of the cost: {exponents}; "
    "1 is proportional."
)
_NAMES = {DEFAULT: "fit", BEST: "fit at its best settings", JAX: "fit on JAX", TORCH: "a PyTorch loop"}


def _cases(full: int, models: Sequence[Mapping[str, Any]]) -> list[epochs.Case]:
    cases = []
    for model in models:
        fewer = EXAMPLES if model["name"] in DENSE else EXAMPLES_OF_CONVOLUTIONS
        cases += [epochs.Case(dict(model), size, min(fewer.get(size, full), full)) for size in BATCH_SIZES]
    return cases


def _medians(rows: Sequence[dict[str, Any]], keys: Sequence[str], *values: str) -> list[dict[str, Any]]:
    """Return one row for each combination of `keys` with the medians of `values`."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return [
        {**dict(zip(keys, group, strict=True)), **{value: median(row[value] for row in found) for value in values}}
        for group, found in groups.items()
    ]


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
    repeats, trials, jobs = (2, 20, (1_000,)) if options.quick else (3, 50, (100, 1_000, 2_000, 10_000))
    sizes: dict[str, tuple[int, ...]] = {"seeds": (1, 4), "trials": (100, 1_000)} if options.quick else scale.SIZES
    began = datetime.date.today()
    backend.configure(threads=options.threads)
    prepared = prepare({"name": options.dataset}, downloads=Path("results/data/downloads")).arrays
    data = TARGET / "training_set.npz"
    full = _training_set(prepared, data)

    print("The workflow itself: planning, dry runs, imports", flush=True)
    costs = workflow.measure(jobs, repeats)
    imports = workflow.imports(1 if options.quick else repeats)
    print("Cost against size", flush=True)
    scale_rows = scale.measure(data, full, 1, sizes)
    print("Trials of gradient norms", flush=True)
    trial_rows = norms.measure(dict(MODELS[0]), resident.from_arrays(prepared), NORM_SIZES, trials, repeats)
    rate = peak()
    print("One epoch", flush=True)
    models = MODELS[: 1 if options.quick else None]
    epoch_rows = epochs.measure(_cases(full, models), data, repeats, options.threads, full)
    print("One epoch on one thread", flush=True)
    job_rows = epochs.measure(_cases(full, MODELS[:1]), data, repeats, 1, full)

    ratios, job_ratios = epochs.ratios(epoch_rows), epochs.ratios(job_rows)
    operations = dense_operations(math.prod(prepared["x_train"].shape[1:]), HIDDEN, int(prepared["classes"]))
    for row, share in zip(ratios, shares(ratios, dict.fromkeys(DENSE, operations), full, rate), strict=True):
        row["share_of_peak"] = share
    trial_ratios = _norm_ratios(trial_rows)
    compiling, memory = (epochs.costs(epoch_rows, value) for value in ("compile_seconds", "memory_mb"))
    machine = {
        "machine": " ".join(host().values()),
        "threads": options.threads,
        "operations_per_second": rate,
        "dataset": options.dataset,
        "examples": full,
        "repeats": repeats,
        "date": began.isoformat(),
    }
    for name, rows in (
        ("machine", [machine]),
        ("epochs", epoch_rows),
        ("epoch_ratios", ratios),
        ("job_epochs", job_rows),
        ("job_ratios", job_ratios),
        ("compiling", compiling),
        ("memory", memory),
        ("norms", trial_rows),
        ("norm_ratios", trial_ratios),
        ("workflow", costs),
        ("imports", imports),
        ("scale", scale_rows),
    ):
        write_table(TARGET / f"{name}.csv", Table(list(rows[0]), rows))
    sized = _medians(scale_rows, ("what", "count"), "seconds", "memory_mb")
    plans = [row for row in _medians(costs, ("what", "jobs"), "seconds") if row["what"] == "plan"]
    sized += [{"what": "arms", "count": row["jobs"], "seconds": row["seconds"], "memory_mb": math.nan} for row in plans]
    figures = {"epochs": page.epochs_figure(ratios), "scale": page.scale_figure(sized)}
    for name, svg in figures.items():
        write_text(TARGET / f"{name}.svg", svg)
    described = (
        f"{machine['machine']}, {options.threads} threads, {rate / 1e9:.0f}·10⁹ operations a second in matrix "
        f"products; {options.dataset}, {full:,} training examples; medians of {repeats} repeats; {began}."
    )
    means = _means(ratios)
    epochs_note = _EPOCHS.format(means=means, absent=_absent(ratios))
    exponents = ", ".join(f"{what} {value:.2f}" for what, value in scale.exponents(sized).items())
    trials_note = _TRIALS.format(mean=f"{geometric_mean(row['ratio'] for row in trial_ratios):.1f}")
    sections = [
        page.Section("One epoch", epochs_note, ratios, figures["epochs"]),
        page.Section("One epoch on one thread", _JOBS.format(means=_means(job_ratios)), job_ratios),
        page.Section("Compiling", _COMPILING, compiling),
        page.Section("Memory", _MEMORY, memory),
        page.Section("Trials of gradient norms", trials_note, trial_ratios),
        page.Section("The workflow", _WORKFLOW, _medians(costs, ("what", "jobs"), "seconds")),
        page.Section("Imports", _IMPORTS, _medians(imports, ("job",), "seconds", "memory_mb")),
        page.Section("Cost against size", _SCALE.format(exponents=exponents), sized, figures["scale"]),
    ]
    write_text(TARGET / "index.html", page.render(described, sections))
    print(f"{means}\n{trials_note}\nThe page is at {TARGET / 'index.html'}")


def _means(ratios: Sequence[dict[str, Any]]) -> str:
    """Return the geometric means over batch sizes for each model, in words."""
    texts = []
    for model in dict.fromkeys(row["model"] for row in ratios):
        found = []
        for ratio, contender in epochs.RATIOS.items():
            values = [row[ratio] for row in ratios if row["model"] == model and not math.isnan(row[ratio])]
            if values:
                found.append(f"{_NAMES[contender]} {geometric_mean(values):.1f}")
        texts.append(f"{model}: {', '.join(found)}")
    return f"Geometric means over batch sizes: {'; '.join(texts)}"


def _absent(ratios: Sequence[dict[str, Any]]) -> str:
    """Return what the table's dashes mean."""
    columns = {contender: [math.isnan(row[f"{contender}_seconds"]) for row in ratios] for contender in PEERS}
    text = ""
    if missing := [_NAMES[contender] for contender, empty in columns.items() if all(empty)]:
        text = f"Not installed: {' and '.join(missing)} (`make bench-peers`). "
    if any(any(empty) and not all(empty) for empty in columns.values()):
        text += "A dash: PyTorch refuses to normalise a batch of one example. "
    return text


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BatchlabError as problem:
        sys.exit(f"batchlab: error: {problem}")
