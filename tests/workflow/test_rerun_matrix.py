"""The promises about reruns: every change of `docs/reruns.yaml`, made in a copy of a project that has been run.

Of the long sections on keys of a campaign `make test` takes every 24th row, of the others every tenth;
`make test-slow` takes all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from workflow.changes import changed_campaign, make
from workflow.checkouts import WIDE
from workflow.dryruns import DryRuns, jobs_of

from batchlab.pages import reruns

# Sections on keys of a campaign: many rows that go the same way.
_KEYS = ("The campaign", "Data sets, models, optimizers", "A study", "An arm", "A probe", "A figure", "A claim")


def rows() -> Iterator[Any]:
    """Yield the rows of the table as parameters."""
    for section in reruns.load():
        every = 24 if section["title"] in _KEYS else 10
        for number, row in enumerate(section["rows"]):
            yield pytest.param(row, id=row["name"], marks=[pytest.mark.slow] if number % every else [])


@pytest.mark.parametrize("row", list(rows()))
def test_a_change_reruns_what_the_table_says(
    row: dict[str, Any], finished: Path, dry_runs: DryRuns, tmp_path: Path
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(finished, folder, copy_function=shutil.copy2)
    try:
        campaign = changed_campaign(WIDE, row["change"])
        if campaign != WIDE or str(campaign) != str(WIDE):
            (folder / "config/small.yaml").write_text(yaml.safe_dump(campaign, sort_keys=False))
        make(folder, row["change"])
        options = row["change"].get("options", [])
        code, output = dry_runs.run(
            folder, ["--dry-run", "--cores", "1", *options, "--configfile", "config/small.yaml"]
        )
    finally:
        shutil.rmtree(folder)
    assert code == 0, output
    expected = reruns.expected(row["reruns"], campaign)
    assert as_detailed_as(expected, jobs_of(output)) == expected, output


def as_detailed_as(expected: dict[str, Any], jobs: dict[str, Any]) -> dict[str, Any]:
    """Return the jobs with a number instead of names where `expected` has a number."""

    def reduced(wanted: Any, found: Any) -> Any:
        if isinstance(found, dict):
            return {key: reduced(wanted.get(key) if isinstance(wanted, dict) else None, found[key]) for key in found}
        if isinstance(found, list):
            return len(found) if isinstance(wanted, int) else sorted(found)
        return found

    found: dict[str, Any] = reduced(expected, jobs)
    return found
