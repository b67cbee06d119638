"""What is asked of every peer: the workload of an adviser campaign, its target, and the time that our search took."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from batchlab.configuration.advise_key import ANSWER
from batchlab.configuration.campaign import read
from batchlab.configuration.yaml_files import parsed
from batchlab.errors import BatchlabError
from batchlab.planning.jobs import Jobs
from batchlab.planning.plan import plan
from batchlab.rounds.asking import speed_of
from batchlab.rounds.round_file import rounds_of
from batchlab.rounds.training_speed import Speed


@dataclass(frozen=True)
class Asked:
    """One workload with our answer.

    Attributes:
        raw: The campaign as it is written.
        config: The complete campaign.
        advice: Our answer, as `advice.json` has it.
        request: What a peer's process is asked, see `process.tuner_search.search`; `search` is missing.
        measuring: Seconds that measuring the machine took.
        speed: Of the machine.
        trained: Rows of the table `cells`: all runs by which our answer was found.
    """

    raw: Mapping[str, Any]
    config: Mapping[str, Any]
    advice: Mapping[str, Any]
    request: Mapping[str, Any]
    measuring: float
    speed: Speed
    trained: Sequence[Mapping[str, str]]

    @property
    def name(self) -> str:
        """Name of the campaign."""
        return str(self.config["campaign"])

    @property
    def present(self) -> tuple[int, float]:
        """Batch size and rate with which the campaign begins."""
        return self.config["advise"]["batch_size"], self.request["run"]["learning_rate"]


def asked(path: str) -> Asked:
    """Return the workload of a finished adviser campaign.

    Args:
        path: The campaign's file.

    Raises:
        BatchlabError: It is no adviser campaign, or it has no answer.
    """
    raw = parsed(path)
    if "advise" not in raw:
        raise BatchlabError(f"{path}: the key 'advise' is missing, so there is nothing to compare peers with")
    config = read(raw, [path])
    folder = Path(f"results/{config['campaign']}")
    try:
        advice = json.loads((folder / f"{ANSWER}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BatchlabError(f"{folder}: has no answer; run make advise CONFIG={path} first") from None
    [measured] = [job for job in Jobs(plan(config)) if job.rule == "measure_apart"]
    record = Path(measured.outputs["tables"]) / "provenance.json"
    began, ended = (
        datetime.fromisoformat(json.loads(record.read_text(encoding="utf-8"))[key]) for key in ("started", "ended")
    )
    measuring, cells = (ended - began).total_seconds(), cells_of(folder, ANSWER)
    spec = {**measured.spec, **measured.source}  # the latter says where a model of the user's lies
    run = {key: spec[key] for key in ("model", "optimizer", "learning_rate", "task") if key in spec}
    return Asked(
        raw,
        config,
        advice,
        {
            "run": run,
            "data": measured.inputs["data"],
            "epochs": config["epochs"],
            "target": {**advice["target"], "better": cells[0]["better"]},
            "seconds": round(measuring + sum(each.seconds or 0 for each in rounds_of(config)), 1),
        },
        measuring,
        speed_of(config),
        cells,
    )


def cells_of(folder: Path, study: str) -> list[dict[str, str]]:
    """Return the rows of the table `cells` of a study.

    Args:
        folder: Of the campaign's results.
        study: The study.
    """
    with (folder / f"derived/{study}/cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
