"""Round after round: Snakemake measures the machine, trains what the rounds say, and answers; then a round is added.

The answer says what is worth training next. As many of that as the budget allows make the next round, until nothing
that is left is likely to change the answer. Each round ends with an answer, so what is interrupted has one.
"""

from __future__ import annotations

import csv
import itertools
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchlab.configuration.advise_key import ANSWER, MACHINE, budget_in_seconds
from batchlab.configuration.campaign import read
from batchlab.configuration.yaml_files import parsed
from batchlab.errors import BatchlabError
from batchlab.rounds.first_round import ROUND, ROUNDS, SHORT, expected, first_round
from batchlab.rounds.round_file import Round, keep, rounds_of
from batchlab.rounds.training_speed import NEEDED, Setting, Speed, numbers_of

# How far the time of a round may be off what was expected, as the next one is planned.
_OFF = (0.3, 5.0)


def ask(path: str, command: Sequence[str]) -> int:
    """Return 0 when the answer stands or the budget is spent, or the exit code of a call of Snakemake that failed.

    Args:
        path: The campaign's file.
        command: Snakemake with its options.

    Raises:
        BatchlabError: The campaign has no key `advise`, or something in it is wrong.
    """
    raw = parsed(path)
    # First: without the key other keys are missing, too.
    if "advise" not in raw:
        raise BatchlabError(f"{path}: the key 'advise' is missing; write advise: {{batch_size: 32, budget: 30 min}}")
    config = read(raw, [path])
    if code := _called(command, "measured"):
        return code
    speed, budget = speed_of(config), budget_in_seconds(config["advise"]["budget"])
    page = f"results/{config['campaign']}/{ANSWER}.html"
    if not rounds_of(config):
        rate = float(config["optimizers"][config["optimizer"]]["learning_rate"])
        seeds = config["seeds"]["count"]
        settings = first_round(config["advise"]["batch_size"], rate, speed, seeds, budget)
        keep(config, [Round(tuple(settings), expected(settings, speed))])
    while True:
        begun = time.monotonic()
        code = _called(command, ANSWER)
        rounds = _timed(config, time.monotonic() - begun, completed=not code)
        if code:
            if Path(page).exists():
                print(f"The answer so far is at {page}; the same call goes on.")
            return code
        left = budget - sum(each.seconds or 0 for each in rounds)
        proposals = json.loads(Path(page).with_suffix(".json").read_text(encoding="utf-8"))["next"]
        share = left if budget < SHORT else max(left / ROUNDS, ROUND)
        added = affordable(proposals, left, share, _factor(rounds[-1]))
        print(f"The answer is at {page}. {_said(proposals, added, left)}", flush=True)
        if added is None:
            return 0
        keep(config, [*rounds, added])


def _called(command: Sequence[str], target: str) -> int:
    """Return the exit code of Snakemake; an interrupt of the keyboard reaches it as well, and its end is waited for."""
    # Options of Snakemake that take several values would take the target, too.
    with subprocess.Popen([command[0], target, *command[1:]]) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def speed_of(config: Mapping[str, Any]) -> Speed:
    """Return the speed of the machine, as it was measured.

    Args:
        config: The complete campaign.

    Raises:
        BatchlabError: Something that is needed was not measured.
    """
    folder, rows = Path(f"results/{config['campaign']}/tables/{MACHINE}"), {}
    for table in ("machine", "workload"):
        with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows.update(next(csv.DictReader(file), {}))
    machine = numbers_of(rows)
    if missing := [name for name in NEEDED if name not in machine]:
        raise BatchlabError(f"{folder}: has no {missing[0]}; delete results/probes/throughput and ask again")
    return Speed(machine, int(machine["training_examples"]), config["epochs"])


def _timed(config: Mapping[str, Any], seconds: float, completed: bool) -> list[Round]:
    """Return the rounds, the last one with the time that all calls for it took, and keep them."""
    *others, last = rounds_of(config)
    if last.seconds is None:
        spent = round(last.spent + seconds, 1)
        last = replace(last, spent=spent, seconds=spent if completed else None)
        keep(config, [*others, last])
    return [*others, last]


def _factor(last: Round) -> float:
    """Return how much longer rounds take than is expected, by the last one."""
    least, most = _OFF
    return min(max((last.seconds or last.expected) / last.expected, least), most)


def affordable(proposals: Sequence[Mapping[str, Any]], left: float, share: float, factor: float = 1.0) -> Round | None:
    """Return the next round; None if nothing is likely to change the answer, or nothing fits.

    Proposals with the same reason go together.

    Args:
        proposals: `next` of the answer.
        left: Seconds that are left of the budget.
        share: Seconds of them that are meant for this round; if no group fits into these, one that fits into `left`.
        factor: Time that rounds take over what is expected.
    """
    groups = [list(group) for why, group in itertools.groupby(proposals, key=lambda each: each["why"])]
    groups = [group for group in groups if group[0]["settles"]]
    for most, enough in ((share, lambda taken: False), (left, bool)):
        taken = _taken(groups, min(most, left) / factor - ROUND, enough)
        if taken:
            settings = tuple(
                Setting(each["batch_size"], each["accumulation"], each["learning_rate"], each["seeds"])
                for each in taken
            )
            return Round(settings, ROUND + sum(each["seconds"] for each in taken))
    return None


def _taken(
    groups: Sequence[Sequence[Mapping[str, Any]]], seconds: float, enough: Callable[[Sequence[Any]], bool]
) -> list[Mapping[str, Any]]:
    """Return the proposals of those groups that fit into the seconds, the first ones first, until there are enough."""
    taken: list[Mapping[str, Any]] = []
    for group in groups:
        costs = sum(each["seconds"] for each in group)
        if costs <= seconds and not enough(taken):
            taken += group
            seconds -= costs
    return taken


def _said(proposals: Sequence[Mapping[str, Any]], added: Round | None, left: float) -> str:
    """Return what comes next, for the terminal."""
    if added is not None:
        why = list(dict.fromkeys(each["why"] for each in proposals if _in(each, added)))
        return f"Next round, about {added.expected:.0f} s, because {'; '.join(why)}."
    if any(each["settles"] for each in proposals):
        return f"The budget is spent ({max(left, 0):.0f} s are left): the page says what more of it would tell."
    return "Nothing that is left is likely to change it."


def _in(proposal: Mapping[str, Any], added: Round) -> bool:
    return any(
        (each.batch_size, each.learning_rate) == (proposal["batch_size"], proposal["learning_rate"])
        for each in added.settings
    )
