"""What comes of the benchmarks: the measured tables, and a page that shows them with notes and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from batchlab.files import write_text
from batchlab.training.row_files import write_rows
from benchmarks import BEST, DEFAULT, JAX, PEERS, TORCH, epochs, page, scale
from benchmarks.medians import medians

# Name → rows, as they are written to results/bench.
Tables = Mapping[str, list[dict[str, Any]]]

_EPOCHS = (
    "All contenders start from the same weights, see the same examples in the same order, keep the last partial batch "
    "and end with the same training loss (2 %), or there would be no numbers here. Seconds of one epoch, compilation "
    "apart; where “examples” is smaller than the data set, an epoch of so many was timed and the seconds are scaled to "
    "the whole one. Ratios say how many times longer a peer takes; geometric means "
    "over batch sizes: {means}. {absent}share_of_peak is the share of the "
    "machine's rate of matrix products that our epoch reaches."
)
_JOBS = (
    "The perceptron's epochs again with one thread for each contender, which is what a job of the workflow has: "
    "cores are used by jobs side by side. Geometric means: {means}."
)
_COMPILING = "By how many seconds the first epoch, with all that precedes it, takes longer than the later ones."
_MEMORY = "Peak of resident memory in MiB while a case is trained; each contender is one process for all cases."
_TRIALS = (
    "The compiled probe beside a loop of eager tapes that gives the same norms. Geometric mean of how many times "
    "longer the loop takes: {mean}."
)
_SURFACE = (
    "Cosines between single gradients (256 examples), the largest eigenvalue of the Hessian and the largest loss in a "
    "box (1,000 examples), beside loops of eager tapes that come to the same results by the same search. How many "
    "times longer they take: {ratios}."
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
    return "; ".join(texts)


def _absent(ratios: Sequence[dict[str, Any]]) -> str:
    """Return what the table's dashes mean."""
    columns = {contender: [math.isnan(row[f"{contender}_seconds"]) for row in ratios] for contender in PEERS}
    text = ""
    if missing := [_NAMES[contender] for contender, empty in columns.items() if all(empty)]:
        text = f"Not installed: {' and '.join(missing)} (`make bench-peers`). "
    if any(any(empty) and not all(empty) for empty in columns.values()):
        text += "A dash: PyTorch refuses to normalise a batch of one example. "
    return text


def _sizes(tables: Tables) -> list[dict[str, Any]]:
    """Return seconds and memory against each quantity that grows."""
    sized = medians(tables["scale"], ("what", "count"), "seconds", "memory_mb")
    plans = [row for row in medians(tables["workflow"], ("what", "jobs"), "seconds") if row["what"] == "plan"]
    return [
        *sized,
        *({"what": "arms", "count": row["jobs"], "seconds": row["seconds"], "memory_mb": math.nan} for row in plans),
    ]


def _trials(tables: Tables) -> str:
    return _TRIALS.format(mean=f"{geometric_mean(row['ratio'] for row in tables['norm_ratios']):.1f}")


def _surface(tables: Tables) -> str:
    return _SURFACE.format(ratios=", ".join(f"{row['what']} {row['ratio']:.1f}" for row in tables["surface_ratios"]))


def machine(tables: Tables) -> str:
    """Return in a sentence where, when and on what was measured."""
    [facts] = tables["machine"]
    return (
        f"{facts['machine']}, {facts['threads']} threads, {facts['operations_per_second'] / 1e9:.0f}·10⁹ operations a "
        f"second in matrix products; {facts['dataset']}, {facts['examples']:,} training examples; medians of "
        f"{facts['repeats']} repeats; {facts['date']}."
    )


def conclusions(tables: Tables) -> str:
    """Return the main ratios in a few lines, for the terminal."""
    return (
        f"One epoch, geometric means over batch sizes: {_means(tables['epoch_ratios'])}\n"
        f"With one thread each: {_means(tables['job_ratios'])}\n{_trials(tables)}"
    )


def figures(tables: Tables) -> dict[str, str]:
    """Return name → figure as SVG."""
    return {"epochs": page.epochs_figure(tables["epoch_ratios"]), "scale": page.scale_figure(_sizes(tables))}


def sections(tables: Tables, drawn: Mapping[str, str]) -> list[page.Section]:
    """Return the page's sections.

    Args:
        tables: What was measured.
        drawn: Its `figures`.
    """
    ratios, alone, sized = tables["epoch_ratios"], tables["job_ratios"], _sizes(tables)
    epochs_note = _EPOCHS.format(means=_means(ratios), absent=_absent(ratios))
    exponents = ", ".join(f"{what} {value:.2f}" for what, value in scale.exponents(sized).items())
    costs = medians(tables["workflow"], ("what", "jobs"), "seconds")
    imports = medians(tables["imports"], ("job",), "seconds", "memory_mb")
    return [
        page.Section("One epoch", epochs_note, ratios, drawn["epochs"]),
        page.Section("One epoch on one thread", _JOBS.format(means=_means(alone)), alone),
        page.Section("Compiling", _COMPILING, tables["compiling"]),
        page.Section("Memory", _MEMORY, tables["memory"]),
        page.Section("Trials of gradient norms", _trials(tables), tables["norm_ratios"]),
        page.Section("Single gradients and the surface of the loss", _surface(tables), tables["surface_ratios"]),
        page.Section("The workflow", _WORKFLOW, costs),
        page.Section("Imports", _IMPORTS, imports),
        page.Section("Cost against size", _SCALE.format(exponents=exponents), sized, drawn["scale"]),
    ]


def write(tables: Tables, target: Path) -> None:
    """Write what was measured into a folder: tables, figures and the page."""
    for name, rows in tables.items():
        write_rows(target / f"{name}.csv", rows)
    drawn = figures(tables)
    for name, svg in drawn.items():
        write_text(target / f"{name}.svg", svg)
    write_text(target / "index.html", page.render(machine(tables), sections(tables, drawn)))
