"""The declaration of a hyperparameter rule: how hyperparameters follow the batch size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batchlab.declarations.options import Option

Hyperparameters = Mapping[str, float]


@dataclass(frozen=True)
class Scaling:
    """What a rule starts from.

    Attributes:
        reference: Learning rate and numeric hyperparameters of the optimizer at the reference batch size.
        present: The same after the rules that were applied before.
        batch_size: The batch size B.
        reference_batch_size: The reference batch size.
        options: The options of the rule.
    """

    reference: Hyperparameters
    present: Hyperparameters
    batch_size: int
    reference_batch_size: int
    options: Mapping[str, Any]

    @property
    def ratio(self) -> float:
        """κ = B / B_reference."""
        return self.batch_size / self.reference_batch_size


@dataclass(frozen=True)
class Rule:
    """A rule; its name is that of its file below `hyperparameters/`.

    Attributes:
        summary: What it does, for the manual.
        source: The publication.
        scale: Returns the hyperparameters that it changes, with their new values; those that the optimizer does not
            have are left out.
        options: Its options.
    """

    summary: str
    source: str
    scale: Callable[[Scaling], Hyperparameters]
    options: tuple[Option, ...] = ()


def learning_rate_times(factor: Callable[[Scaling], float]) -> Callable[[Scaling], Hyperparameters]:
    """Return a rule's `scale` that multiplies the learning rate and changes nothing else."""
    return lambda given: {"learning_rate": given.reference["learning_rate"] * factor(given)}
