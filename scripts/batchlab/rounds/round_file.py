"""The file that says what an adviser campaign trains: `results/<campaign>/rounds.json`.

`make advise` adds a round to it between two calls of Snakemake. Planning reads it and nothing else, so the same file
gives the same plan, and whatever was trained stays part of the answer.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from batchlab.files import write_json
from batchlab.records.digests import digest
from batchlab.rounds.training_speed import Setting

# What the settings of a campaign are settings of; the budget and the target are not among it.
_NAMED = {"dataset": "datasets", "model": "models", "optimizer": "optimizers"}
_ASKED = ("epochs", "precision", "task", "dropout")


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        settings: What it adds; more seeds of a setting name it again.
        expected: Seconds that were expected.
        seconds: Seconds that it took; None until it has been completed.
        spent: Seconds of calls that ended before it was completed.
    """

    settings: tuple[Setting, ...]
    expected: float
    seconds: float | None = None
    spent: float = 0.0


def path_of(config: Mapping[str, Any]) -> Path:
    """Return the path of a campaign's file."""
    return Path(f"results/{config['campaign']}/rounds.json")


def rounds_of(config: Mapping[str, Any]) -> list[Round]:
    """Return the rounds of a campaign, in order; none for those of another model, data set, optimizer or length.

    Args:
        config: The complete campaign.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path_of(config).read_text(encoding="utf-8"))
        if kept["question"] == _question(config):
            return [Round(tuple(Setting(*each) for each in found.pop("settings")), **found) for found in kept["rounds"]]
    return []


def keep(config: Mapping[str, Any], rounds: Iterable[Round]) -> None:
    """Write the rounds of a campaign."""
    listed = [
        {
            "settings": [astuple(setting) for setting in each.settings],
            "expected": each.expected,
            "seconds": each.seconds,
            "spent": each.spent,
        }
        for each in rounds
    ]
    write_json(path_of(config), {"question": _question(config), "rounds": listed})


def settings_of(config: Mapping[str, Any]) -> list[Setting]:
    """Return what a campaign trains, the present setting first, each once with its most seeds.

    Args:
        config: The complete campaign.
    """
    found: list[Setting] = []
    for setting in (setting for each in rounds_of(config) for setting in each.settings):
        place = next((place for place, other in enumerate(found) if other.same(setting)), None)
        if place is None:
            found.append(setting)
        elif setting.seeds > found[place].seeds:
            found[place] = setting
    return found


def _question(config: Mapping[str, Any]) -> str:
    named = {key: config[group].get(config[key]) for key, group in _NAMED.items()}
    return digest(named, [config.get(key) for key in _ASKED], config["seeds"]["first"], config["advise"]["batch_size"])
