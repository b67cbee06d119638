"""The learning rate grows with the square root of the batch size."""

import math

from batchlab.declarations.rule import Rule

RULE = Rule(
    summary="learning rate × √(B / reference)",
    source="Malladi et al. 2022, of whose rule for Adam this is the part of the learning rate",
    factors={"learning_rate": math.sqrt},
)
