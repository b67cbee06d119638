"""What each chooser takes, and the seconds that its search took; searches are kept, so that each is made once."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import write_json
from batchlab.paths import PROJECT, SCRIPTS
from batchlab.records.digests import digest
from peers import OURS, RULES, SEARCHES
from peers.asked import Asked

RESULTS = Path("results/peers")
# There if the peers' environment is installed.
STAMP = PROJECT / ".venv-peers/run.stamp"


@dataclass(frozen=True)
class Choice:
    """What a chooser takes.

    Attributes:
        chooser: See `peers`.
        batch_size: Examples of an update; None without a choice.
        learning_rate: The rate; None likewise.
        seconds: What the search took of all cores' time, imports apart.
        tried: Settings that it tried; 0 for a rule.
        note: Why there is no choice.
    """

    chooser: str
    batch_size: int | None = None
    learning_rate: float | None = None
    seconds: float | None = None
    tried: int = 0
    note: str = ""


def choices(workload: Asked) -> Iterator[Choice]:
    """Yield the choice of each chooser, ours first; a search is made unless it was made before."""
    yield _ours(workload)
    for rule, cost in zip(RULES, (0.0, workload.measuring), strict=True):
        found = next((each for each in workload.advice["thumb_rules"] if each["rule"] == rule), None)
        yield (
            Choice(rule, found["batch_size"], found["learning_rate"], round(cost, 1))
            if found
            else Choice(rule, note="larger than the training set")
        )
    for search in SEARCHES:
        yield _searched(workload, search)


def _ours(workload: Asked) -> Choice:
    best, seconds = workload.advice["aims"]["time"], workload.request["seconds"]
    if best is None:
        return Choice(OURS, seconds=seconds, note="no advice: no batch size reaches the target with every seed")
    tried = {(each["batch_size"], each["learning_rate"]) for each in workload.trained}
    return Choice(OURS, best["batch_size"], best["learning_rate"], seconds, len(tried))


def _searched(workload: Asked, search: str) -> Choice:
    if not STAMP.exists():
        return Choice(search, note="not installed")
    request = {**workload.request, "search": search}
    # Without the time, which a further round would change; a search that had less is kept.
    question = digest({key: value for key, value in request.items() if key != "seconds"})
    path = RESULTS / workload.name / f"{search}.json"
    with contextlib.suppress(OSError, ValueError, KeyError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["question"] == question and kept["request"]["seconds"] >= 0.9 * request["seconds"]:
            return Choice(**kept["choice"])
    print(f"{workload.name}: {search}, about {request['seconds']:.0f} s", flush=True)
    found = _asked(request, Path(f"logs/peers/{workload.name}/{search}.log"))
    choice = Choice(
        search,
        # A batch of more than all examples is one of all of them.
        min(found["batch_size"], workload.speed.examples),
        float(f"{found['learning_rate']:.6g}"),
        round(found["seconds"], 1),
        found["tried"],
    )
    kept = {"choice": asdict(choice), "question": question, "request": request, "versions": found["versions"]}
    write_json(path, kept)
    return choice


def _asked(request: dict[str, Any], log: Path) -> dict[str, Any]:
    """Return what a peer's process answers; what its libraries print goes into a log.

    Raises:
        BatchlabError: It ended without an answer.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.run(
            [str(STAMP.with_name("bin") / "python"), "-m", "peers.process"],
            input=json.dumps(request),
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        )
    try:
        answer: dict[str, Any] = json.loads(process.stdout)
    except ValueError:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["it says nothing"]
        raise BatchlabError(f"{request['search']}: ended without a choice: {last[0].strip()}; see {log}") from None
    return answer
