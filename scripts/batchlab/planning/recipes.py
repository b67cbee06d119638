"""Recipes: from the short form a person writes to arms with every number filled in.

A recipe of the configuration may hold lists (a grid) and names of the campaign (`small`, `adam`). Expanding it
gives one arm per point of the grid; each arm has phases with explicit batch size, accumulation and learning rate.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchlab.configuration.faults import Collected
from batchlab.errors import BatchlabError, unknown
from batchlab.planning.declared_names import check_declared
from batchlab.planning.optimizer_settings import resolve_optimizer
from batchlab.planning.scaling import numbers_of, rule_text, scaled
from batchlab.planning.scheduling import schedule_of
from batchlab.planning.texts import fill

# Fields of a recipe that may hold a list, in the order in which they appear in an arm's name.
GRID_FIELDS = (
    "dataset",
    "model",
    "optimizer",
    "precision",
    "batch_size",
    "accumulation",
    "micro_batch",
    "learning_rate",
    "learning_rate_factor",
    "learning_rate_rule",
)
# Fields that a recipe takes from its study, and a study from the campaign.
INHERITED = ("dataset", "model", "optimizer", "precision", "epochs")
# Where figures and claims say which rows of a table they are about.
FILTERS = ("where", "of", "minus")
# Arms that the lists of one recipe may span; more are a slip of the pen.
MOST_ARMS = 10_000


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one batch size, accumulation and learning rate.

    Attributes:
        batch_size: Examples in an update.
        accumulation: Micro-batches in an update.
        learning_rate: The rate, or what a schedule takes shares of.
        epochs: Its length in epochs; None if that is counted in updates.
        updates: Its length in updates; None if that is counted in epochs.
        hyperparameters: Those of the optimizer that rules changed.
        schedule: Its own schedule of the learning rate with all options.
    """

    batch_size: int
    accumulation: int
    learning_rate: float
    epochs: int | None
    updates: int | None
    hyperparameters: Mapping[str, float] = dataclasses.field(default_factory=dict)
    schedule: Mapping[str, Any] | None = None

    def text(self) -> str:
        """Return a phase in words, such as `10 epochs, B = 256, lr = 0.05`."""
        length = f"{self.epochs} epochs" if self.epochs is not None else f"{self.updates} updates"
        accumulation = f", K = {self.accumulation}" if self.accumulation > 1 else ""
        more = "".join(f", {key} = {value:g}" for key, value in self.hyperparameters.items())
        schedule = f", {self.schedule['name']} schedule" if self.schedule else ""
        return f"{length}, B = {self.batch_size}{accumulation}, lr = {self.learning_rate:g}{more}{schedule}"


@dataclass(frozen=True)
class Recipe:
    """One arm's recipe, with every number filled in; `schedule` spans all phases that have none of their own."""

    arm: str
    key: str
    label: str
    dataset: str
    model: str
    optimizer: str
    precision: str
    rule: str
    phases: tuple[Phase, ...]
    schedule: Mapping[str, Any] | None = None

    @property
    def last_epoch(self) -> int | None:
        """The last epoch, where all phases are counted in epochs."""
        lengths = [phase.epochs for phase in self.phases]
        return None if None in lengths else sum(length for length in lengths if length is not None)


def batch_size_of(config: Mapping[str, Any], where: str, value: int | str) -> int:
    """Return a batch size in examples; names such as `small` stand for the campaign's own sizes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    sizes: Mapping[str, int] = config["batch_sizes"]
    if not isinstance(value, str) or value not in sizes:
        raise unknown(where, "batch size", value, sizes)
    return sizes[value]


def batch_sizes_of(config: Mapping[str, Any], where: str, value: Any) -> Any:
    """Return `value` with every name of a batch size replaced; it may be a list or a range such as `{min: small}`."""
    if isinstance(value, list):
        return [batch_sizes_of(config, where, item) for item in value]
    if isinstance(value, dict):
        return {key: batch_sizes_of(config, where, item) for key, item in value.items()}
    return batch_size_of(config, where, value)


def filter_of(config: Mapping[str, Any], where: str, rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter of rows with every name of a batch size replaced."""
    if "batch_size" not in rows:
        return dict(rows)
    return {**rows, "batch_size": batch_sizes_of(config, f"{where}.batch_size", rows["batch_size"])}


def _phase(config: Mapping[str, Any], where: str, recipe: Mapping[str, Any], own: Mapping[str, Any]) -> Phase:
    """Return a phase from the fields of its recipe and its own ones; a recipe's schedule is not the phase's."""
    fields = {**recipe, **own}
    batch_size = batch_size_of(config, f"{where}.batch_size", fields["batch_size"])
    batch_size *= fields.get("batch_size_factor", 1)
    if fields.get("micro_batch") is not None:
        micro = batch_size_of(config, f"{where}.micro_batch", fields["micro_batch"])
        if batch_size % micro:
            raise BatchlabError(
                f"{where}.micro_batch: {micro} does not divide the batch size {batch_size}; take a divisor of it"
            )
        accumulation = batch_size // micro
    else:
        accumulation = fields["accumulation"]
    if batch_size % accumulation:
        divisors = [k for k in range(1, 65) if batch_size % k == 0]
        raise BatchlabError(
            f"{where}.accumulation: K = {accumulation} does not divide the batch size {batch_size}; "
            f"allowed up to 64: {', '.join(map(str, divisors))}"
        )
    rate = fields.get("learning_rate")
    rate = float(config["optimizers"][fields["optimizer"]]["learning_rate"] if rate is None else rate)
    rate *= float(fields["learning_rate_factor"])
    reference = batch_size_of(config, f"{where}.reference_batch_size", fields.get("reference_batch_size") or "small")
    numbers = numbers_of(resolve_optimizer(config, fields["optimizer"]), rate)
    rules = [fields["learning_rate_rule"], *fields.get("other_rules", [])]
    changed = scaled(where, numbers, rules, batch_size, reference)
    rate = changed.pop("learning_rate", rate)
    if not 0 < rate < math.inf:
        raise BatchlabError(f"{where}.learning_rate: comes out as {rate:g}; change the rate, its factor or its rule")
    updates = fields.get("updates")
    return Phase(
        batch_size=batch_size,
        accumulation=accumulation,
        # 12 digits: 0.1 * 10 and 1.0 are the same setting.
        learning_rate=float(f"{rate:.12g}"),
        epochs=None if updates is not None else fields["epochs"],
        updates=updates,
        hyperparameters=changed,
        schedule=schedule_of(f"{where}.schedule", own.get("schedule")),
    )


_SUFFIXES = {
    "batch_size": "b{}",
    "accumulation": "k{}",
    "micro_batch": "m{}",
    "learning_rate": "lr{}",
    "learning_rate_factor": "x{}",
}
_LABELS = {
    "batch_size": "B = {}",
    "accumulation": "K = {}",
    "micro_batch": "micro-batch {}",
    "learning_rate": "lr = {}",
    "learning_rate_factor": "lr × {}",
    "learning_rate_rule": "{} rule",
}


def _grid(recipe: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield field → value for each point of the grid that the recipe's lists span."""
    lists = {field: recipe[field] for field in GRID_FIELDS if isinstance(recipe.get(field), list)}
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def _in_epochs(where: str, phases: Sequence[Mapping[str, Any]], arm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return phases whose shares of the arm's epochs are epochs: 1 and 2 of 30 are 10 and 20.

    The ends of phases are rounded, so that all of them together are as long as the arm.
    """
    if not any("share" in phase for phase in phases):
        return [dict(phase) for phase in phases]
    if not all("share" in phase for phase in phases) or arm.get("updates") is not None:
        raise BatchlabError(
            f"{where}.phases: lengths in shares and others do not mix; give every phase a share or none"
        )
    total = sum(phase["share"] for phase in phases)
    ends = [
        0,
        *(math.floor(arm["epochs"] * part / total + 0.5) for part in itertools.accumulate(p["share"] for p in phases)),
    ]
    lengths = [end - start for start, end in itertools.pairwise(ends)]
    if min(lengths) < 1:
        raise BatchlabError(
            f"{where}.phases: {arm['epochs']} epochs are too few for {len(phases)} phases of these shares; "
            "give the arm more epochs"
        )
    return [
        {**{key: value for key, value in phase.items() if key != "share"}, "epochs": length}
        for phase, length in zip(phases, lengths, strict=True)
    ]


def _arms(
    config: Mapping[str, Any], study: str, key: str, recipe: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[Recipe]:
    """Yield the arms of one recipe."""
    settings = config["studies"][study]
    where = f"studies.{study}.arms.{key}"
    if (size := math.prod(len(values) for values in recipe.values() if isinstance(values, list))) > MOST_ARMS:
        raise BatchlabError(f"{where}: its lists make {size} arms; allowed: {MOST_ARMS} at most")
    for point in _grid(recipe):
        fields = {**defaults, **recipe, **point}
        for field in ("dataset", "model", "optimizer"):
            # The line names the place where the name stands.
            place = (
                f"{where}.{field}" if field in recipe else f"studies.{study}.{field}" if field in settings else field
            )
            check_declared(place, field, fields[field], config)
        pieces = _in_epochs(where, fields.pop("phases", None) or [{}], fields)
        phases = tuple(_phase(config, where, fields, piece) for piece in pieces)
        values = dict(point)
        for field in {"batch_size", "micro_batch"} & point.keys():
            values[field] = batch_size_of(config, f"{where}.{field}", point[field])
        rule = rule_text(fields["learning_rate_rule"])
        if "learning_rate_rule" in point:
            values["learning_rate_rule"] = rule
        suffixes = [_SUFFIXES.get(field, "{}").format(value) for field, value in values.items()]
        label = ", ".join(_LABELS.get(field, "{}").format(value) for field, value in values.items())
        quoted = {**config["batch_sizes"], "B": phases[-1].batch_size, "K": phases[-1].accumulation}
        text = fill(f"{where}.label", recipe.get("label", ""), quoted)
        yield Recipe(
            arm="-".join([key, *suffixes]),
            key=key,
            label=f"{text}, {label}" if text and label else text or label or key.replace("_", " "),
            dataset=fields["dataset"],
            model=fields["model"],
            optimizer=fields["optimizer"],
            precision=fields["precision"],
            rule=rule,
            phases=phases,
            schedule=schedule_of(f"{where}.schedule", fields.get("schedule")),
        )


def expand(config: Mapping[str, Any], study: str) -> list[Recipe]:
    """Return the arms of a study: one for each point of each recipe's grid.

    Raises:
        BatchlabError: For an unknown name or a K that does not divide B; the message names the key.
    """
    arms: list[Recipe] = []
    faults = Collected()
    settings = config["studies"][study]
    defaults = {
        "batch_size": "small",
        "accumulation": 1,
        "learning_rate_factor": 1,
        "learning_rate_rule": "constant",
        **{field: settings.get(field, config[field]) for field in INHERITED},
    }
    for key, recipe in settings["arms"].items():
        if recipe is None:  # a campaign takes an arm out of the catalogue with `name: null`
            continue
        with faults.part():
            arms += _arms(config, study, key, recipe, defaults)
    faults.tell()
    return arms
