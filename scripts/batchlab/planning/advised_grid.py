"""Which settings a campaign with the key `advise` trains: chosen by the data, the machine and the budget.

The machine is measured first. The next time that Snakemake reads the campaign, the study `advice` has the settings that
the budget allows at the measured speed: the present one, and for other sizes the rates of three rules that follow it.
"""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.configuration.advise_key import ANSWER, MACHINE, budget_in_seconds
from batchlab.errors import BatchlabError
from batchlab.sources.settings import resolve

# Seconds until a job trains: its start and compilation.
_START = 8.0
# From one size to the next. Sizes, as powers of it times the present one, and rates at the present size, by importance.
_FACTOR = 4
_POWERS = (1, -1, 2, 3, -2, 4)
_PRESENT_RATES = (0.25, 4.0)
# What a rule says of the rate at a size: constant, with the square root, in proportion.
_EXPONENTS = (0.5, 1.0, 0.0)
# Jobs that measure the gradient noise, and into which the present setting is cut for it.
_NOISE_JOBS = 8
# Batch sizes of single steps.
_STEP_SIZES = tuple(4**power for power in range(1, 7))
# So many settings are trained whatever the budget: without them there is nothing to compare.
_FEWEST = 4


@dataclass(frozen=True)
class Cell:
    """One setting.

    Attributes:
        batch_size: Examples of an update.
        accumulation: Micro-batches of an update.
        learning_rate: Its rate.
        seconds: What training it takes, all seeds.
    """

    batch_size: int
    accumulation: int
    learning_rate: float
    seconds: float


def advised(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a campaign whose study `advice` has the settings that are to be trained; any other campaign as it is.

    Until the machine has been measured, that study is not run.

    Args:
        config: The complete campaign.

    Raises:
        BatchlabError: The present batch size is larger than the training set.
    """
    if "advise" not in config or ANSWER not in config["run"]:
        return dict(config)
    machine = _measured(config)
    if machine is None:
        return {**config, "run": [name for name in config["run"] if name != ANSWER]}
    cells, _ = chosen(config, machine)
    answer = dict(config["studies"][ANSWER])
    answer["arms"] = dict(_recipes(cells))
    answer["probes"] = _probes(config, answer["probes"])
    target = config["advise"].get("target")
    if target is not None:
        answer["tables"] = {**answer["tables"], "cells": {**answer["tables"]["cells"], "target": target}}
    return {**config, "studies": {**config["studies"], ANSWER: answer}}


def left_out(config: Mapping[str, Any]) -> list[int]:
    """Return the batch sizes that the budget left out."""
    machine = _measured(config) if "advise" in config else None
    if machine is None:
        return []
    cells, left = chosen(config, machine)
    return sorted({cell.batch_size for cell in left} - {cell.batch_size for cell in cells})


def _measured(config: Mapping[str, Any]) -> dict[str, float] | None:
    """Return what was measured of the machine: columns of the tables `machine` and `workload`; None if nothing was."""
    found: dict[str, float] = {}
    for table in ("machine", "workload"):
        path = Path(f"results/{config['campaign']}/tables/{MACHINE}/{table}.csv")
        with contextlib.suppress(OSError, StopIteration, ValueError), path.open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
            for name, value in row.items():
                with contextlib.suppress(ValueError):
                    found[name] = float(value)
    known = {
        "largest_micro_batch",
        "per_update",
        "per_micro_batch",
        "per_example",
        "evaluation",
        "cores",
    } <= found.keys()
    return found if known else None


def chosen(config: Mapping[str, Any], machine: Mapping[str, float]) -> tuple[list[Cell], list[Cell]]:
    """Return the settings that are trained, the present one first, and those that the budget leaves out.

    Args:
        config: The complete campaign.
        machine: See `_measured`.
    """
    asked, alias = config["advise"], config["dataset"]
    examples = _examples(config)
    if not examples:
        return [], []
    if asked["batch_size"] > examples:
        raise BatchlabError(
            f"advise.batch_size: {asked['batch_size']} is larger than the training set of {alias}; "
            f"allowed: 1 to {examples}"
        )
    optimizer = config["optimizers"].get(config["optimizer"])
    if optimizer is None:  # likewise
        return [], []
    taken: list[Cell] = []
    left: list[Cell] = []
    seconds = _NOISE_JOBS * _START / machine["cores"]
    for size, rate in _wanted(asked["batch_size"], float(optimizer["learning_rate"]), examples):
        cell = _cell(size, rate, examples, config, machine)
        seconds += (_START + cell.seconds) / machine["cores"]
        (taken if len(taken) < _FEWEST or seconds <= budget_in_seconds(asked["budget"]) else left).append(cell)
    return taken, left


def _wanted(present: int, rate: float, examples: int) -> Iterator[tuple[int, float]]:
    """Yield batch size and rate of each setting, the most important first, each once."""
    sizes = [size for power in _POWERS if 1 <= (size := round(present * _FACTOR**power)) <= examples]
    largest = 2 ** int(math.log2(examples))
    settings = [
        (present, rate),
        *((size, rate * (size / present) ** power) for size in sizes[:2] for power in _EXPONENTS),
        *((present, rate * factor) for factor in _PRESENT_RATES),
        *((size, rate * (size / present) ** power) for size in sizes[2:] for power in _EXPONENTS),
        # What is often taken without a look: 32, and the largest that there is.
        *(
            (size, rate * (size / present) ** power)
            for size in (32, largest)
            if size <= examples
            for power in _EXPONENTS
        ),
    ]
    return iter(dict.fromkeys((size, float(f"{each:.6g}")) for size, each in settings))


def _cell(size: int, rate: float, examples: int, config: Mapping[str, Any], machine: Mapping[str, float]) -> Cell:
    largest = int(machine["largest_micro_batch"])
    passes = next(count for count in range(1, size + 1) if size % count == 0 and size // count <= largest)
    update = machine["per_update"] + passes * (machine["per_micro_batch"] + machine["per_example"] * size / passes)
    epoch = math.ceil(examples / size) * update + machine["evaluation"]
    return Cell(size, passes, rate, config["seeds"]["count"] * config["epochs"] * epoch)


def _probes(config: Mapping[str, Any], probes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the probes early, in the middle and at the end, with draws and batches that the training set holds."""
    last, examples = config["epochs"], _examples(config)
    early = max(1, round(last / 10))
    epochs = [*sorted({early, max(early, last // 2)} - {last}), "last"]
    drawn = min(64, 2 ** int(math.log2(examples))) if examples > 4 else 4
    fitting = {
        "noise": {"examples": drawn, "part": drawn // 4},
        "step": {"batch_sizes": [size for size in _STEP_SIZES if size <= examples]},
    }
    return {
        **probes,
        **{name: {**probes[name], "epochs": epochs, **own} for name, own in fitting.items() if name in probes},
    }


def _examples(config: Mapping[str, Any]) -> int:
    """Return the size of the training set, 0 where the data set is wrong; planning says what is."""
    try:
        return int(resolve(config["datasets"][config["dataset"]]).shape.examples_train)
    except (BatchlabError, KeyError):
        return 0


def _recipes(cells: list[Cell]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the arms of the study: the present setting by itself, and a list of rates for each size."""
    if cells:
        yield "present", {"batch_size": cells[0].batch_size, "accumulation": cells[0].accumulation}
    for size in sorted({cell.batch_size for cell in cells[1:]}):
        own = [cell for cell in cells[1:] if cell.batch_size == size]
        rates = sorted(cell.learning_rate for cell in own)
        yield f"b{size}", {"batch_size": size, "accumulation": own[0].accumulation, "learning_rate": rates}
