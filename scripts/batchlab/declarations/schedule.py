"""The declaration of a schedule: how the learning rate follows the position in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from batchlab.declarations.options import Choice, Flag, Number, Option

UNITS = ("epochs", "updates", "examples")
Unit = Literal["epochs", "updates", "examples"]

# Options of every schedule.
COMMON: tuple[Option, ...] = (
    Choice("unit", "in what positions and lengths are counted", "epochs", words=UNITS),
    Number("warmup", "length of a linear warm-up, in the unit; 0 for none", 0, least=0),
    Number("warmup_from", "share of the rate at which the warm-up starts", 0, least=0, most=1),
    Flag(
        "momentum_correction",
        "multiply the momentum buffer with the quotient of the rates when the rate changes (Goyal et al. 2017)",
        False,
    ),
)


@dataclass(frozen=True)
class Schedule:
    """A schedule; its name is that of its file below `schedules/`.

    Attributes:
        summary: What it does, for the manual.
        source: The publication; empty for common knowledge.
        factor: `factor(position, options)` is the share of the phase's learning rate; the position is where an update
            starts.
        own: Its own options; `options` are these and the common ones.
        spans: Whether the position is a share of the stretch after the warm-up, from 0 to below 1, in place of a
            number in the unit, counted from the beginning of the schedule.
    """

    summary: str
    source: str
    factor: Callable[[float, Mapping[str, Any]], float]
    own: tuple[Option, ...] = ()
    spans: bool = False

    @property
    def options(self) -> tuple[Option, ...]:
        """All options."""
        return (*self.own, *COMMON)
