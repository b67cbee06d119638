"""Campaigns that several files of tests look at, each run once, undisturbed; nothing may change their folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from workflow.checkouts import ONE, WIDE, Checkout, once


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
        (folder / "config/studies.yaml").write_text("studies: {}\n")
        code, output = checkout.snakemake()
        assert code == 0, output

    return once(tmp_path_factory, "finished", run)
