"""Parameters of tests, most of which are slow: `make test` takes a few, `make test-slow` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def slow_but(values: Iterable[Any], *quick: Any) -> list[Any]:
    """Return the parameters of a test, of which only those in `quick` belong to `make test`."""
    found = list(values)
    assert all(value in found for value in quick), quick
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in found]
