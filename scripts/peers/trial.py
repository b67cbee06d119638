"""The campaign that trains what was chosen: same core, same new seeds for all, same target.

Seeds are others than those by which our advice was found, or it would be flattered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import write_json
from batchlab.rounds.training_speed import Setting
from peers.asked import Asked
from peers.choosing import RESULTS, Choice

# Seeds of the trial; those of campaigns begin at 0.
FIRST, SEEDS, BLOCK = 1000, 8, 4
STUDY, PRESENT = "peers", "present"


def settings(workload: Asked, choices: Iterable[Choice]) -> dict[str, Setting]:
    """Return arm → setting, the present one first, each once.

    Args:
        workload: The workload.
        choices: What was chosen.
    """
    found = {PRESENT: workload.speed.setting(*workload.present, SEEDS)}
    for choice in choices:
        if choice.batch_size is not None and choice.learning_rate is not None:
            setting = workload.speed.setting(choice.batch_size, choice.learning_rate, SEEDS)
            if not any(setting.same(each) for each in found.values()):
                found[f"choice_{len(found)}"] = setting
    return found


def campaign(workload: Asked, arms: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the campaign.

    Args:
        workload: The workload.
        arms: See `settings`.
    """
    if workload.config["seeds"]["first"] + workload.advice["most_seeds"] > FIRST:
        raise BatchlabError(f"seeds: those of {workload.name} reach {FIRST}, where those of the trial begin")
    kept = {key: value for key, value in workload.raw.items() if key not in ("advise", "studies", "run", "title")}
    return {
        **kept,
        "campaign": f"peers_{workload.name}",
        "title": f"What the choices on {workload.name} cost",
        "seeds": {"count": SEEDS, "first": FIRST, "block": BLOCK},
        "batch_sizes": {"small": workload.present[0]},
        "run": [STUDY],
        "studies": {
            STUDY: {
                "title": "What each choice of a batch size costs",
                "question": "How long does training to the target take with the setting that each program chooses?",
                "arms": {
                    name: {
                        "batch_size": each.batch_size,
                        "accumulation": each.accumulation,
                        "learning_rate": each.learning_rate,
                    }
                    for name, each in arms.items()
                },
                "probes": {
                    "throughput": {"probe": "throughput", "arms": {"recipe": PRESENT}, "epochs": [0], "seeds": 1}
                },
                "tables": {"cells": {"derivation": "cells", "target": workload.advice["target"]["value"]}},
                "figures": {
                    "time": {
                        "chart": "points",
                        "title": "Training time to the target against the batch size",
                        "table": "cells",
                        "x": "batch_size",
                        "x_scale": "log2",
                        "y": "seconds",
                        "y_scale": "log",
                        "colour": "learning_rate",
                        "reached": "reached",
                        "caption": "{model} on {dataset}, {optimizer}, {epochs} epochs at most, {seeds} seeds.",
                    }
                },
            }
        },
    }


def write(workload: Asked, arms: Mapping[str, Setting]) -> Path:
    """Write the campaign's file, which is YAML as well as JSON; return its path."""
    path = RESULTS / workload.name / "trial.yaml"
    write_json(path, campaign(workload, arms))
    return path
