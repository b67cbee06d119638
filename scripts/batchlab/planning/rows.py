"""Rows of the tables, foreseen: a figure or a claim that selects none of them must not show after hours of training.

What an arm and its probes will write is known as far as settings, seeds and whole epochs go. A condition on anything
else (a loss, say) can only be tried on the table itself and is taken to hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from batchlab.errors import BatchlabError, shown, unknown
from batchlab.planning.recipes import FILTERS, Phase, Recipe

# Column → the values that it can have in the rows of one arm, or of one probe on one arm.
Foreseen = Mapping[str, Iterable[Any]]

# Settings of a phase that are columns of the tables.
_OF_PHASE = ("batch_size", "accumulation", "learning_rate")
# Column → the setting of a probe that lists its values.
_OF_PROBE = {"batch_size": "batch_sizes", "accumulation": "accumulations", "method": "methods"}
# Column → the words that stand for one of its values in a filter.
_WORDS = {"epoch": ("last", "best"), "seed": ("first",)}
# How many values a message lists.
_LISTED = 12


def _settings(recipe: Recipe, phases: Sequence[Phase]) -> dict[str, Iterable[Any]]:
    return {
        "arm": [recipe.arm],
        "recipe": [recipe.key],
        "label": [recipe.label],
        "dataset": [recipe.dataset],
        "model": [recipe.model],
        "optimizer": [recipe.optimizer],
        "precision": [recipe.precision],
        "learning_rate_rule": [recipe.rule],
        **{column: list(dict.fromkeys(getattr(phase, column) for phase in phases)) for column in _OF_PHASE},
    }


def of_training(recipe: Recipe, last_epoch: int | None, seeds: range) -> Foreseen:
    """Return what an arm's rows of history and distances can hold.

    Args:
        recipe: The arm.
        last_epoch: Its last epoch; None where it is counted in updates.
        seeds: The study's seeds.
    """
    epochs = {} if last_epoch is None else {"epoch": range(last_epoch + 1)}
    return {**_settings(recipe, recipe.phases), "seed": seeds, **epochs}


def of_arm(recipe: Recipe) -> Foreseen:
    """Return what an arm's rows of arms and summary can hold: the settings with which it ends."""
    return _settings(recipe, recipe.phases[-1:])


def of_probe(recipe: Recipe, epoch: int | None, probe: Mapping[str, Any], seeds: range) -> Foreseen:
    """Return what the rows of a probe on an arm can hold.

    Args:
        recipe: The arm.
        epoch: When it is measured; None for the end of an arm that is counted in updates.
        probe: The probe's own settings.
        seeds: The seeds that it measures.
    """
    settings = of_arm(recipe)
    # Not every table of a probe has a row for each of these; the others name the arm's own setting.
    listed = {
        column: list(dict.fromkeys([*probe[setting], *settings.get(column, ())]))
        for column, setting in _OF_PROBE.items()
        if setting in probe
    }
    updates = {"updates": range(1, probe["updates"] + 1)} if "updates" in probe else {}
    epochs = {} if epoch is None else {"epoch": [epoch]}
    return {**settings, "seed": seeds, **epochs, **updates, **listed}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _holds(condition: Any, value: Any) -> bool:
    """Return whether one value meets a condition, as `batchlab.tables.selection` decides it."""
    if isinstance(condition, Mapping):
        low, high = condition.get("min", -math.inf), condition.get("max", math.inf)
        if not (_number(value) and _number(low) and _number(high)):
            return True  # what is wrong with it is told by others
        return bool(low <= value <= high) or any(math.isclose(value, end, rel_tol=1e-8) for end in (low, high))
    if isinstance(value, str):
        return str(condition) == value
    if not _number(condition):
        return not isinstance(condition, str)
    return math.isclose(condition, value, rel_tol=1e-8)


def _possible(column: str, condition: Any, rows: Foreseen) -> bool:
    """Return whether some row can meet the condition on a column; whatever is not foreseen can."""
    if column not in rows or condition is None or condition in _WORDS.get(column, ()):
        return True
    conditions = condition if isinstance(condition, list) else [condition]
    return any(_holds(each, value) for value in rows[column] for each in conditions)


def check_rows(where: str, item: Mapping[str, Any], foreseen: Sequence[Foreseen]) -> None:
    """Raise if a filter of a figure or a claim can select no row of its table.

    Args:
        where: Path of the item in the campaign.
        item: Its settings, batch sizes as numbers.
        foreseen: What each arm or probe can write into its table.
    """
    for name in FILTERS:
        check_conditions(f"{where}.{name}", item["table"], item.get(name) or {}, foreseen)


def check_conditions(where: str, table: str, conditions: Mapping[str, Any], foreseen: Sequence[Foreseen]) -> None:
    """Raise if no row can meet all conditions: the line names the one that none meets, or else all of them.

    Args:
        where: Path of the conditions in the campaign.
        table: Name of the table.
        conditions: Column → what is asked of it, see `batchlab.tables.selection.select`; batch sizes as numbers.
        foreseen: What each arm or probe can write into the table.
    """
    if any(all(_possible(column, value, rows) for column, value in conditions.items()) for rows in foreseen):
        return
    for column, value in conditions.items():
        if not any(_possible(column, value, rows) for rows in foreseen):
            raise _misses(f"{where}.{column}", table, value, list(_values(column, foreseen)))
    raise BatchlabError(f"{where}: no arm of the study has rows in table {table} with {shown(conditions)}; change that")


def _values(column: str, foreseen: Iterable[Foreseen]) -> Iterator[Any]:
    yield from dict.fromkeys(value for rows in foreseen for value in rows.get(column, ()))


def _misses(where: str, table: str, value: Any, values: Sequence[Any]) -> BatchlabError:
    """Return the error for a condition that no row meets, with the values that there are."""
    column = where.rpartition(".")[2]
    if isinstance(value, str) and values and all(isinstance(each, str) for each in values):
        return unknown(where, column.replace("_", " "), value, values)
    if isinstance(value, str):
        return unknown(where, "value", value, [*_WORDS.get(column, ()), "numbers"])
    ends = sorted(values)
    listed = ", ".join(map(str, ends)) if len(ends) <= _LISTED else f"{ends[0]} to {ends[-1]}"
    return BatchlabError(f"{where}: no row of table {table} has {shown(value)}; there will be {listed or 'none'}")
