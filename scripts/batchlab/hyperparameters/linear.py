"""The learning rate grows in proportion to the batch size."""

from batchlab.declarations.rule import Rule, learning_rate_times

RULE = Rule(
    summary="learning rate × κ; for the whole rule add a schedule with warm-up and `momentum_correction`",
    source="Goyal et al. 2017",
    scale=learning_rate_times(lambda given: given.ratio),
)
