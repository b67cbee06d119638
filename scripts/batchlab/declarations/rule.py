"""The declaration of a hyperparameter rule: how hyperparameters follow the batch size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A rule; its name is that of its file below `hyperparameters/`.

    Attributes:
        summary: What it does, for the manual.
        source: The publication.
        factors: Hyperparameter → its factor as a function of B / B_reference.
    """

    summary: str
    source: str
    factors: Mapping[str, Callable[[float], float]]
