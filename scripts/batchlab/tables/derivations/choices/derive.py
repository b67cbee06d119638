"""Which batch size for which aim, how sure that is, and what it would cost to be surer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from batchlab.tables.chosen_rates import Chosen, behind, best_size, chosen_rates, common_seeds
from batchlab.tables.machine_model import Machine, Point, machine_of
from batchlab.tables.resampling import interval, more_seeds, shares_of_best

# Seconds until a job trains: its start and compilation.
_START = 8.0
# Memory within this share of the least is as little.
_AS_LITTLE = 0.02


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row for each aim and batch size, sizes in order.

    Args:
        tables: `cells`, `machine`, `throughput`, `workload`.
        options: None.
    """
    cells, machine, workload = tables["cells"], machine_of(tables), tables["workload"].iloc[0]
    sign = 1.0 if cells["better"].iloc[0] == "higher" else -1.0
    lost = cells["reached"] == 0
    # With statistics of a batch, micro-batches change what is learnt: then only what was trained counts.
    ways = _trained_ways(cells) if workload["normalising"] else _all_ways(cells, machine)
    fastest = {size: min(found, key=lambda way: machine.seconds_of(*way)) for size, found in ways.items()}
    if not workload["normalising"]:
        fastest = {size: machine.fastest(size) for size in ways}
    updates = np.log(cells["updates"].mask(lost))
    in_updates = chosen_rates(cells, updates)
    aims = {
        "time": ("s", fastest, _shifted(in_updates, fastest, machine)),
        "examples": ("examples", fastest, chosen_rates(cells, np.log(cells["examples"].mask(lost)))),
        "metric": ("", fastest, chosen_rates(cells, -sign * cells["final"])),
    }
    rows = []
    for aim, (unit, split, chosen) in aims.items():
        rows += _rows(aim, unit, split, chosen, cells, workload, sign)
    rows += _memory(cells, ways, in_updates, machine)
    return pd.DataFrame(rows).assign(study=cells["study"].iloc[0])


def _trained_ways(cells: pd.DataFrame) -> dict[int, list[Point]]:
    found: dict[int, list[Point]] = {}
    for size, passes in sorted(set(zip(cells["batch_size"], cells["accumulation"], strict=True))):
        found.setdefault(int(size), []).append((int(size // passes), int(passes)))
    return found


def _all_ways(cells: pd.DataFrame, machine: Machine) -> dict[int, list[Point]]:
    return {int(size): list(machine.splits(int(size))) for size in sorted(cells["batch_size"].unique())}


def _shifted(chosen: Mapping[int, Chosen], split: Mapping[int, Point], machine: Machine) -> dict[int, Chosen]:
    """Return the logarithm of seconds instead of that of updates, each of which takes as long at one size."""
    return {
        size: replace(each, told=each.told + math.log(machine.seconds_of(*split[size])))
        for size, each in chosen.items()
    }


def _rows(
    aim: str,
    unit: str,
    split: Mapping[int, Point],
    chosen: Mapping[int, Chosen],
    cells: pd.DataFrame,
    workload: pd.Series,
    sign: float,
) -> list[dict[str, Any]]:
    back = (lambda loss: -sign * loss) if aim == "metric" else math.exp
    apart = (lambda difference: difference) if aim == "metric" else math.exp
    whole = {size: each for size, each in chosen.items() if np.isfinite(each.told).all()}
    best = best_size(chosen)
    shares = _shares(chosen, whole[best].told) if best is not None else dict.fromkeys(chosen, 0.0)
    costs = cells.groupby("arm")["run_seconds"].mean()
    rows = []
    for size, each in chosen.items():
        low, high = sorted(map(back, interval(each.told)))
        row = {
            **_setting(aim, size, split[size], each, cells),
            "unit": unit,
            "best_share": shares[size],
            "value": back(float(each.told.mean())) if size in whole else math.nan,
            "value_low": low,
            "value_high": high,
        }
        row |= dict.fromkeys(("behind", "behind_low", "behind_high", "more_seeds", "more_seconds"), math.nan)
        row["verdict"] = "does not reach the target" if aim != "metric" else "diverged"
        if size in whole and best is not None:
            gap = behind(each.told, whole[best].told)
            ends = interval(gap)
            row |= {"behind": apart(float(gap.mean()))}
            row |= {"behind_low": apart(ends[0]), "behind_high": apart(ends[1])}
            row["verdict"] = _verdict(size == best, ends)
            if row["verdict"] == "cannot be told apart" and math.isfinite(more := more_seeds(gap)):
                # The two settings train side by side, one job each.
                work = 2 * _START + more * (costs[each.arm] + costs[whole[best].arm])
                row |= {"more_seeds": max(1.0, more), "more_seconds": work / min(2.0, float(workload["cores"]))}
        rows.append(row)
    return rows


def _shares(chosen: Mapping[int, Chosen], best: pd.Series) -> dict[int, float]:
    """Return the share of the resamples in which each size is the best, of those that have the seeds of the best.

    Without seeds of its own, the best has those that all have.
    """
    compared = {size: each.told for size, each in chosen.items() if set(best.index) <= set(each.told.index)}
    seeds = common_seeds(compared.values())
    shares = shares_of_best([told[seeds] for told in compared.values()])
    return {**dict.fromkeys(chosen, 0.0), **dict(zip(compared, shares, strict=True))}


def _verdict(best: bool, ends: tuple[float, float]) -> str:
    if best:
        return "best"
    if math.isnan(ends[0]):
        return "undetermined"
    return "worse" if ends[0] > 0 else "cannot be told apart"


def _setting(aim: str, size: int, split: Point, chosen: Chosen, cells: pd.DataFrame) -> dict[str, Any]:
    runs = cells[cells["arm"] == chosen.arm]
    return {
        "aim": aim,
        "batch_size": size,
        "micro_batch": split[0],
        "accumulation": split[1],
        "learning_rate": chosen.learning_rate,
        "rate_low": chosen.rate_low,
        "rate_high": chosen.rate_high,
        "edge": int(chosen.edge),
        "n": len(runs),
        "reached": int(runs["reached"].sum()),
    }


def _memory(
    cells: pd.DataFrame, ways: Mapping[int, list[Point]], in_updates: Mapping[int, Chosen], machine: Machine
) -> list[dict[str, Any]]:
    """Return for each size the split with the least memory; the best is the fastest of those with as little.

    Memory is told by the line through all measurements where it is not measured, so splits that differ by less than its
    error have as little.
    """
    error = 2 * float(machine.lines["memory_error"])
    whole = {size: each for size, each in in_updates.items() if np.isfinite(each.told).all()}
    least = min((machine.megabytes_of(micro) for found in ways.values() for micro, _ in found), default=math.nan)

    def little(way: Point) -> bool:
        return machine.megabytes_of(way[0]) <= least * (1 + _AS_LITTLE) + error

    rows, seconds = [], {}
    for size, chosen in in_updates.items():
        found = [way for way in ways[size] if little(way)] or [min(ways[size])]
        split = min(found, key=lambda way: machine.seconds_of(*way))
        if size in whole and little(split):
            seconds[size] = float(chosen.told.mean()) + math.log(machine.seconds_of(*split))
        value = machine.megabytes_of(split[0])
        rows.append(
            {
                **_setting("memory", size, split, chosen, cells),
                "unit": "MB",
                "value": value,
                "value_low": value - error,
                "value_high": value + error,
                "behind": value / least,
                "behind_low": math.nan,
                "behind_high": math.nan,
                "more_seeds": math.nan,
                "more_seconds": math.nan,
            }
        )
    best = min(seconds, key=lambda size: seconds[size], default=None)
    for row in rows:
        size = row["batch_size"]
        row["best_share"] = float(size == best)
        row["verdict"] = "best" if size == best else "cannot be told apart" if size in seconds else "worse"
        if size not in whole:
            row["verdict"] = "does not reach the target"
    return rows
