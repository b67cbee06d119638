"""Which settings a campaign with the key `advise` trains: those of its rounds, see `batchlab.rounds`.

Before the first round the machine alone is measured; then the study `advice` has the settings of all rounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from batchlab.configuration.advise_key import ANSWER
from batchlab.declarations.task import Chosen
from batchlab.errors import BatchlabError, unknown
from batchlab.rounds.round_file import settings_of
from batchlab.rounds.training_speed import Setting
from batchlab.sources.settings import resolve

# Batch sizes of single steps.
_STEP_SIZES = (4, 32, 256, 2048)


def advised(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a campaign whose study `advice` has the settings that are to be trained; any other campaign as it is.

    Without a round that study is not run.

    Args:
        config: The complete campaign.

    Raises:
        BatchlabError: The present batch size is larger than the training set.
    """
    if "advise" not in config or ANSWER not in config["run"]:
        return dict(config)
    examples, asked = _examples(config), config["advise"]
    if examples and asked["batch_size"] > examples:
        raise BatchlabError(
            f"advise.batch_size: {asked['batch_size']} is larger than the training set of {config['dataset']}; "
            f"allowed: 1 to {examples}"
        )
    settings = settings_of(config)
    if not settings:
        return {**config, "run": [name for name in config["run"] if name != ANSWER]}
    answer = dict(config["studies"][ANSWER])
    answer["arms"] = dict(_recipes(settings, config["seeds"]["count"]))
    answer["probes"] = _probes(config, answer["probes"])
    judged = {key: asked[key] for key in ("metric", "target") if key in asked}
    answer["tables"] = {**answer["tables"], "cells": {**answer["tables"]["cells"], **judged}}
    return {**config, "studies": {**config["studies"], ANSWER: answer}}


def check_metric(config: Mapping[str, Any], task: Chosen) -> None:
    """Raise unless the metric that a campaign asks about, if it names one, is a validation metric of its task."""
    metric = config.get("advise", {}).get("metric")
    known = [column.name for column in task.columns if column.name.startswith("validation_")]
    if metric is not None and metric not in known:
        raise unknown("advise.metric", f"metric of the task {task.name}", metric, known)


def _probes(config: Mapping[str, Any], probes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the probes early, in the middle and at the end, with draws and batches that the training set holds."""
    last, examples = config["epochs"], _examples(config)
    early = max(1, round(last / 10))
    epochs = [*sorted({early, max(early, last // 2)} - {last}), "last"]
    drawn = min(64, 2 ** int(math.log2(examples))) if examples > 4 else 4
    fitting: dict[str, dict[str, Any]] = {
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


def _recipes(settings: list[Setting], seeds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the arms of the study: the present setting by itself, and a list of rates for each size and count of seeds.

    Args:
        settings: The present one first.
        seeds: What the campaign says; settings may have more.
    """
    present, *others = settings
    yield "present", _recipe(present, seeds)
    groups: dict[tuple[int, int, int], list[Setting]] = {}
    for each in sorted(others, key=lambda each: (each.batch_size, each.seeds, each.learning_rate)):
        groups.setdefault((each.batch_size, each.accumulation, max(each.seeds, seeds)), []).append(each)
    for (size, passes, count), group in groups.items():
        name = f"b{size}" + (f"_k{passes}" if passes > 1 else "") + (f"_seeds{count}" if count > seeds else "")
        yield name, {**_recipe(group[0], seeds), "learning_rate": [each.learning_rate for each in group]}


def _recipe(setting: Setting, seeds: int) -> dict[str, Any]:
    more = {"seeds": setting.seeds} if setting.seeds > seeds else {}
    return {"batch_size": setting.batch_size, "accumulation": setting.accumulation, **more}
