"""Words that a page uses and not everybody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Sign → a regular expression that finds it in texts, and what it means.
_TERMS = {
    "B": (r"\bB\b", "batch size: examples in each parameter update"),
    "K": (r"\bK\b", "accumulation: micro-batches in each update, each of B / K examples"),
    "lr": (r"\blr\b", "learning rate"),
    "pp": (r"\bpp\b", "percentage points, the difference of two percentages"),
    "n": (r"", "number of seeds, or of pairs of runs with the same seed"),
    "seed": (r"", "one training with its own initial weights and order of examples"),
    "arm": (r"", "one way of training in a study; all its seeds share the settings"),
    "[a, b]": (r"", "interval over seeds; its level is 95 % where nothing else is said"),
    "tr Σ": (r"tr Σ", "spread of the examples' gradients, the trace of their covariance"),
    "‖w‖": (r"‖w‖", "length of the vector of all weights; w₀ are the initial ones"),
}


def terms_in(studies: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return sign and meaning of the terms that the studies' texts use, and of those that every page uses."""
    text = " ".join(
        [
            *(f"{study['title']} {study['question']} {study['note']}" for study in studies),
            *(f"{figure['title']} {figure['caption']}" for study in studies for figure in study["figures"]),
            *(
                f"{claim['statement']} {claim['finding']} {claim['unit']}"
                for study in studies
                for claim in study["claims"]
            ),
            *(arm["label"] for study in studies for arm in study["arms"]),
        ]
    )
    return [(sign, meaning) for sign, (pattern, meaning) in _TERMS.items() if re.search(pattern, text)]
