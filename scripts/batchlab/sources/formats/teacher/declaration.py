"""Examples whose labels a random network gives: what planning knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.options import Count, Number
from batchlab.declarations.source import FileShape, Format


def sizes(options: Mapping[str, Any]) -> FileShape:
    """Return the sizes that the options say: one pool."""
    return FileShape(options["generated"], None, (options["features"],), options["classes"])


FORMAT = Format(
    summary="generated: normal inputs, labels of a random teacher",
    options=(
        Count("generated", "examples that are generated", 10_000, least=100, most=10**7),
        Count("features", "features of an example", 20, most=10_000),
        Count("classes", "classes", 4, least=2, most=1000),
        Count("hidden", "tanh units of the teacher; 0 for a linear one", 0, least=0, most=10_000),
        Number("noise", "share of labels that are drawn at random", 0.0, least=0, most=1),
        Number("decay", "exponent by which the features' variances fall", 0.0, least=0, most=10),
        Count("seed", "of the generator", 0, least=0, most=2**32 - 1),
    ),
)
