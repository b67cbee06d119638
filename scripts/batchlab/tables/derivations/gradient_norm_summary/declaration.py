"""What the trials of gradient norms say about the gradient noise, beside the closed form."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.probes.gradient_norms.declaration import METHOD

_NORM = "norm of the summed gradient"


def _error(name: str, meaning: str) -> Column:
    return Column(f"{name}_error", meaning)


def _interval(name: str, of: str) -> tuple[Column, Column]:
    return Column(f"{name}_low", f"lower end of the 95 % interval over trials of {of}"), Column(
        f"{name}_high", "upper end"
    )


DERIVATION = Derivation(
    summary="moments of the norms of each snapshot, seed, method and batch size, beside their closed form",
    reads=("gradient_norms", "gradient_moments"),
    table=Table(
        "gradient_norm_summary",
        "one snapshot, seed, method and batch size; intervals are over trials at one snapshot of one seed",
        columns=(
            *("study", "arm", "epoch", "seed"),
            METHOD,
            "batch_size",
            Column("trials", "number of finite norms", "integer", exact=True),
            Column("mean", "mean norm", title=f"mean {_NORM}", positive=True),
            *_interval("mean", "the mean, Student's"),
            Column("std", "standard deviation (n − 1)", title=f"standard deviation of the {_NORM}", positive=True),
            _error("std", "standard error of std"),
            Column("rms", "√ mean of norm²", title=f"root mean square {_NORM}", positive=True),
            *_interval("rms", "rms, by the delta method"),
            Column("skewness", "m₃ / m₂^1.5", title="skewness of the norm's distribution"),
            _error("skewness", "standard error for normal data"),
            Column(
                "kurtosis",
                "excess kurtosis m₄ / m₂² − 3 (normal: 0)",
                title="excess kurtosis of the norm's distribution",
            ),
            _error("kurtosis", "standard error for normal data"),
            Column("relative_std", "std / mean", title="relative spread, standard deviation / mean", positive=True),
            _error("relative_std", "its standard error"),
            Column(
                "predicted_rms",
                "closed form; `fixed_weights` only",
                title=f"predicted {_NORM}",
                positive=True,
            ),
            Column("ratio_to_prediction", "rms / predicted_rms", title="measured / predicted", positive=True),
            *_interval("ratio", "rms, divided by predicted_rms"),
            Column("largest_over_this_mean", "mean of the largest batch size of the series / mean", positive=True),
            Column("largest_over_this_rms", "the same of rms", positive=True),
            Column("largest_over_this_predicted", "the same of predicted_rms", positive=True),
            *("recipe", "label", "probe"),
        ),
        keys=("study", "arm", "epoch", "probe", "seed", "method", "batch_size"),
    ),
)
