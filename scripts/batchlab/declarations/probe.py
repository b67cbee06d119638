"""The declaration of a probe: a measurement on snapshots of an arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from batchlab.declarations.columns import Table
from batchlab.declarations.options import Option


class Reads(Enum):
    """Which snapshots one measurement reads: one of an arm, neighbouring ones, all, or one each of two arms."""

    ONE = "one"
    PAIR = "pair"
    ALL = "all"
    ARMS = "arms"


@dataclass(frozen=True)
class Situation:
    """What a probe may ask of the arm that it measures, before anything runs.

    Attributes:
        arm: Name of the arm.
        batch_size: Examples per update after the snapshot.
        examples: Size of the training set.
    """

    arm: str
    batch_size: int
    examples: int


# Option → what is wrong with it, as the end of a message.
Faults = Mapping[str, str]


def _no_work(options: Mapping[str, Any], situation: Situation) -> float:
    return 0.0


def _no_faults(options: Mapping[str, Any], situation: Situation) -> Faults:
    return {}


@dataclass(frozen=True)
class Probe:
    """A probe; its name is that of its folder below `probes/`.

    Attributes:
        summary: What it measures, for the manual.
        tables: Tables that one measurement writes.
        options: Its own settings.
        reads: The snapshots of one measurement.
        work: Cost in training examples (forward and backward) of one seed; 0 where it only evaluates. It orders jobs.
        faults: Settings that the arm or the data do not allow.
        derived: Derivations that a study with this probe gets by itself.
        rows: Column → option whose value counts the column's values 1, 2, … in the tables, such as `updates`.
        device: Whether it computes with Keras and so takes a GPU where there is one.
        apart: Whether it measures in processes of its own while nothing else runs, as times and memory must be: rule
            `measure_apart` instead of `measure_probe`.
        experiments: Numbers of the literature's experiments.
    """

    summary: str
    tables: tuple[Table, ...]
    options: tuple[Option, ...] = ()
    reads: Reads = Reads.ONE
    work: Callable[[Mapping[str, Any], Situation], float] = _no_work
    faults: Callable[[Mapping[str, Any], Situation], Faults] = _no_faults
    derived: tuple[str, ...] = ()
    rows: Mapping[str, str] = field(default_factory=dict)
    device: bool = True
    apart: bool = False
    experiments: tuple[str, ...] = ()
