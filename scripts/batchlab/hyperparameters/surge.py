"""The best learning rate of Adam rises with the batch size and falls again beyond the noise scale."""

import math

from batchlab.declarations.options import Number
from batchlab.declarations.rule import Rule, Scaling, learning_rate_times


def _height(batch_size: float, peak: float) -> float:
    return 2 / (math.sqrt(peak / batch_size) + math.sqrt(batch_size / peak))


def _factor(given: Scaling) -> float:
    peak = given.options["peak"]
    return _height(given.batch_size, peak) / _height(given.reference_batch_size, peak)


RULE = Rule(
    summary="learning rate ∝ 2 / (√(peak / B) + √(B / peak)): √B for small B, largest at `peak`, falling beyond",
    source="Li et al. 2024 (arXiv:2405.14578), for optimizers of the kind of Adam; `peak` is their noise scale",
    scale=learning_rate_times(_factor),
    options=(Number("peak", "batch size of the largest learning rate", above=0),),
)
