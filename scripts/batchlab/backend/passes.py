"""Passes that look into a traced program and choose a faster one; each can be switched off.

`BATCHLAB_WITHOUT=outer_products,xla_by_rule` in the environment switches passes off, to measure what they gain or to
look for a fault in one. Results agree without them within rounding; the record of a job lists what was off.
"""

from __future__ import annotations

import os

# Name → what the pass does.
PASSES = {
    "outer_products": "TensorFlow on a CPU: updates of few examples add outer products instead of a matrix product",
    "norms_from_factors": "TensorFlow: the norm of a dense kernel's gradient comes from its two factors",
    "xla_by_rule": "TensorFlow: no XLA where it is slower; without the pass XLA compiles everything",
    "convolutions_one_by_one": "JAX: replicas with convolutions run one after the other; without it, side by side",
}

_VARIABLE = "BATCHLAB_WITHOUT"


def switched_off() -> tuple[str, ...]:
    """Return what the environment switches off, known passes or not, in alphabetical order."""
    names = (name.strip() for name in os.environ.get(_VARIABLE, "").split(","))
    return tuple(sorted(name for name in names if name))


def enabled(name: str) -> bool:
    """Tell whether one of `PASSES` is on."""
    return name not in switched_off()


def fault() -> str | None:
    """Return the message for a name that is not a pass, or None."""
    unknown = [name for name in switched_off() if name not in PASSES]
    if not unknown:
        return None
    return f"{_VARIABLE}={unknown[0]!r} in the environment: there is no such pass; choose of {', '.join(PASSES)}"
