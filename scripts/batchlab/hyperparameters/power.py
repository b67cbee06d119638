"""The learning rate grows with a power of the batch size."""

from batchlab.declarations.options import Number
from batchlab.declarations.rule import Rule, learning_rate_times

RULE = Rule(
    summary="learning rate × κ ^ `exponent`",
    source="",
    scale=learning_rate_times(lambda given: given.ratio ** given.options["exponent"]),
    options=(Number("exponent", "exponent: 0 constant, 0.5 square root, 1 linear"),),
)
