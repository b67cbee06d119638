"""Hyperparameters that do not depend on the batch size."""

from batchlab.declarations.rule import Rule

RULE = Rule(summary="nothing follows the batch size", source="", scale=lambda _: {})
