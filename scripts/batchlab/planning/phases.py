"""One arm with every number filled in: its phases, and the trunk from which it branches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchlab.planning.ends import ending_text


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one batch size, accumulation and learning rate.

    Attributes:
        batch_size: Examples in an update.
        accumulation: Micro-batches in an update.
        learning_rate: The rate, or what a schedule takes shares of.
        epochs: Its length in epochs; None if that is counted in updates.
        updates: Its length in updates; None if that is counted in epochs.
        hyperparameters: Those of the optimizer that rules changed.
        schedule: Its own schedule of the learning rate with all options.
    """

    batch_size: int
    accumulation: int
    learning_rate: float
    epochs: int | None
    updates: int | None
    hyperparameters: Mapping[str, float] = dataclasses.field(default_factory=dict)
    schedule: Mapping[str, Any] | None = None

    def text(self) -> str:
        """Return a phase in words, such as `10 epochs, B = 256, lr = 0.05`."""
        length = f"{self.epochs} epochs" if self.epochs is not None else f"{self.updates} updates"
        accumulation = f", K = {self.accumulation}" if self.accumulation > 1 else ""
        more = "".join(f", {key} = {value:g}" for key, value in self.hyperparameters.items())
        schedule = f", {self.schedule['name']} schedule" if self.schedule else ""
        return f"{length}, B = {self.batch_size}{accumulation}, lr = {self.learning_rate:g}{more}{schedule}"


@dataclass(frozen=True)
class Trunk:
    """Where an arm branches off another one.

    Attributes:
        study: The study of the other arm.
        recipe: The other arm.
        at: How far it goes before the branch.
        unit: What that counts, `epochs` or `updates` since the start of training.
        phases: The phases of the other arm up to there.
    """

    study: str
    recipe: Recipe
    at: int
    unit: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True)
class Recipe:
    """One arm's recipe, with every number filled in.

    `phases` are those of the trunk and its own; `schedule` spans its own ones that have none of their own. What
    `evaluate` and `until` are, `planning.ends` says. `seeds` is how many of them train it; None for the study's.
    """

    arm: str
    key: str
    label: str
    dataset: str
    model: str
    optimizer: str
    precision: str
    rule: str
    phases: tuple[Phase, ...]
    schedule: Mapping[str, Any] | None = None
    trunk: Trunk | None = None
    evaluate: Mapping[str, Any] | None = None
    until: Mapping[str, Any] | None = None
    seeds: int | None = None

    @property
    def own_phases(self) -> tuple[Phase, ...]:
        """The phases after those of the trunk."""
        return self.phases[len(self.trunk.phases) if self.trunk else 0 :]

    @property
    def last_epoch(self) -> int | None:
        """The last epoch, where it is known: all phases are counted in epochs, and nothing ends the arm before."""
        lengths = [phase.epochs for phase in self.phases]
        known = None not in lengths and self.until is None
        return sum(length for length in lengths if length is not None) if known else None

    def text(self) -> str:
        """Return the arm's phases in words, and its end."""
        phases = " → ".join(phase.text() for phase in self.phases)
        return f"{phases}, {ending_text(self.until)}" if self.until else phases
