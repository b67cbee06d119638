"""Which study answers which experiment, which campaigns run it, and whose tables are there: `docs/experiments.md`."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from batchlab.configuration.catalogue import catalogue
from batchlab.pages import between_markers, markdown_table
from batchlab.pages.other_data import PUBLISHED
from batchlab.paths import PROJECT

PAGE = PROJECT / "docs/experiments.md"


def campaigns(folder: Path = PROJECT / "config") -> dict[str, list[str]]:
    """Return campaign → studies that it runs, of those that choose from the catalogue."""
    read = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml")))
    return {raw["campaign"]: raw["run"] for raw in read if "campaign" in raw and "run" in raw}


def _place(experiment: str) -> tuple[str, int, str]:
    letter, number, rest = re.fullmatch(r"([A-Z])(\d+)(\w*)", experiment).groups()  # type: ignore[union-attr]
    return letter, int(number), rest


def table() -> str:
    """Return one line for each experiment and study."""
    studies: dict[str, dict[str, Any]] = catalogue()["studies"]
    of: defaultdict[str, list[str]] = defaultdict(list)
    for name, study in studies.items():
        for experiment in study.get("experiments", ()):
            of[experiment].append(name)
    running = campaigns()
    rows = [
        (
            experiment,
            f"`{name}`",
            studies[name]["question"],
            # A study that no campaign of the library runs is one of `make advise`.
            ", ".join(_linked(campaign, name) for campaign, run in running.items() if name in run) or "`make advise`",
        )
        for experiment in sorted(of, key=_place)
        for name in of[experiment]
    ]
    return markdown_table(("experiment", "study", "question", "campaigns that run it"), rows)


def _linked(campaign: str, study: str) -> str:
    """Return the name of a campaign, as a link to the study's tables where they are published."""
    tables = f"results/{campaign}/tables/{study}"
    return f"[{campaign}](../{tables})" if campaign in PUBLISHED and (PROJECT / tables).is_dir() else campaign


def rendered() -> dict[Path, str]:
    """Return the page with the table as it is now."""
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), {"experiments": table()})}
