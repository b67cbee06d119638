"""The tables of `docs/peers.md`: what each program chose and what it costs, from `results/peers`."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from batchlab.pages import between_markers, markdown_table
from batchlab.paths import PROJECT
from batchlab.tables.rounding import estimate, number

PAGE = PROJECT / "docs/peers.md"
CHOICES = PROJECT / "results/peers/choices.csv"
_HEAD = (
    *("who chooses", "B", "rate", "search (s)", "settings tried", "seeds that reach it"),
    *("time to the target (s)", "updates", "examples", "times as long as ours"),
)
# Who chooses → in words; the first one is ours.
CHOOSERS = {
    "batchlab": "`make advise`",
    "thirty-two": "32, at the given rate",
    "largest": "the largest that fits, at the given rate",
    "lightning": "Lightning's batch-size finder, at the given rate",
    "lightning_rate": "Lightning's batch-size finder, then its rate finder",
    "keras_tuner_size": "KerasTuner over B, for the best validation value",
    "keras_tuner": "KerasTuner over B and rate, for the best validation value",
    "keras_tuner_time": "KerasTuner over B and rate, for the shortest time to the target",
}


def table(choices: Path = CHOICES) -> str:
    """Return a table for each workload as Markdown.

    Args:
        choices: The table that `make peers` writes.
    """
    with choices.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    parts = []
    for campaign in dict.fromkeys(row["campaign"] for row in rows):
        listed = [_cells(row) for row in rows if row["campaign"] == campaign]
        parts.append(f"**{campaign}**\n\n{markdown_table(_HEAD, listed)}")
    return "\n\n".join(parts)


def _cells(row: dict[str, str]) -> tuple[str, ...]:
    who = CHOOSERS[row["chooser"]]
    if row["note"]:
        return who, row["note"], *[""] * (len(_HEAD) - 2)
    return (
        who,
        row["batch_size"],
        number(float(row["learning_rate"])),
        number(float(row["search_seconds"])),
        row["tried"],
        f"{row['reached']} of {row['seeds']}",
        *(_interval(row, name) for name in ("seconds", "updates", "examples", "ratio")),
    )


def _interval(row: dict[str, str], name: str) -> str:
    """Return a mean with its interval; of runs that miss the target that it is more."""
    value, low, high = (float(row[key] or "nan") for key in (name, f"{name}_low", f"{name}_high"))
    if not math.isfinite(value):
        return "–"
    if not math.isfinite(low):
        return f"more than {number(value)}"
    shown, *ends = estimate(value, low, high)
    return shown if low == high else f"{shown} [{', '.join(ends)}]"


def rendered() -> dict[Path, str]:
    """Return `docs/peers.md` with the tables as they are now."""
    shown = table() if CHOICES.is_file() else "Not measured yet."
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), {"choices": shown})}
