"""What the measured speed and memory say of other micro-batches: two fitted lines, and what fits."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Beyond the largest measured micro-batch times this, a line is not believed.
_REACH = 64
# Share of the highest throughput that is enough.
_ENOUGH = 0.9


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row for each arm on which the machine was measured.

    Args:
        tables: `throughput`.
        options: None.
    """
    found = tables["throughput"].groupby(["study", "arm"], sort=False)
    return pd.DataFrame([{"study": study, "arm": arm, **_machine(rows)} for (study, arm), rows in found])


def _machine(rows: pd.DataFrame) -> dict[str, Any]:
    good = rows[rows["outcome"] == "measured"]
    micro, passes = (good[name].to_numpy(float) for name in ("micro_batch", "accumulation"))
    seconds, memory = good["seconds_per_update"].to_numpy(float), good["memory"].to_numpy(float)
    ones = np.ones_like(micro)
    # Errors count as shares of the measured time, which spans several powers of ten.
    time = nonnegative(np.column_stack([ones, passes, passes * micro]) / seconds[:, None], ones)
    fitted = np.column_stack([ones, passes, passes * micro]) @ time
    space = nonnegative(np.column_stack([ones, micro]), memory)
    error = _rms(np.column_stack([ones, micro]) @ space - memory)
    allowed = float(rows["allowed"].min())
    single = good[good["accumulation"] == good["accumulation"].min()]
    fastest = single.loc[single["examples_per_second"].idxmax()]
    enough = single[single["examples_per_second"] >= _ENOUGH * fastest["examples_per_second"]]
    return {
        **dict(zip(("per_update", "per_micro_batch", "per_example"), time, strict=True)),
        "time_error": _rms(fitted / seconds - 1),
        **dict(zip(("memory_base", "memory_per_example"), space, strict=True)),
        "memory_error": error,
        "allowed": allowed,
        "largest_micro_batch": _largest(rows, space, error, allowed),
        "fastest_micro_batch": int(fastest["micro_batch"]),
        "enough_micro_batch": int(enough["micro_batch"].min()),
    }


def _largest(rows: pd.DataFrame, space: NDArray[Any], error: float, allowed: float) -> int:
    """Return the largest micro-batch that fits; a measured one fits in any case."""
    measured = int(rows.loc[rows["outcome"] == "measured", "micro_batch"].max())
    most = measured * _REACH
    base, each = space
    if each > 0:
        most = min(most, int((allowed - base - 2 * error) / each))
    if len(failed := rows.loc[rows["outcome"] == "no memory", "micro_batch"]):
        most = min(most, int(failed.min()) - 1)
    return max(measured, most)


def _rms(values: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def nonnegative(matrix: NDArray[Any], target: NDArray[Any]) -> NDArray[Any]:
    """Return the coefficients, none below 0, with the least sum of squares; of equal ones those with fewer terms.

    For a few columns all choices of terms are tried, which is exact.

    Args:
        matrix: Shape (equations, coefficients).
        target: Shape (equations,).
    """
    best, least = np.zeros(matrix.shape[1]), float(target @ target)
    for count in range(1, matrix.shape[1] + 1):
        for terms in map(list, itertools.combinations(range(matrix.shape[1]), count)):
            part, *_ = np.linalg.lstsq(matrix[:, terms], target, rcond=None)
            left = float(np.sum((matrix[:, terms] @ part - target) ** 2))
            if (part >= 0).all() and left < least * (1 - 1e-9):
                best, least = np.zeros(matrix.shape[1]), left
                best[terms] = part
    return best
