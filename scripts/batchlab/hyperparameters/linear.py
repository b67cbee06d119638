"""The learning rate grows in proportion to the batch size."""

from batchlab.declarations.rule import Rule

RULE = Rule(
    summary="learning rate × B / reference",
    source="Goyal et al. 2017, without their warm-up",
    factors={"learning_rate": lambda ratio: ratio},
)
