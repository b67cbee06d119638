"""Does the cheap stage foresee the answer? Published rules on gradients beside the measured knee, over workloads.

`python -m batchlab.report.foresight advise mine …` writes knees.csv, ranks.csv and provenance.json to
`results/foresight`, from finished adviser campaigns. It is no rule of the workflow, and it starts no campaign.
"""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchlab.errors import BatchlabError
from batchlab.files import write_json, write_text
from batchlab.tables.resampling import LEVEL, draws, interval

RESULTS = Path("results")
FOLDER = "foresight"
# When the gradients were measured: first, middle and last of the snapshots of a campaign.
WHEN = ("early", "middle", "late")
# With fewer workloads an interval of ranks would say nothing.
_FEW = 4

Row = dict[str, Any]


def rows_of_campaign(name: str, results: Path = RESULTS) -> list[Row]:
    """Return a row for each rule and time of measurement of one campaign, with the measured knee.

    Args:
        name: Name of the campaign.
        results: Folder of all results.

    Raises:
        BatchlabError: It has no answer.
    """
    path = results / name / "advice.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BatchlabError(f"{path}: no answer; run make advise with the campaign {name} first") from None
    epochs = sorted({each["epoch"] for each in found["by_noise"]})
    when = {epochs[0]: WHEN[0], epochs[len(epochs) // 2]: WHEN[1], epochs[-1]: WHEN[2]}
    return [
        {
            "campaign": name,
            "rule": each["rule"],
            "when": when[each["epoch"]],
            "epoch": each["epoch"],
            "foreseen": _number(each["batch_size"]),
            "foreseen_low": _number(each["low"]),
            "foreseen_high": _number(each["high"]),
            "knee": _number(found["knee"]["batch_size"]),
            "knee_low": _number(found["knee"]["low"]),
            "knee_high": _number(found["knee"]["high"]),
            "seeds": found["seeds"],
        }
        for each in found["by_noise"]
        if each["epoch"] in when
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def ranks(rows: Iterable[Row]) -> list[Row]:
    """Return for each rule and time: rank correlation and ratio of foreseen and measured sizes over workloads.

    Args:
        rows: Those of all campaigns.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["rule"], row["when"]), []).append(row)
    found = []
    for (rule, when), group in groups.items():
        known = [row for row in group if math.isfinite(row["foreseen"]) and math.isfinite(row["knee"])]
        foreseen, knees = (np.array([row[name] for row in known], float) for name in ("foreseen", "knee"))
        low, high = _rank_interval(foreseen, knees)
        logs = np.log(foreseen / knees)
        ends = np.exp(interval(logs))
        found.append(
            {
                "rule": rule,
                "when": when,
                "workloads": len(group),
                "known": len(known),
                "rank": rank_correlation(foreseen, knees),
                "rank_low": low,
                "rank_high": high,
                "ratio": math.exp(logs.mean()) if len(logs) else math.nan,
                "ratio_low": ends[0],
                "ratio_high": ends[1],
            }
        )
    return found


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Kendall's τ_b: the share of pairs in the same order minus that in the other order, ties taken out of both.

    Args:
        first: One number for each workload.
        second: Another one.

    Returns:
        NaN for fewer than two, or where all of one are equal.
    """
    signs = [np.sign(np.subtract.outer(each, each)) for each in map(np.asarray, (first, second))]
    untied = [np.abs(each).sum() for each in signs]
    if not all(untied):
        return math.nan
    return float((signs[0] * signs[1]).sum() / math.sqrt(untied[0] * untied[1]))


def _rank_interval(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 90 % interval of the rank correlation by resampling workloads; NaN for few of them."""
    if len(first) < _FEW:
        return math.nan, math.nan
    taken = np.unique(np.sort(draws(len(first)), axis=1), axis=0, return_counts=True)
    values = np.array([rank_correlation(first[each], second[each]) for each in taken[0]])
    known = np.isfinite(values)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.repeat(values[known], taken[1][known]), [tail, 1 - tail])
    return float(low), float(high)


def write(names: Sequence[str], results: Path = RESULTS) -> Path:
    """Write both tables and where they come from; return the folder."""
    rows = [row for name in names for row in rows_of_campaign(name, results)]
    folder = results / FOLDER
    write_text(folder / "knees.csv", as_csv(rows))
    write_text(folder / "ranks.csv", as_csv(ranks(rows)))
    write_json(
        folder / "provenance.json", {name: provenance(results / name / "advice.provenance.json") for name in names}
    )
    return folder


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV: numbers with six digits, nothing for NaN."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: "" if isinstance(each, float) and math.isnan(each) else _short(each) for key, each in row.items()}
        for row in rows
    )
    return text.getvalue()


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


_KEPT = ("code", "ended", "environment", "git", "host", "identity", "packages", "python")


def provenance(path: Path) -> dict[str, Any]:
    """Return what the record of a result says of where it comes from, inputs and settings apart."""
    record = json.loads(path.read_text(encoding="utf-8"))
    return {key: record[key] for key in _KEPT if key in record}


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("batchlab: error: name finished campaigns, as in: python -m batchlab.report.foresight advise mine")
    try:
        print(f"The tables are in {write(sys.argv[1:])}")
    except BatchlabError as problem:
        sys.exit(f"batchlab: error: {problem}")
