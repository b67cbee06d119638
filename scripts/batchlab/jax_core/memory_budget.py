"""How many computations fit side by side into a stated amount of memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from batchlab.backend.runtime import device, jax

# Bytes that intermediate results of computations side by side may take.
BUDGET = {"cpu": 2**29, "gpu": 2**33}


def _bytes(program: Any) -> int:
    """Return the bytes of every result in a traced program, those inside of its loops and branches included."""
    total = 0
    for equation in program.eqns:
        total += sum(math.prod(result.aval.shape) * result.aval.dtype.itemsize for result in equation.outvars)
        for value in equation.params.values():
            for part in value if isinstance(value, (tuple, list)) else [value]:
                if hasattr(part, "eqns"):
                    total += _bytes(part)
    return total


def side_by_side(function: Callable[..., Any], *arguments: Any, budget: int | None = None) -> int:
    """Return how many calls of `function` may be computed at once, at least 1.

    A call is charged with every intermediate result as if none were ever freed or fused away, so the memory that is
    really taken stays well below the budget.

    Args:
        function: What is computed; nothing is run, it is only traced.
        *arguments: Arguments of one call.
        budget: Bytes; None for that of the device.
    """
    needed = _bytes(jax.make_jaxpr(function)(*arguments))
    return max(1, (BUDGET[device()] if budget is None else budget) // max(needed, 1))
