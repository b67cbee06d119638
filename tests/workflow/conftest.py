"""What several files of tests share: campaigns that are run once and then stay as they are, and quick dry runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow.checkouts import ONE, WIDE, Checkout, once
from workflow.dryruns import DryRuns


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout in which the campaign `ONE` has been run."""

    def run(folder: Path) -> None:
        code, output = Checkout(folder, ONE).snakemake()
        assert code == 0, output

    return once(tmp_path_factory, "one", run)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout without a catalogue in which the campaign `WIDE` has been run."""

    def run(folder: Path) -> None:
        checkout = Checkout(folder, WIDE)
        checkout.add_user_files()
        for path in (folder / "config/studies").glob("*.yaml"):
            path.unlink()
        (folder / "config/studies/own.yaml").write_text("studies: {}\n")
        code, output = checkout.snakemake()
        assert code == 0, output

    return once(tmp_path_factory, "finished", run)


@pytest.fixture(scope="session")
def dry_runs() -> Iterator[DryRuns]:
    """Return the process that makes dry runs without starting anew each time."""
    started = DryRuns()
    yield started
    started.close()
