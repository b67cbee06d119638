"""What several files of tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from workflow.checkouts import ONE, Checkout, once


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout whose campaign `ONE` has been run once, undisturbed; nothing may change it."""

    def run(folder: Path) -> None:
        code, output = Checkout(folder, ONE).snakemake()
        assert code == 0, output

    return once(tmp_path_factory, "one", run)
