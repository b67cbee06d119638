"""What the norms of summed gradients say about the gradient noise, beside the closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from batchlab.tables import intervals

# One sample of norms: same weights, same way of summing. `probe` keeps apart two probes of one snapshot.
SNAPSHOT = ["study", "arm", "epoch", "probe", "seed"]
SERIES = [*SNAPSHOT, "method"]
SAMPLE = [*SERIES, "batch_size"]


def predicted_rms(
    batch_size: ArrayLike, squared_norm: ArrayLike, trace: ArrayLike, examples: ArrayLike
) -> NDArray[np.float64]:
    """Return the root mean square of ‖Σ g‖ over batches drawn without replacement from the training set.

    With G the mean and Σ the covariance (divisor N) of the N per-example gradients, a batch of i gives
    E‖Σg‖² = i² ‖G‖² + i (N − i)/(N − 1) tr Σ: the variance of a sum of i draws with the finite population correction
    (Cochran 1977). For N → ∞ it is i (i + b) ‖G‖² with b = tr Σ / ‖G‖², the noise scale of McCandlish et al. 2018.

    Args:
        batch_size: i.
        squared_norm: ‖G‖².
        trace: tr Σ.
        examples: N.

    Returns:
        √E‖Σg‖², in the shape of the arguments broadcast together.
    """
    i, squared, total, n = (np.asarray(value, dtype=float) for value in (batch_size, squared_norm, trace, examples))
    correction = (n - i) / np.maximum(n - 1, 1)
    return np.sqrt(i * i * squared + i * correction * total)


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Summarise the trials of each snapshot, seed, method and batch size.

    Args:
        tables: `gradient_norms` with columns study, arm, epoch, seed, method, batch_size, trial, norm, recipe, label,
            probe; `gradient_moments` with columns study, arm, epoch, probe, seed, examples, squared_norm, trace.
        options: None are read.

    Returns:
        One row per sample. The 95 % intervals are over trials: of the mean by Student's t, of the rms by the delta
        method, of the ratio to the prediction by dividing that by it. The prediction exists for `fixed_weights` only;
        for gradients summed along a path there is no such b.
    """
    rows = []
    for keys, group in tables["gradient_norms"].groupby(SAMPLE, sort=False, dropna=False):
        facts = {"recipe": group["recipe"].iloc[0], "label": group["label"].iloc[0]}
        rows.append({**dict(zip(SAMPLE, keys, strict=True)), **_shape(group["norm"].to_numpy(float)), **facts})
    summary = _with_prediction(pd.DataFrame(rows), tables["gradient_moments"])
    series = summary.groupby(SERIES, dropna=False)
    largest = summary["batch_size"] == series["batch_size"].transform("max")
    keys_of = [summary[column] for column in SERIES]
    for column, name in (("mean", "mean"), ("rms", "rms"), ("predicted_rms", "predicted")):
        top = summary[column].where(largest).groupby(keys_of, dropna=False).transform("first")
        summary[f"largest_over_this_{name}"] = top / summary[column].where(summary[column] > 0)
    return summary


def _shape(norms: NDArray[np.float64]) -> dict[str, float]:
    """Return the moments of one sample of norms with their errors and intervals."""
    shape, rms, mean = intervals.moments(norms), intervals.root_mean_square(norms), intervals.mean_interval(norms)
    relative = shape.std / shape.mean if shape.mean else math.nan
    return {
        "trials": shape.n,
        "mean": shape.mean,
        "mean_low": mean.ci_low,
        "mean_high": mean.ci_high,
        "std": shape.std,
        "std_error": shape.std_error,
        "rms": rms.mean,
        "rms_low": rms.ci_low,
        "rms_high": rms.ci_high,
        "skewness": shape.skewness,
        "skewness_error": shape.skewness_error,
        "kurtosis": shape.kurtosis,
        "kurtosis_error": shape.kurtosis_error,
        "relative_std": relative,
        "relative_std_error": _relative_std_error(shape, relative),
    }


def _relative_std_error(shape: intervals.Moments, relative: float) -> float:
    """Return the standard error of std/mean by the delta method; cov(x̄, s²) = m₃/n ties the two errors together."""
    if shape.n < 2 or not shape.std > 0:
        return math.nan
    variance = (shape.std_error / shape.std) ** 2 + (relative**2 - shape.skewness * relative) / shape.n
    return abs(relative) * math.sqrt(max(0.0, variance))


def _with_prediction(summary: pd.DataFrame, moments: pd.DataFrame) -> pd.DataFrame:
    known = moments[[*SNAPSHOT, "examples", "squared_norm", "trace"]].drop_duplicates(SNAPSHOT)
    joined = summary.merge(known, on=SNAPSHOT, how="left", validate="many_to_one")
    predicted = predicted_rms(joined["batch_size"], joined["squared_norm"], joined["trace"], joined["examples"])
    prediction = pd.Series(predicted, index=joined.index).where(joined["method"] == "fixed_weights")
    divisor = prediction.where(prediction > 0)
    return joined.assign(
        predicted_rms=prediction,
        ratio_to_prediction=joined["rms"] / divisor,
        ratio_low=joined["rms_low"] / divisor,
        ratio_high=joined["rms_high"] / divisor,
    )
