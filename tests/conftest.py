"""How tests are spread over processes (`pytest -n 2 --dist loadfile`)."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

# Long files whose tests share what is made once for all processes → number of parts.
PARTS = {"test_rerun_matrix.py": 12, "test_recovery.py": 12}


def part(nodeid: str) -> str:
    """Return which tests run in one process: those of a file, or of a part of a long one."""
    file, _, test = nodeid.partition("::")
    parts = PARTS.get(file.rpartition("/")[2], 1)
    return f"{file} {zlib.crc32(test.encode()) % parts}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return a scheduler that hands out parts in the order of collection."""
    from xdist.scheduler import LoadScopeScheduling

    class Parts(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return part(nodeid)

    config.option.loadscopereorder = False
    return Parts(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that no process is left with one of them at the end, and parts together."""
    items.sort(key=lambda item: (item.path.parent.name != "workflow", part(item.nodeid)))
