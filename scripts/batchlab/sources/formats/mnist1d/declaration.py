"""MNIST-1D: what planning knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.options import Count
from batchlab.declarations.source import FileShape, Format


def sizes(options: Mapping[str, Any]) -> FileShape:
    """Return the sizes that the options say: a fifth is the test set."""
    test = options["generated"] // 5
    return FileShape(options["generated"] - test, test, (40,), 10)


FORMAT = Format(
    summary="generated: the digits of MNIST-1D as short noisy series",
    options=(
        Count("generated", "examples that are generated", 5000, least=100, most=10**7),
        Count("seed", "of the generator", 42, least=0, most=2**32 - 1),
    ),
)
