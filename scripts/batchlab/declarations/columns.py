"""The one contract of columns: name, type, unit, title, digits and meaning of every column of every table.

A table lists its columns by name where they are shared (below, or declared by a task), and as a `Column` where they are
its own. A derived column has a formula of others; figures and claims may name it wherever these are there.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "integer", "number"]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Heading in the CSV file.
        meaning: A phrase for the manual.
        kind: `text`, `integer` or `number`.
        title: Words for an axis; the name in words if empty.
        unit: Unit after `factor`, empty for a pure number.
        factor: What values are multiplied with where they are drawn or shown.
        digits: Significant digits in the CSV file.
        exact: Whether no platform may change it; other numbers may differ within tolerances.
        clock: Whether a clock measured it, so that no two runs agree.
        replicated: Of a clock: whether every seed was measured in a process of its own, so that seeds repeat it.
        bounds: Smallest and largest possible value; an interval does not leave them.
        positive: Whether values are compared as ratios, on a logarithmic scale.
        censored: Whether the value of a row whose column `reached` is 0 is only a lower bound.
        open_at: Column that names the end of a grid of rates at which a row lies (`low`, `high`, `both`; empty inside)
            → where the true value of such a row may lie: `above` or `below` what was seen, `beyond`, on the side of
            that end, or `either`. Without it, what runs at tuned rates reach may lie on the side that is `better`.
        formula: Of a derived column, in terms of other columns: `+ - * / //`, `ceil`, `round`, `log`, `sqrt`, `abs`.
        quantity: What several columns have in common: `accuracy` of train_accuracy and test_accuracy.
        series: What tells it apart from others of that quantity: `test`.
        sign: Before a value in words, such as `B = `.
        better: Which direction is better: `higher`, `lower`, or neither.
        words: Value → how figures write it.
    """

    name: str
    meaning: str = ""
    kind: Kind = "number"
    title: str = ""
    unit: str = ""
    factor: float = 1.0
    digits: int = 9
    exact: bool = False
    clock: bool = False
    replicated: bool = False
    bounds: tuple[float, float] | None = None
    positive: bool = False
    censored: bool = False
    open_at: Mapping[str, str] = field(default_factory=dict, hash=False)
    formula: str = ""
    quantity: str = ""
    series: str = ""
    sign: str = ""
    better: Literal["higher", "lower", ""] = ""
    words: Mapping[str, str] = field(default_factory=dict, hash=False)

    @functools.cached_property
    def needs(self) -> frozenset[str]:
        """The columns of which the formula is made."""
        tree = ast.parse(self.formula, mode="eval") if self.formula else ast.Expression(ast.Constant(0))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)) - called


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: Name of the file without `.csv`.
        meaning: What one row is, for the manual.
        columns: Its columns in the order of the file: own ones, and names of shared ones.
        keys: Columns that identify a row; two tables are joined by those that they share.
        arm_columns: Of a probe's table: the settings of the arm that are added to each row.
        prefixes: Beginnings of columns that are there only on request, such as `norm_` for each layer.
        derived: Columns that a task derives of its metrics; None where they are those of the first task.
    """

    name: str
    meaning: str
    columns: tuple[Column | str, ...]
    keys: tuple[str, ...] = ("study", "arm", "seed", "epoch")
    arm_columns: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = field(default=())
    derived: tuple[Column, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns in order."""
        return tuple(column if isinstance(column, str) else column.name for column in self.columns)

    @property
    def own(self) -> tuple[Column, ...]:
        """The columns that this table declares."""
        return tuple(column for column in self.columns if isinstance(column, Column))


def _text(name: str, meaning: str, words: Mapping[str, str] | None = None) -> Column:
    return Column(name, meaning, kind="text", exact=True, words=words or {})


_OPTIMIZERS = {
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "nesterov": "SGD with Nesterov momentum",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "lamb": "LAMB",
    "lion": "Lion",
    "muon": "Muon",
    "adafactor": "Adafactor",
}
_MODELS = {
    "mlp": "MLP",
    "mlp_bn": "MLP with BN",
    "mlp_ghost_bn": "MLP with ghost BN",
    "cnn": "CNN",
    "lenet": "LeNet",
}


# Columns that many tables share.
SHARED: dict[str, Column] = {
    column.name: column
    for column in (
        _text("study", "name of the study"),
        _text("arm", "name of the arm, unique in the study"),
        _text("recipe", "key in the configuration from which the arm was expanded"),
        _text("label", "the arm in words", {**_OPTIMIZERS, **_MODELS}),
        _text("dataset", "name in the configuration"),
        _text("model", "name in the configuration", _MODELS),
        _text("optimizer", "name in the configuration", _OPTIMIZERS),
        _text("precision", "float32 or float64"),
        _text(
            "learning_rate_rule",
            "how the learning rate follows the batch size",
            {"constant": "constant rate", "sqrt": "rate ∝ √B", "linear": "rate ∝ B"},
        ),
        _text("phases", "all phases in words, such as `3 epochs, B = 256, lr = 0.1 → 27 epochs, B = 16, lr = 0.1`"),
        _text("budget", "what the last phase is counted in: epochs or updates"),
        _text(
            "status",
            "`ok`, or `diverged`: a loss or weight is not finite; then losses and accuracies are empty; `reached` or"
            " `stopped` in the last row of a run that ends by `until` before its cap",
        ),
        _text("probe", "kind of the probe"),
        _text("metric", "name of a metric"),
        _text("reference", "arm with which the arm is compared"),
        Column("seed", "replicate", "integer", exact=True),
        Column(
            "epoch", "examples seen / training examples, not always whole", title="epoch", exact=True, sign="epoch "
        ),
        Column("updates", "parameter updates so far", "integer", "parameter updates", exact=True, positive=True),
        Column("examples", "examples seen so far", "integer", "examples seen", exact=True, positive=True),
        Column(
            "seconds",
            "training time so far, without compilation and evaluation",
            title="training time",
            unit="s",
            clock=True,
            positive=True,
        ),
        Column(
            "batch_size",
            "examples per update, B",
            "integer",
            "batch size B",
            "examples per update",
            exact=True,
            sign="B = ",
        ),
        Column(
            "accumulation",
            "micro-batches per update, K",
            "integer",
            "accumulation K",
            "micro-batches per update",
            exact=True,
            sign="K = ",
        ),
        Column("learning_rate", "step size", title="learning rate", exact=True, sign="learning rate "),
    )
}

# Derived columns that do not belong to a task.
DERIVED: dict[str, Column] = {
    column.name: column
    for column in (
        Column(
            "seconds_per_epoch",
            "seconds / epoch, both counted from the start of training; empty at epoch 0",
            title="time per epoch",
            unit="s",
            clock=True,
            positive=True,
            formula="seconds / epoch",
        ),
        Column(
            "updates_beyond_formula",
            "updates − epoch · ⌈N / B⌉ with N = examples / epoch; 0 for a run at one batch size; empty at epoch 0",
            exact=True,
            formula="updates - epoch * ceil(round(examples / epoch) / batch_size)",
        ),
    )
}

# Settings of an arm that its tables state.
ARM_SETTINGS = (
    "dataset",
    "model",
    "optimizer",
    "precision",
    "batch_size",
    "accumulation",
    "learning_rate",
    "recipe",
    "label",
)


def resolve(table: Table, known: Iterable[Column]) -> dict[str, Column]:
    """Return name → column of a table, whose shared columns are looked up among `known` and `SHARED`.

    Raises:
        KeyError: A name that nobody declares.
    """
    shared = {**SHARED, **{column.name: column for column in known}}
    return {
        name: column if isinstance(column, Column) else shared[name]
        for name, column in zip(table.names, table.columns, strict=True)
    }
