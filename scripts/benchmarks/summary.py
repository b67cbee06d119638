"""The measured table of `docs/benchmarks.md`, from the tables in `results/bench`: `make bench-docs`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean, median

from batchlab.errors import BatchlabError
from batchlab.paths import PROJECT
from benchmarks.workflow import EMPTY

PAGE = PROJECT / "docs/benchmarks.md"
TABLES = PROJECT / "results/bench"
BEGIN, END = "<!-- measured: make bench-docs -->\n", "<!-- end -->\n"


def _read(folder: Path, name: str) -> list[dict[str, str]]:
    try:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError:
        raise BatchlabError(f"{folder}/{name}.csv is missing; run make bench first") from None


def _ratio(rows: Sequence[dict[str, str]], column: str) -> str:
    """Return the geometric mean of a column of ratios with its range; empty cells are of peers that are absent."""
    values = [float(row[column]) for row in rows if row[column]]
    if not values:
        return "not installed"
    return f"{geometric_mean(values):.1f}× ({min(values):.1f}–{max(values):.1f})"


def measured(folder: Path = TABLES) -> str:
    """Return machine, date and the numbers to reach beside the measured ones as Markdown.

    Raises:
        BatchlabError: A table is missing.
    """
    [machine] = _read(folder, "machine")
    mlp = [row for row in _read(folder, "epoch_ratios") if row["model"] == "mlp"]
    alone = _read(folder, "job_ratios")
    costs = _read(folder, "workflow")

    def seconds(what: str, jobs: int) -> str:
        found = [float(row["seconds"]) for row in costs if row["what"] == what and row["jobs"] == str(jobs)]
        return f"{median(found):.2f} s" if found else "not measured"

    shares = [float(row["share_of_peak"]) for row in mlp]
    lines = [
        f"Measured on {machine['date']}: {machine['machine']}, {machine['threads']} threads, "
        f"{float(machine['operations_per_second']) / 1e9:.0f}·10⁹ operations a second in matrix products; "
        f"{machine['dataset']}, {int(machine['examples']):,} training examples, medians of {machine['repeats']} "
        "repeats. Geometric means (smallest to largest).",
        "",
        "| what | against | at least | measured | with one thread each, as a job has |",
        "|---|---|---|---|---|",
    ]
    epoch = f"one epoch, MLP 784-512-512-10, B = {', '.join(row['batch_size'] for row in mlp)}"
    for against, least, column in (
        ("Keras `fit` with defaults (TensorFlow)", "4.5×", "default_ratio"),
        ("the best `fit` settings (TensorFlow)", "2.5×", "best_ratio"),
        ("Keras `fit` on JAX", "–", "jax_ratio"),
        ("plain PyTorch loop", "2×", "torch_ratio"),
    ):
        lines.append(f"| {epoch} | {against} | {least} | {_ratio(mlp, column)} | {_ratio(alone, column)} |")
        epoch = "same"
    shown = ", ".join(f"{100 * share:.0f} %" for share in shares)
    lines += [
        f"| same | the machine's rate of matrix products | – | {shown} | |",
        f"| gradient-norm trials, both methods | eager `GradientTape` loop | 8× | "
        f"{_ratio(_read(folder, 'norm_ratios'), 'ratio')} | |",
        *(
            f"| {row['what']} | eager `GradientTape` loop | – | {float(row['ratio']):.1f}× | |"
            for row in _read(folder, "surface_ratios")
        ),
        f"| dry run, 1,000 jobs | – | < 5 s | {seconds('dry run', 1000)} | |",
        f"| nothing to do, 1,000 jobs | – | < 2 s | {seconds('nothing to do', 1000)} | |",
        f"| nothing to do, a Snakefile of one empty rule | – | – | {seconds(EMPTY, 0)} | |",
        f"| planning 2,000 arms | – | < 2 s | {seconds('plan', 2000)} | |",
    ]
    return "\n".join(lines) + "\n"


def rendered(page: str, folder: Path = TABLES) -> str:
    """Return the page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{measured(folder)}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
