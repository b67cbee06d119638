"""Write a campaign that trains by the adaptive rules whose batch sizes another one has measured (M8).

`python -m batchlab.starting.by_rules config/tour.yaml` reads results/tour/derived/adaptive_batch/adaptive_rules.csv and
writes config/tour_by_rules.yaml. What a rule takes at a snapshot is known only after a run, and a campaign is planned
before it, so training by rules is a campaign of its own: from each snapshot to the next at the batch size that the rule
takes there, the geometric mean over seeds, as a power of two between the small batch and the training set.
"""

from __future__ import annotations

import csv
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import yaml

from batchlab.configuration.campaign import load, read
from batchlab.configuration.faults import for_the_terminal
from batchlab.errors import BatchlabError
from batchlab.files import write_text
from batchlab.planning import plan

STUDY = "by_rules"
_KEPT = (
    *("task", "dataset", "model", "optimizer", "precision", "dropout"),
    *("seeds", "batch_sizes"),
)
_TABLE = Path("derived/adaptive_batch/adaptive_rules.csv")
# Rule → how labels call it; diversity, B = b + 1, is the noise scale's rule but for one example.
RULES = {"noise_scale": "B = b", "norm_test": "B = b / η²"}

Stages = Sequence[tuple[int, int]]


def stages(table: Path, smallest: int) -> dict[str, list[tuple[int, int]]]:
    """Return for each rule (epochs, batch size) of its stages, the small batch up to the first snapshot.

    Args:
        table: The measured table `adaptive_rules`.
        smallest: Batch size of the run that it was measured on.

    Raises:
        BatchlabError: The table is missing, or has fewer than two snapshots.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise BatchlabError(f"{table}: is missing; run the study adaptive_batch of that campaign first") from None
    measured: defaultdict[tuple[str, float], list[float]] = defaultdict(list)
    examples = math.inf
    for row in rows:
        if row["adapted_batch"] and float(row["adapted_batch"]) > 0:
            measured[row["rule"], float(row["epoch"])].append(float(row["adapted_batch"]))
            examples = round(float(row["adapted_batch"]) / float(row["share"]))
    epochs = sorted({epoch for _, epoch in measured})
    if len(epochs) < 2 or any(not epoch.is_integer() for epoch in epochs):
        raise BatchlabError(f"{table}: has no two snapshots at whole epochs; name them in `epochs` of the probe")
    found = {}
    for rule in RULES:
        sizes = [_size(geometric_mean(measured[rule, epoch]), smallest, int(examples)) for epoch in epochs[:-1]]
        lengths = [int(end - start) for start, end in zip([0.0, *epochs], epochs, strict=False)]
        found[rule] = [(length, size) for length, size in zip(lengths, [smallest, *sizes], strict=True) if length]
    return found


def _size(wanted: float, smallest: int, largest: int) -> int:
    return int(min(max(2 ** round(math.log2(wanted)), smallest), largest))


def study(found: Mapping[str, Stages], smallest: int) -> dict[str, Any]:
    """Return the study that trains by each rule, at one rate and at a rate ∝ B, beside the small batch throughout."""
    epochs = sum(length for length, _ in next(iter(found.values())))
    arms: dict[str, Any] = {"fixed": {"batch_size": smallest, "epochs": epochs, "label": f"B = {smallest}"}}
    for rule, label in RULES.items():
        phases = [{"epochs": length, "batch_size": size} for length, size in found[rule]]
        scaled = [{**phase, "learning_rate_factor": phase["batch_size"] / smallest} for phase in phases]
        arms[rule] = {"label": f"{label}, one rate", "phases": phases}
        arms[f"{rule}_scaled"] = {"label": f"{label}, rate ∝ B", "phases": scaled}
    words = {name: arm["label"] for name, arm in arms.items()}
    curves = {
        "chart": "curves",
        "table": "history",
        "y": "test_accuracy",
        "colour": "recipe",
        "names": words,
        "where": {"epoch": {"min": 1}},
        "caption": "{model} on {dataset}, {optimizer}, {seeds} seeds; batch sizes as measured at snapshots of a run at "
        f"B = {smallest}.",
    }
    claim = {
        "source": ["chen2025"],
        "published": "the same accuracy, faster",
        "test": "equal",
        "table": "history",
        "value": "test_accuracy",
        "of": {"recipe": "noise_scale_scaled", "epoch": "last"},
        "minus": {"recipe": "fixed", "epoch": "last"},
        "expect": "equal",
        "margin": 0.003,
        "unit": "pp",
        "figure": "by_epoch",
    }
    return {
        "experiments": ["M8"],
        "title": "Training by adaptive rules",
        "question": "Does a batch that follows the measured noise train as well as the small one, in fewer updates?",
        "answer": ["keeps_accuracy", "fewer_updates", "norm_test_keeps"],
        "note": "Each rule was read off a run at the small batch, and not off its own.",
        "reference": {"recipe": "fixed"},
        "arms": arms,
        "figures": {
            "by_epoch": {**curves, "title": "Test accuracy by epochs", "finding": "keeps_accuracy", "x": "epoch"},
            "by_update": {
                **curves,
                "title": "Test accuracy by updates",
                "finding": "fewer_updates",
                "x": "updates",
                "x_scale": "log",
            },
        },
        "claims": {
            "keeps_accuracy": {
                **claim,
                "statement": f"With B = b at a rate ∝ B, runs end with the test accuracy of B = {smallest} (± 0.3 pp).",
                "because": "Margin: a seventh of the 2 pp that a larger batch is published to lose.",
                "words": {"of": "B = b at a rate ∝ B", "minus": f"B = {smallest}"},
            },
            "norm_test_keeps": {
                **claim,
                "statement": "With B = b / η² (η = 0.1) at a rate ∝ B, runs end with the test accuracy of "
                f"B = {smallest} (± 0.3 pp).",
                "source": ["lau2024"],
                "published": "between the small batch and the large one",
                "because": "Margin: as above; where b / η² exceeds the training set, the batch is all of it.",
                "of": {"recipe": "norm_test_scaled", "epoch": "last"},
                "words": {"of": "B = b / η² at a rate ∝ B", "minus": f"B = {smallest}"},
            },
            "fewer_updates": {
                **{key: value for key, value in claim.items() if key not in ("margin", "unit")},
                "statement": f"Training with B = b makes at most half the updates of B = {smallest}.",
                "published": "fewer updates",
                "because": "Published without a number; half is ours.",
                "test": "ratio",
                "value": "updates",
                "words": {"of": "B = b", "minus": f"B = {smallest}", "value": "number of updates"},
                "expect": {"max": 0.5},
                "figure": "by_update",
            },
        },
    }


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: names of anchors that nobody gave are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def campaign(raw: Mapping[str, Any], table: Path) -> dict[str, Any]:
    """Return the campaign that trains by the rules which another campaign has measured.

    Args:
        raw: The other campaign's file.
        table: Its measured table.
    """
    small = int(raw["batch_sizes"]["small"])
    return {
        "campaign": f"{raw['campaign']}_by_rules",
        "title": "Do adaptive batch sizes train as well as a small batch?",
        "summary": f"Training at the batch sizes that adaptive rules took on runs of the campaign {raw['campaign']}.",
        "run": [STUDY],
        **{key: raw[key] for key in _KEPT if key in raw},
        # Of data sets, models and optimizers, the one that is trained.
        **{f"{one}s": {raw[one]: raw[f"{one}s"][raw[one]]} for one in ("dataset", "model", "optimizer")},
        "studies": {STUDY: study(stages(table, small), small)},
    }


def write(config: Path, results: Path = Path("results")) -> str:
    """Write the campaign beside the other's file and return what to do next.

    Raises:
        BatchlabError: There is no such file, nothing was measured, or the new campaign is there already.
    """
    try:
        raw = yaml.safe_load(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BatchlabError(f"{config}: there is no such file") from None
    table = results / str(raw["campaign"]) / _TABLE
    made = campaign(raw, table)
    target = config.with_name(f"{made['campaign']}.yaml")
    if target.exists():
        raise BatchlabError(f"{target}: is there already, and is not overwritten; delete it first")
    plan(load(read(made)))  # what is written can be run
    head = f"# Written by `make by-rules CONFIG={config}` from {table}.\n"
    write_text(target, head + yaml.dump(made, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120))
    arms = made["studies"][STUDY]["arms"]
    sizes = (
        f"{label}: {', '.join(str(phase['batch_size']) for phase in arms[rule]['phases'])}"
        for rule, label in RULES.items()
    )
    return f"Wrote {target}: {'; '.join(sizes)}.\nmake figures CONFIG={target} runs it."


if __name__ == "__main__":
    try:
        print(write(Path(sys.argv[1])))
    except BatchlabError as problem:
        sys.exit(for_the_terminal(problem))
