"""What the norms of summed gradients say about the gradient noise, beside the closed form."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from batchlab.tables import intervals as statistics

# One sample of norms: same weights, same way of summing. `probe` keeps apart two probes of one snapshot.
SNAPSHOT = ["study", "arm", "epoch", "probe", "seed"]
SERIES = [*SNAPSHOT, "method"]
SAMPLE = [*SERIES, "batch_size"]

SUMMARY_COLUMNS = (
    *("study", "arm", "epoch", "seed", "method", "batch_size", "trials", "mean", "mean_low", "mean_high"),
    *("std", "std_error", "rms", "rms_low", "rms_high", "skewness", "skewness_error", "kurtosis", "kurtosis_error"),
    *("relative_std", "relative_std_error", "predicted_rms", "ratio_to_prediction", "ratio_low", "ratio_high"),
    *("largest_over_this_mean", "largest_over_this_rms", "largest_over_this_predicted", "recipe", "label", "probe"),
)


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


def with_noise_ratio(moments: pd.DataFrame) -> pd.DataFrame:
    """Return the moments of the gradient with `ratio` = tr Σ / ‖G‖², the noise scale b in examples."""
    if "ratio" in moments:
        return moments
    ratio = moments["trace"] / moments["squared_norm"].where(moments["squared_norm"] > 0)
    return moments.assign(ratio=ratio)


def gradient_norm_summary(norms: pd.DataFrame, moments: pd.DataFrame | None) -> pd.DataFrame:
    """Summarise the trials of each snapshot, seed, method and batch size.

    Args:
        norms: Columns study, arm, epoch, seed, method, batch_size, trial, norm, recipe, label, probe.
        moments: Columns study, arm, epoch, seed, examples, squared_norm, trace; None if they were not measured.

    Returns:
        One row per sample with the columns `SUMMARY_COLUMNS`. The 95 % intervals are over trials: of the mean by
        Student's t, of the rms by the delta method, of the ratio to the prediction by dividing that by it. The
        prediction exists for `fixed_weights` only; for gradients summed along a path there is no such b.
    """
    rows = []
    for keys, group in norms.groupby(SAMPLE, sort=False, dropna=False):
        values = group["norm"].to_numpy(float)
        shape, rms = statistics.moments(values), statistics.root_mean_square(values)
        mean = statistics.mean_interval(values)
        relative = shape.std / shape.mean if shape.mean else math.nan
        rows.append(
            {
                **dict(zip(SAMPLE, keys, strict=True)),
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
                "recipe": group["recipe"].iloc[0],
                "label": group["label"].iloc[0],
            }
        )
    summary = _with_prediction(pd.DataFrame(rows), moments)
    series = summary.groupby(SERIES, dropna=False)
    largest = summary["batch_size"] == series["batch_size"].transform("max")
    keys_of = [summary[column] for column in SERIES]
    for column, name in (("mean", "mean"), ("rms", "rms"), ("predicted_rms", "predicted")):
        top = summary[column].where(largest).groupby(keys_of, dropna=False).transform("first")
        summary[f"largest_over_this_{name}"] = top / summary[column].where(summary[column] > 0)
    return summary.reindex(columns=SUMMARY_COLUMNS)


def _relative_std_error(shape: statistics.Moments, relative: float) -> float:
    """Return the standard error of std/mean by the delta method; cov(x̄, s²) = m₃/n ties the two errors together."""
    if shape.n < 2 or not shape.std > 0:
        return math.nan
    variance = (shape.std_error / shape.std) ** 2 + (relative**2 - shape.skewness * relative) / shape.n
    return abs(relative) * math.sqrt(max(0.0, variance))


def _with_prediction(summary: pd.DataFrame, moments: pd.DataFrame | None) -> pd.DataFrame:
    if moments is None:
        return summary.assign(
            predicted_rms=math.nan, ratio_to_prediction=math.nan, ratio_low=math.nan, ratio_high=math.nan
        )
    known = moments[[*SNAPSHOT, "examples", "squared_norm", "trace"]].drop_duplicates(SNAPSHOT)
    joined = summary.merge(known, on=SNAPSHOT, how="left", validate="many_to_one")
    predicted = predicted_rms(joined["batch_size"], joined["squared_norm"], joined["trace"], joined["examples"])
    prediction = pd.Series(predicted, index=joined.index).where(joined["method"] == "fixed_weights")
    divisor = prediction.where(prediction > 0)
    joined = joined.assign(
        predicted_rms=prediction,
        ratio_to_prediction=joined["rms"] / divisor,
        ratio_low=joined["rms_low"] / divisor,
        ratio_high=joined["rms_high"] / divisor,
    )
    return joined.drop(columns=["examples", "squared_norm", "trace"])
