"""How far recomputed numbers may be from the recorded ones on another platform; on the same one they must be equal.

Another processor, system, device, Python or package sums in another order. In single precision a rounding error that
moves a ReLU unit's input across zero becomes a jump, and training amplifies it: weights drift, accuracies hardly move.
In double precision such crossings are rare.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Tolerance(NamedTuple):
    """Largest difference that is accepted: `absolute` + `relative` · |recorded|."""

    relative: float
    absolute: float

    def holds(self, recorded: float, found: float) -> bool:
        """Return whether a number agrees with the recorded one; NaN agrees with NaN."""
        if math.isnan(recorded) or math.isnan(found):
            return math.isnan(recorded) and math.isnan(found)
        if math.isinf(recorded) or math.isinf(found):
            return recorded == found
        return abs(found - recorded) <= self.absolute + self.relative * abs(recorded)


# What is compared → precision of the training → tolerance.
TOLERANCES = {
    "weights of a segment, ‖Δw‖ / ‖w‖ for each seed": {
        "float64": Tolerance(1e-9, 0.0),
        "float32": Tolerance(0.1, 0.0),
    },
    "accuracies in tables of segments and probes": {
        "float64": Tolerance(0.0, 0.002),
        "float32": Tolerance(0.0, 0.02),
    },
    "other measured numbers in these tables": {
        "float64": Tolerance(1e-6, 1e-9),
        "float32": Tolerance(0.05, 0.001),
    },
    "numbers in tables and claims of studies, and in a figure's `.vl.json`": {
        "float64": Tolerance(1e-6, 1e-12),
        "float32": Tolerance(1e-6, 1e-12),
    },
}
WEIGHTS, ACCURACIES, MEASURED_NUMBERS, DERIVED_NUMBERS = TOLERANCES


def markdown() -> str:
    """Return the table as docs/provenance.md shows it."""

    def words(tolerance: Tolerance) -> str:
        parts = [f"{tolerance.relative:g} relative"] if tolerance.relative else []
        parts += [f"{tolerance.absolute:g} absolute"] if tolerance.absolute else []
        return " + ".join(parts)

    lines = ["| compared | trained in float64 | trained in float32 |", "|---|---|---|"]
    for what, of in TOLERANCES.items():
        lines.append(f"| {what} | {words(of['float64'])} | {words(of['float32'])} |")
    return "\n".join(lines) + "\n"
