"""Recipes: from the short form a person writes to arms with every number filled in.

A recipe of the configuration may hold lists (a grid) and names of the campaign (`small`, `adam`). Expanding it
gives one arm per point of the grid; each arm has phases with explicit batch size, accumulation and learning rate.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchlab.configuration.faults import Collected
from batchlab.errors import BatchlabError, unknown
from batchlab.planning.branches import fields_of, trunk_of
from batchlab.planning.declared_names import check_declared
from batchlab.planning.ends import ending_of, evaluation_of
from batchlab.planning.optimizer_settings import resolve_optimizer
from batchlab.planning.phases import Phase, Recipe, Trunk
from batchlab.planning.scaling import numbers_of, rule_text, scaled
from batchlab.planning.scheduling import schedule_of
from batchlab.planning.texts import fill

# Fields of a recipe that may hold a list, in the order in which they appear in an arm's name.
GRID_FIELDS = (
    "dataset",
    "model",
    "optimizer",
    "precision",
    "trunk",
    "at",
    "batch_size",
    "batch_size_factor",
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
# Columns that hold numbers of examples, for which names stand.
_SIZES = ("batch_size", "micro_batch")
# Arms that the lists of one recipe may span; more are a slip of the pen.
MOST_ARMS = 10_000


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
    sizes = {name: batch_sizes_of(config, f"{where}.{name}", rows[name]) for name in _SIZES if name in rows}
    return {**rows, **sizes}


def _phase(config: Mapping[str, Any], where: str, recipe: Mapping[str, Any], own: Mapping[str, Any]) -> Phase:
    """Return a phase from the fields of its recipe and its own ones; a recipe's schedule is not the phase's."""
    fields = {**recipe, **own}
    if "accumulation" in own:
        fields.pop("micro_batch", None)
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
    before = fields.get("hyperparameters", {})
    numbers = numbers_of({**resolve_optimizer(config, fields["optimizer"]), **before}, rate)
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
        hyperparameters={**before, **changed},
        schedule=schedule_of(f"{where}.schedule", own.get("schedule")),
    )


_SUFFIXES = {
    "at": "at{}",
    "batch_size": "b{}",
    "batch_size_factor": "bx{}",
    "accumulation": "k{}",
    "micro_batch": "m{}",
    "learning_rate": "lr{}",
    "learning_rate_factor": "x{}",
}
_LABELS = {
    "at": "from {unit} {}",
    "batch_size": "B = {}",
    "batch_size_factor": "B × {}",
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


# The recipes on the way from an arm to its trunk: study and key.
_Above = tuple[tuple[str, str], ...]


def _trunk(config: Mapping[str, Any], study: str, where: str, point: Mapping[str, Any], above: _Above) -> Trunk:
    """Return the trunk that a branch names, `arm` of its own study or `study.arm`.

    Raises:
        BatchlabError: There is no such arm, or the branch leads back to itself.
    """
    # Names of arms may have dots in their numbers, after a hyphen; names of studies have neither.
    other, dot, arm = point["trunk"].partition(".")
    if not dot or "-" in other:
        other, arm = study, point["trunk"]
    if other not in config["studies"]:
        raise unknown(f"{where}.from.arm", "study", other, config["studies"])
    recipes = {key: recipe for key, recipe in config["studies"][other]["arms"].items() if recipe is not None}
    key = arm.partition("-")[0]
    if key not in recipes:
        raise unknown(f"{where}.from.arm", "arm", arm, recipes)
    if (other, key) in above:
        raise BatchlabError(f"{where}.from.arm: {point['trunk']} branches off this arm; name another one")
    arms = {found.arm: found for found in _arms(config, other, key, recipes[key], above)}
    if arm not in arms:
        raise unknown(f"{where}.from.arm", "arm", arm, arms)
    return trunk_of(where, other, arms[arm], point["at"], point["unit"])


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe whose `from` is fields of their own, which may hold lists like any other."""
    if "from" not in recipe:
        return dict(recipe)
    branch = {"trunk": recipe["from"]["arm"], "at": recipe["from"]["at"], "unit": recipe["from"].get("unit", "epochs")}
    return {**{key: value for key, value in recipe.items() if key != "from"}, **branch}


def _defaults(config: Mapping[str, Any], study: str) -> dict[str, Any]:
    """Return the fields that an arm has which names none."""
    settings = config["studies"][study]
    return {
        "batch_size": "small",
        "accumulation": 1,
        "learning_rate_factor": 1,
        "learning_rate_rule": "constant",
        **{field: settings.get(field, config[field]) for field in INHERITED},
    }


def _values(config: Mapping[str, Any], where: str, point: Mapping[str, Any], rule: str) -> dict[str, Any]:
    """Return the fields of a point of the grid as names of arms and labels write them."""
    values = dict(point)
    for field in {"batch_size", "micro_batch"} & point.keys():
        values[field] = batch_size_of(config, f"{where}.{field}", point[field])
    if "learning_rate_rule" in point:
        values["learning_rate_rule"] = rule
    return values


def _arms(
    config: Mapping[str, Any], study: str, key: str, given: Mapping[str, Any], above: _Above = ()
) -> Iterator[Recipe]:
    """Yield the arms of one recipe.

    Args:
        config: The campaign.
        study: Name of the study.
        key: Name of the recipe.
        given: The recipe.
        above: The recipes of which it is the trunk, or the trunk's trunk.
    """
    settings = config["studies"][study]
    where = f"studies.{study}.arms.{key}"
    recipe = _flat(given)
    if (size := math.prod(len(values) for values in recipe.values() if isinstance(values, list))) > MOST_ARMS:
        raise BatchlabError(f"{where}: its lists make {size} arms; allowed: {MOST_ARMS} at most")
    for point in _grid(recipe):
        own = {**recipe, **point}
        trunk = _trunk(config, study, where, own, (*above, (study, key))) if "trunk" in own else None
        fields = {**_defaults(config, study), **(fields_of(where, own, trunk) if trunk else {}), **own}
        for field in ("dataset", "model", "optimizer"):
            # The line names the place where the name stands.
            place = (
                f"{where}.{field}" if field in recipe else f"studies.{study}.{field}" if field in settings else field
            )
            check_declared(place, field, fields[field], config)
        lengths = [key for key in ("epochs", "updates") if key in own]
        if lengths and own.get("phases") and not any("share" in phase for phase in own["phases"]):
            raise BatchlabError(
                f"{where}.{lengths[0]}: the phases have lengths of their own; take it out, or give phases shares of it"
            )
        pieces = _in_epochs(where, fields.pop("phases", None) or [{}], fields)
        phases = tuple(_phase(config, where, fields, piece) for piece in pieces)
        rule = rule_text(fields["learning_rate_rule"])
        values = _values(config, where, point, rule)
        suffixes = [_SUFFIXES.get(field, "{}").format(value) for field, value in values.items()]
        unit = own.get("unit", "").removesuffix("s")
        label = ", ".join(_LABELS.get(field, "{}").format(value, unit=unit) for field, value in values.items())
        quoted = {**config["batch_sizes"], "B": phases[-1].batch_size, "K": phases[-1].accumulation}
        text = fill(f"{where}.label", recipe.get("label", ""), quoted)
        ends = recipe.get("until", settings.get("until"))
        yield Recipe(
            arm="-".join([key, *suffixes]),
            key=key,
            label=f"{text}, {label}" if text and label else text or label or key.replace("_", " "),
            dataset=fields["dataset"],
            model=fields["model"],
            optimizer=fields["optimizer"],
            precision=fields["precision"],
            rule=rule,
            phases=(*(trunk.phases if trunk else ()), *phases),
            schedule=schedule_of(f"{where}.schedule", fields.get("schedule")),
            trunk=trunk,
            evaluate=evaluation_of(recipe.get("evaluate", settings.get("evaluate"))),
            until=ending_of(f"{where if 'until' in recipe else f'studies.{study}'}.until", ends),
            seeds=recipe.get("seeds"),
        )


def expand(config: Mapping[str, Any], study: str) -> list[Recipe]:
    """Return the arms of a study: one for each point of each recipe's grid.

    Raises:
        BatchlabError: For an unknown name or a K that does not divide B; the message names the key.
    """
    arms: list[Recipe] = []
    faults = Collected()
    for key, recipe in config["studies"][study]["arms"].items():
        if recipe is None:  # a campaign takes an arm out of the catalogue with `name: null`
            continue
        with faults.part():
            arms += _arms(config, study, key, recipe)
    faults.tell()
    return arms
