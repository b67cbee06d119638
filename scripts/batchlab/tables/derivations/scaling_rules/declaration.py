"""Rules for the learning rate beside rates that were tuned: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, BatchSize, Choices, Number
from batchlab.tables.derivations.tuned_runs.declaration import RUN, TUNING

RULES = ("tuned", "constant", "sqrt", "linear", "surge")

DERIVATION = Derivation(
    summary="runs at the rates that rules make of the one tuned at a batch size, beside the rate tuned for each size",
    reads=("history",),
    options=(
        *TUNING,
        Choices(
            "rules",
            "`tuned`: a rate for each batch size; others: rules by which it follows from the one tuned at `anchor`",
            ("tuned", "constant", "sqrt", "linear"),
            words=RULES,
        ),
        BatchSize("anchor", "batch size at which the rules take the tuned rate"),
        Number("peak", "batch size at which the rate of the rule `surge` is largest", OPTIONAL, above=0),
    ),
    table=Table(
        "scaling_rules",
        "one seed at one batch size by one rule: the run at the nearest rate of the grid; where that lies beyond the"
        " grid there is no run, and cells are empty",
        columns=(
            *("study", "seed", "dataset", "model", "optimizer", "batch_size"),
            Column(
                "rule",
                "`tuned`, or the rule by which the rate follows from the tuned one at the anchor",
                "text",
                title="learning rate",
                exact=True,
                words={
                    "tuned": "tuned for each B",
                    "constant": "constant",
                    "sqrt": "∝ √B",
                    "linear": "∝ B",
                    "surge": "surge",
                },
            ),
            "learning_rate",
            *RUN,
            Column(
                "anchor_end",
                "of a rule: `grid_end` of the rate tuned at the anchor, from which its rates follow",
                "text",
                exact=True,
            ),
        ),
        keys=("study", "seed", "dataset", "model", "optimizer", "batch_size", "rule"),
    ),
    chosen=("learning_rate",),
)
