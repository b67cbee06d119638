"""The graph of the workflow's rules in `docs/using.md`, from the planned jobs of the default campaign."""

from __future__ import annotations

from pathlib import Path

from batchlab.configuration.campaign import read
from batchlab.pages import between_markers
from batchlab.paths import PROJECT
from batchlab.planning import plan
from batchlab.planning.jobs import Jobs

PAGE = PROJECT / "docs/using.md"


def edges(jobs: Jobs) -> list[tuple[str, str]]:
    """Return the pairs of rules of which the second reads what the first makes, in the order of the jobs."""
    makers = {path: job.rule for job in jobs for path in job.outputs.values()}
    found: dict[tuple[str, str], None] = {}
    for job in jobs:
        for value in job.inputs.values():
            for path in [value] if isinstance(value, str) else value:
                if path in makers and makers[path] != job.rule:
                    found[makers[path], job.rule] = None
    return list(found)


def reduced(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs without those that follow from others: if a → b → c, then a → c is left out."""

    def reaches(first: str, last: str, without: tuple[str, str]) -> bool:
        steps = [after for before, after in pairs if before == first and (before, after) != without]
        return last in steps or any(reaches(step, last, without) for step in steps)

    return [pair for pair in pairs if not reaches(*pair, without=pair)]


def rendered() -> dict[Path, str]:
    """Return `docs/using.md` with the graph as it is now."""
    lines = [f"    {first} --> {second}" for first, second in reduced(edges(Jobs(plan(read({})))))]
    graph = "\n".join(["```mermaid", "graph LR", *lines, "```"])
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), {"graph": graph})}
