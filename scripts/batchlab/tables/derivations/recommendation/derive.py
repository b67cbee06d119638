"""Which batch size and learning rate to take.

Rates and sizes are chosen by validation, and test accuracy is told of what was chosen. For each seed the rate is the
one that the other seeds choose, so that the choice does not flatter what is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.intervals import mean_interval
from batchlab.tables.selection import require_column


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row for each batch size: its best rate, what that reaches, and advice.

    Args:
        tables: `history`, with several learning rates for each batch size.
        options: `choose` and `tell`, columns of history, and `columns`, what is declared of them.

    Raises:
        BatchlabError: History lacks a column, or no setting ended with finite values.
    """
    history, columns = tables["history"], options["columns"]
    sign = -1 if columns.get(options["choose"], {}).get("better") == "lower" else 1
    column = columns.get(options["tell"], {})
    told_sign = -1 if column.get("better") == "lower" else 1
    least, most = column.get("bounds", (-np.inf, np.inf))
    for name in ("choose", "tell"):
        require_column(history, options[name], name)
    ends = history.sort_values("epoch", kind="stable").groupby(["arm", "seed"], sort=False).tail(1)
    rows: list[dict[str, Any]] = []
    told: dict[int, pd.Series] = {}
    rates = sorted(map(float, ends["learning_rate"].unique()))
    for _, of_size in ends.groupby("batch_size"):
        size = int(of_size["batch_size"].iloc[0])
        chosen = sign * of_size.pivot_table(
            index="seed", columns="learning_rate", values=options["choose"], dropna=False
        )
        told_of = of_size.pivot_table(index="seed", columns="learning_rate", values=options["tell"], dropna=False)
        means = chosen.mean(skipna=False)  # a rate at which a seed diverged is no choice
        if means.isna().all():
            continue
        told[size] = pd.Series({seed: told_of.loc[seed, _best(chosen, seed)] for seed in chosen.index})
        interval = mean_interval(told[size])
        rows.append(
            {
                "study": of_size["study"].iloc[0],
                "batch_size": size,
                "learning_rate": rates[int(np.nanargmax(means.reindex(rates)))],
                "chosen": sign * means.max(),
                "n": interval.n,
                "mean": interval.mean,
                "ci_low": max(least, interval.ci_low),
                "ci_high": min(most, interval.ci_high),
                "updates": int(of_size["updates"].max()),
            }
        )
    if not rows:
        raise BatchlabError("no run ended with finite values; take lower learning rates")
    # Of equals, one whose rate has neighbours on both sides, then the one with the fewest updates.
    best = max(
        rows, key=lambda row: (round(sign * row["chosen"], 9), row["learning_rate"] in rates[1:-1], row["batch_size"])
    )
    for row in rows:
        below = mean_interval(told_sign * (told[best["batch_size"]] - told[row["batch_size"]]))
        row |= {"below_best": below.mean, "below_low": below.ci_low, "below_high": below.ci_high}
        row |= {"recommended": int(row is best), "advice": ""}
    best["advice"] = _advice(best, rows, rates, column, "lower" if told_sign > 0 else "higher")
    return pd.DataFrame(rows)


def _best(chosen: pd.DataFrame, seed: Any) -> Any:
    """Return the rate that all seeds but one choose; with one seed, that seed chooses."""
    others = chosen.drop(index=seed) if len(chosen) > 1 else chosen
    means = others.mean(skipna=False)
    return means.idxmax() if means.notna().any() else chosen.mean().idxmax()


def _advice(
    best: Mapping[str, Any], rows: list[dict[str, Any]], rates: list[float], column: Mapping[str, Any], worse_is: str
) -> str:
    """Return the advice in words."""
    factor, unit = column.get("factor", 1), column.get("unit", "")

    def shown(value: float) -> str:
        return f"{factor * value:.1f}" if factor != 1 else f"{value:.4g}"

    interval = f" [{shown(best['ci_low'])}, {shown(best['ci_high'])}]" if np.isfinite(best["ci_low"]) else ""
    seeds = "1 seed" if best["n"] == 1 else f"{best['n']} seeds"
    text = (
        f"Take B = {best['batch_size']} with learning rate {best['learning_rate']:g}: "
        f"{column.get('title', 'it ends at')} {shown(best['mean'])}{f' {unit}' if unit else ''}{interval}, {seeds}."
    )
    alike = [row for row in rows if row is not best and not row["below_low"] > 0]
    worse = [row for row in rows if row is not best and row["below_low"] > 0]
    if alike:
        text += f" {_sizes(alike)}, {'each ' if len(alike) > 1 else ''}at its best rate, cannot be told apart from it"
        largest = max(alike, key=lambda row: row["batch_size"])
        if largest["updates"] < best["updates"]:
            text += f"; B = {largest['batch_size']} makes {largest['updates']:,} updates instead of {best['updates']:,}"
        text += "."
    if worse:
        text += f" {_sizes(worse)} {'ends' if len(worse) == 1 else 'end'} {worse_is}."
    if len(rates) > 1 and best["learning_rate"] in (rates[0], rates[-1]):
        end, way = ("lowest", "lower") if best["learning_rate"] == rates[0] else ("highest", "higher")
        text += f" {best['learning_rate']:g} is the {end} rate of the grid: try {way} ones before you rely on this."
    return text


def _sizes(rows: list[dict[str, Any]]) -> str:
    values = [str(row["batch_size"]) for row in rows]
    return f"B = {' and '.join([', '.join(values[:-1]), values[-1]]) if len(values) > 1 else values[0]}"
