"""Rules for the learning rate beside rates that were tuned for each batch size.

A rule takes the rate that is tuned at one batch size, the anchor, and the run of the grid's nearest rate at the others.
For each seed both are chosen by the other seeds, see `tuned_runs`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from batchlab.declarations.rule import Rule, Scaling
from batchlab.errors import BatchlabError
from batchlab.hyperparameters import constant, linear, sqrt, surge
from batchlab.tables.derivations.tuned_runs.derive import GROUP, Tuned, beside_perfect, tuned_groups

_RULES: dict[str, Rule] = {
    "constant": constant.RULE,
    "sqrt": sqrt.RULE,
    "linear": linear.RULE,
    "surge": surge.RULE,
}


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return each seed's run at each batch size by each rule.

    Args:
        tables: `history`, with several learning rates for each batch size.
        options: Those of `tuned_runs`, `rules`, `anchor`, and for the rule `surge` its `peak`.

    Raises:
        BatchlabError: As `tuned_runs`; or no arm has the anchor's batch size, or the rule `surge` lacks its peak.
    """
    if "surge" in options["rules"] and options.get("peak") is None:
        raise BatchlabError("rules: surge needs `peak`, the batch size of its largest rate")
    groups = tuned_groups(tables["history"], options)
    rows = [row for group in groups for row in _rows(group, options)]
    return beside_perfect(pd.DataFrame(rows), [*GROUP, "rule", "seed"])


def _rows(group: Mapping[int, Tuned], options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    anchor = options["anchor"]
    if anchor not in group:
        raise BatchlabError(f"anchor: no arm has B = {anchor}; there are {', '.join(map(str, group))}")
    for rule, (size, tuned) in itertools.product(options["rules"], group.items()):
        for seed, best in tuned.choices.items():
            ends = {"grid_end": "", "anchor_end": ""}
            if rule == "tuned":
                rate, ends["grid_end"] = best, tuned.end(seed)
            elif seed in group[anchor].choices:
                rate = nearest(_by_rule(rule, group[anchor].choices[seed], size, options), tuned.rates)
                ends["anchor_end"] = group[anchor].end(seed)
            else:
                continue
            yield {**tuned.row(seed, rate), "rule": rule, **ends}


def _by_rule(rule: str, rate: float, size: int, options: Mapping[str, Any]) -> float:
    known = {"learning_rate": rate}
    changed = _RULES[rule].scale(Scaling(known, known, size, options["anchor"], {"peak": options.get("peak")}))
    return float(changed.get("learning_rate", rate))


def nearest(wanted: float, rates: list[float]) -> float:
    """Return the nearest rate of a grid on the logarithmic scale; `wanted` itself if it lies beyond the grid.

    Beyond means more than half a step of the grid outside; of two equally near rates, the lower one is taken.
    """
    half = math.sqrt(max((high / low for low, high in itertools.pairwise(rates)), default=1.0)) * (1 + 1e-9)
    if not rates[0] / half <= wanted <= rates[-1] * half:
        return wanted
    return min(rates, key=lambda rate: round(abs(math.log(rate / wanted)), 9))
