"""The tables that every study has. Standard library only."""

from __future__ import annotations

from typing import Any

from batchlab.declarations import find
from batchlab.declarations.claim import STANDINGS
from batchlab.declarations.columns import DERIVED, Column, Table
from batchlab.declarations.task import Chosen, chosen

_FIRST = chosen(find.tasks())
_ARM = ("dataset", "model", "optimizer", "batch_size", "accumulation", "learning_rate")

ARMS = Table(
    "arms",
    "one arm, with the settings of its last phase",
    (
        *("study", "arm", "recipe", "label", *_ARM, "learning_rate_rule", "precision", "phases", "budget"),
        Column(
            "collapsed",
            f"seeds of the runs that end at chance level: {_FIRST.task.chance}",
            "text",
            exact=True,
        ),
        Column("trunk", "arm off which this one branches; empty for an arm that has none", "text", exact=True),
        Column("branch_epoch", "epoch of the trunk at which it branches off", title="epoch of the branch", exact=True),
        Column(
            "branch_updates",
            "updates of the trunk at which it branches off",
            "integer",
            "updates before the branch",
            exact=True,
        ),
    ),
    keys=("study", "arm"),
)
HISTORY = Table(
    "history",
    "one arm, seed and evaluation, that before training (epoch 0) included",
    (
        *("study", "arm", *_ARM, "seed", "epoch", "updates", "examples", "seconds", "status"),
        *_FIRST.task.metric_names,
        *("recipe", "label", "learning_rate_rule", "precision"),
    ),
    keys=("study", "arm", "seed", "epoch"),
)
_WEIGHTS = "of everything trained: kernels, biases, γ and β of normalisation; running statistics are not among it"
DISTANCES = Table(
    "distances",
    "one arm, seed and evaluation",
    (
        *("study", "arm", "seed", "epoch", "updates"),
        Column(
            "from_initial", f"‖w − w₀‖ {_WEIGHTS}", title="distance from the initial weights, |w − w(0)|", positive=True
        ),
        Column("from_origin", f"‖w‖ {_WEIGHTS}", title="distance from the origin, |w|", positive=True),
        *("batch_size", "optimizer", "recipe", "label"),
    ),
    keys=("study", "arm", "seed", "epoch"),
)
_N = Column("n", "number of finite values", "integer", exact=True)
_LOW = Column("ci_low", "lower end of the 95 % Student interval, cut at the bounds of the quantity; empty if n < 2")
_HIGH = Column("ci_high", "upper end")
SUMMARY = Table(
    "summary",
    "one arm and metric at the arm's last epoch, over seeds",
    (
        *(
            "study",
            "arm",
            "recipe",
            "label",
            "batch_size",
            "accumulation",
            "learning_rate",
            "optimizer",
            "model",
            "metric",
        ),
        Column("mean", "mean over seeds of the finite values"),
        Column("std", "standard deviation (n − 1)"),
        _N,
        _LOW,
        _HIGH,
        Column(
            "diverged",
            "runs that diverged: without loss, accuracy, distance or comparable time, they are not in mean and n",
            "integer",
            exact=True,
        ),
        Column(
            "collapsed",
            "runs that end at chance level, see `arms`: only their updates, examples and times are in mean and n",
            "integer",
            exact=True,
        ),
    ),
    keys=("study", "arm", "metric"),
)
COMPARISONS = Table(
    "comparisons",
    "one arm against its reference, paired by seed, at the last epoch",
    (
        *("study", "metric", "arm", "reference"),
        Column("difference", "mean over seeds of arm − reference"),
        _LOW,
        _HIGH,
        Column("n", "pairs of runs that both have a value", "integer", exact=True),
        Column(
            "p",
            "two-sided paired t test; that of the sign test where all differences are the same number",
            bounds=(0, 1),
        ),
        Column("p_holm", "p adjusted by Holm's method over all comparisons of the metric in the study", bounds=(0, 1)),
        Column("effect_size", "Hedges' g_z; empty if n < 3, `inf` if all differences are one number"),
        Column("verdict", "higher or lower if p_holm < 0.05, else `cannot be told apart`", "text", exact=True),
    ),
    keys=("study", "metric", "arm"),
)
CLAIMS = Table(
    "claims",
    "one claim, in the order of the plan",
    (
        *(
            Column(name, meaning, "text", exact=True)
            for name, meaning in (
                ("claim", "its name"),
                ("statement", "from the configuration"),
                ("source", "from the configuration"),
                ("published", "from the configuration, verbatim"),
            )
        ),
        Column("measured", "estimate over seeds, in `unit`"),
        Column("ci_low", "lower end of its interval"),
        _HIGH,
        Column("n", "seeds, or pairs of seeds", "integer", exact=True),
        Column("verdict", "supported, contradicted, undetermined or not judged", "text", exact=True),
        *(
            Column(name, meaning, "text", exact=True)
            for name, meaning in (
                ("figure", "the figure that shows it"),
                ("study", "name of the study"),
                ("unit", "with pp or % the numbers are multiplied by 100"),
                ("test", "from the configuration"),
                ("expected", "the region that supports the claim, in `unit`"),
                (
                    "note",
                    "runs left out, unequal budgets, a margin below one example, missing or cut intervals",
                ),
                ("standing", "what the verdict is worth: " + ", ".join(STANDINGS)),
                ("direction", "lower, higher, equal (within the margin) or open; empty for levels"),
                ("size", "the published number is reproduced, other or open; empty where none is given"),
                ("finding", "what these runs say, in one sentence"),
            )
        ),
        Column("excluded", "runs that diverged or collapsed: counted, not averaged", "integer", exact=True),
        Column("sources", "keys of the references behind `source`, separated by spaces", "text", exact=True),
        Column("because", "from the configuration: the reason of margin, region or standing", "text", exact=True),
        Column("confidence", "of the interval: 0.95, or 1 − 0.05 / k where k looks are planned"),
    ),
    keys=("study", "claim"),
)

STUDY_TABLES = (ARMS, HISTORY, DISTANCES, SUMMARY, COMPARISONS)
# Tables of all studies that are joined to one.
JOINED = (*STUDY_TABLES, CLAIMS)


def summarised(task: Chosen = _FIRST) -> dict[str, Any]:
    """Return which columns `summary` and `comparisons` are about.

    Args:
        task: What the campaign learns.

    Returns:
        `last`: columns of history at the last epoch; `best`: pairs of a name in the summary and a column of history at
        the best epoch; `distances`: columns of distances at the last epoch; `compared`: columns of history whose last
        values are compared between arms.
    """
    headline = task.task.headline
    others = [metric.name for metric in task.metrics if metric.name != headline]
    gaps = [column.name for column in task.task.derived if column.needs == {f"train_{headline}", f"test_{headline}"}]
    of_others = [f"{split}_{metric}" for metric in others for split in ("test", "train")]
    return {
        "last": [
            *(f"test_{headline}", f"train_{headline}", *gaps, *of_others),
            *("updates", "examples", "seconds", "seconds_per_epoch"),
        ],
        "best": [[f"test_{headline}_at_best_validation", f"test_{headline}"], ["best_validation_epoch", "epoch"]],
        "distances": [column.name for column in DISTANCES.own],
        "compared": [f"test_{headline}", *gaps],
    }


def known_columns(task: Chosen = _FIRST) -> tuple[Column, ...]:
    """Return the columns that a task and the library declare beside the shared ones, derived ones included."""
    return (*task.columns, *task.task.derived, *DERIVED.values())
