"""Runs that failed: diverged ones and those that ended no better than guessing, arm by arm."""

from __future__ import annotations

from collections.abc import Sequence

from batchlab.report.cells import Row, count
from batchlab.report.wording import counted, listed

# Columns of the summary that count failed runs.
KINDS = ("diverged", "collapsed")


def failures_of(summary: Sequence[Row]) -> list[str]:
    """Return a sentence for each arm with failed runs: `B = 1: 1 run of 3 collapsed`.

    Args:
        summary: The study's summary; each arm has one row for each metric, and the largest count of them counts. The
            first is of the runs that have not failed; updates and times are of all.
    """
    arms: dict[str, dict[str, int]] = {}
    runs: dict[str, int] = {}
    for row in summary:
        name = row.get("label") or row["arm"]
        found = arms.setdefault(name, dict.fromkeys(KINDS, 0))
        for kind in KINDS:
            found[kind] = max(found[kind], count(row, kind))
        runs.setdefault(name, count(row, "n") + sum(count(row, kind) for kind in KINDS))
    return [f"{name}: {_failed(failed)} of {runs[name]}" for name, failed in arms.items() if any(failed.values())]


def _failed(numbers: dict[str, int]) -> str:
    return listed([f"{counted(number, 'run')} {kind}" for kind, number in numbers.items() if number])
