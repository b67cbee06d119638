"""The learning rate grows with the square root of the batch size."""

import math

from batchlab.declarations.rule import Rule, learning_rate_times

RULE = Rule(
    summary="learning rate × √κ, and nothing else",
    source="Krizhevsky 2014; for Adam the part of the learning rate of Malladi et al. 2022",
    scale=learning_rate_times(lambda given: math.sqrt(given.ratio)),
)
