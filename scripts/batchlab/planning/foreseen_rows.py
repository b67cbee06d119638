"""Rows of the tables, foreseen: a figure or a claim that selects none of them must not show after hours of training.

What an arm and its probes will write is known as far as settings, seeds and whole epochs go. A condition on anything
else (a loss, say) can only be tried on the table itself and is taken to hold.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from batchlab.declarations.claim import AGGREGATES
from batchlab.declarations.columns import Table
from batchlab.errors import BatchlabError, shown, unknown
from batchlab.planning.phases import Phase, Recipe
from batchlab.planning.recipes import FILTERS
from batchlab.planning.study_settings import ProbeSettings
from batchlab.tables.conditions import WORDS, close, is_number, same_text, within

# Column → the values that it can have in the rows of one arm, or of one probe on one arm.
Foreseen = Mapping[str, Iterable[Any]]

# Settings of a phase that are columns of the tables.
_OF_PHASE = ("batch_size", "accumulation", "learning_rate")
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


def of_training(recipe: Recipe, seeds: range) -> Foreseen:
    """Return what an arm's rows of history and distances can hold; epochs, where each of them is evaluated.

    Args:
        recipe: The arm.
        seeds: The study's seeds.
    """
    last = recipe.last_epoch
    epochs = {"epoch": range(last + 1)} if last is not None and _each_epoch(recipe) else {}
    return {**_settings(recipe, recipe.phases), "seed": seeds, **epochs}


def _each_epoch(recipe: Recipe) -> bool:
    """Return whether an arm and its trunk are evaluated at the ends of epochs."""
    return recipe.evaluate is None and (recipe.trunk is None or _each_epoch(recipe.trunk.recipe))


def of_arm(recipe: Recipe) -> Foreseen:
    """Return what an arm's rows of arms and summary can hold: the settings with which it ends."""
    return _settings(recipe, recipe.phases[-1:])


def of_probe(recipe: Recipe, epoch: int | None, probe: ProbeSettings, seeds: range) -> Foreseen:
    """Return what the rows of a probe on an arm can hold.

    Args:
        recipe: The arm.
        epoch: When it is measured; None for the end of an arm that is counted in updates.
        probe: The probe.
        seeds: The study's seeds.
    """
    settings = of_arm(recipe)
    # Not every table of a probe has a row for each of these; the others name the arm's own setting.
    listed = {
        option.column: list(dict.fromkeys([*_values_of(probe.options[option.name]), *settings.get(option.column, ())]))
        for option in probe.declaration.options
        if option.column and option.name in probe.options
    }
    counted = {column: range(1, probe.options[option] + 1) for column, option in probe.declaration.rows.items()}
    epochs = {} if epoch is None else {"epoch": [epoch]}
    return {**settings, "seed": seeds[: probe.seeds], **epochs, **counted, **listed}


def _values_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def of_derived(table: Table, read: Iterable[Foreseen], chosen: Iterable[str] = ()) -> list[Foreseen]:
    """Return what the rows of a derived table can hold: what is known of the tables that it is made of, key by key.

    Args:
        table: The derived table. Arms that differ in columns which it does not have may share a row.
        read: What is foreseen of the tables that it is made of.
        chosen: Columns in which the data choose one of several arms; nothing is foreseen of them.
    """
    settled = {*table.keys, *_SETTINGS}.intersection(table.names).difference(chosen)
    found = [{column: values for column, values in rows.items() if column in settled} for rows in read]
    return [rows for number, rows in enumerate(found) if rows not in found[:number]]


_SETTINGS = frozenset(
    ("arm", "recipe", "label", "dataset", "model", "optimizer", "precision", "learning_rate_rule", *_OF_PHASE)
)


def of_join(first: Sequence[Foreseen], second: Sequence[Foreseen], keys: Iterable[str]) -> list[Foreseen]:
    """Return what the rows of two joined tables can hold; of a column that both have, the first one's counts.

    Args:
        first: What is foreseen of the first table; empty if nothing is.
        second: What is foreseen of the second one.
        keys: Columns by which they are joined.
    """
    if not first or not second:
        return list(first or second)
    keys = set(keys)
    pairs = [(one, other) for one in first for other in second if all(_meet(one, other, key) for key in keys)]
    for place, rows in enumerate((first, second)):
        if "arm" in keys and not any("arm" in each for each in rows):
            return _of_chosen_arms(pairs, rows, place)
    return [{**other, **one} for one, other in pairs]


def _of_chosen_arms(
    pairs: Iterable[tuple[Foreseen, Foreseen]], chosen: Sequence[Foreseen], place: int
) -> list[Foreseen]:
    """Return what joined rows can hold where the data choose the arm of one table's row: all that the candidates
    can, the arm excepted, of which a row has one.

    Args:
        pairs: Rows that can meet by the keys.
        chosen: What is foreseen of the table without arms.
        place: Its place in the pairs.
    """
    agreeing = [pair for pair in pairs if all(_meet(*pair, column) for column in _SETTINGS)]
    found: list[Foreseen] = []
    for row in chosen:
        candidates = [{**pair[1], **pair[0]} for pair in agreeing if pair[place] is row]
        columns = {column for candidate in candidates for column in candidate if column != "arm"}
        if candidates:
            found.append({column: list(_values(column, candidates)) for column in columns})
    return found


def _meet(one: Foreseen, other: Foreseen, key: str) -> bool:
    """Return whether two rows can have the same value of a key; what is not foreseen can."""
    return key not in one or key not in other or any(value in list(other[key]) for value in one[key])


def _holds(condition: Any, value: Any) -> bool:
    """Return whether a value meets a condition; a condition of the wrong type is left to the check of the table."""
    if isinstance(condition, Mapping):
        if not (is_number(value) and all(map(is_number, condition.values()))):
            return True
        return bool(within(value, condition))
    if isinstance(value, str):
        return bool(same_text(value, condition))
    if not is_number(condition):
        return not isinstance(condition, str)
    return bool(close(value, condition))


def _possible(column: str, condition: Any, rows: Foreseen) -> bool:
    """Return whether some row can meet the condition on a column; a column that is not foreseen may have any value."""
    if column not in rows or condition is None or condition in WORDS.get(column, ()):
        return True
    conditions = condition if isinstance(condition, list) else [condition]
    return any(_holds(each, value) for value in rows[column] for each in conditions)


def check_rows(where: str, table: str, item: Mapping[str, Any], foreseen: Sequence[Foreseen]) -> None:
    """Raise if a filter of a figure or a claim can select no row of its table.

    Args:
        where: Path of the item in the campaign.
        table: Name of the table, or of both.
        item: Its settings, batch sizes as numbers.
        foreseen: What each arm or probe can write into its table.
    """
    for name in FILTERS:
        check_conditions(f"{where}.{name}", table, item.get(name) or {}, foreseen)


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


# Keys of tables that do not tell rows of one seed apart: of the last two every row has its own, or one for all.
_OF_ALL = frozenset({"study", "probe", "seed"})


def check_single(where: str, claim: Mapping[str, Any], keys: Iterable[str], foreseen: Sequence[Foreseen]) -> None:
    """Raise if a claim selects several rows of one seed and does not say how to make one value of them.

    What is not foreseen may be a single row; only what is certain is refused.

    Args:
        where: Path of the claim in the campaign.
        claim: Its settings, batch sizes as numbers.
        keys: Columns that identify a row of its table.
        foreseen: What each arm or probe can write into the table.
    """
    if "aggregate" in claim:
        return
    apart = [*claim.get("each", ()), *(["batch_size"] if claim["test"] in ("trend", "steps") else [])]
    for side in ("of", "minus"):
        if conditions := claim.get(side):
            rows = _rows_of_a_seed(conditions, apart, [key for key in keys if key not in _OF_ALL], foreseen)
            if rows > 1:
                raise BatchlabError(
                    f"{where}.{side}: {shown(conditions)} selects {rows} rows of one seed; narrow it, or say how to"
                    f" aggregate: {', '.join(AGGREGATES)}"
                )


def _rows_of_a_seed(
    conditions: Mapping[str, Any], apart: Sequence[str], keys: Sequence[str], foreseen: Sequence[Foreseen]
) -> int:
    """Return how many rows of one seed conditions are certain to select, within one value of the columns in `apart`."""
    counts: dict[tuple[Any, ...], int] = {}
    # A table that is derived from several has what is foreseen of each of them.
    different = [rows for number, rows in enumerate(foreseen) if rows not in foreseen[:number]]
    if conditions.get("epoch") in WORDS["epoch"]:
        different = _at_the_end(different)
    for rows in different:
        kept = {column: _kept(column, conditions.get(column), rows) for column in {*conditions, *apart, *keys}}
        # Which phase of an arm a row belongs to is not foreseen, nor what a measured value is.
        certain = all(
            column in keys or (column in rows and len(list(rows[column])) <= 1) for column in {*conditions, *apart}
        ) and all(column in rows or _chosen_later(column, conditions[column]) for column in conditions)
        if not certain or not all(kept.values()):
            continue
        count = math.prod(len(kept[column]) for column in keys if column not in apart)
        for group in itertools.product(*(kept[column] for column in apart)):
            counts[group] = counts.get(group, 0) + count
    return max(counts.values(), default=0)


def _at_the_end(foreseen: Sequence[Foreseen]) -> list[Foreseen]:
    """Return what is foreseen at the last epoch of each arm, for arms that are measured at several."""
    ends = [(tuple(rows["arm"]), max(rows["epoch"], default=0)) for rows in foreseen if {"arm", "epoch"} <= rows.keys()]
    last = {arm: max(end for other, end in ends if other == arm) for arm, _ in ends}
    return [
        rows
        for rows in foreseen
        if not {"arm", "epoch"} <= rows.keys() or max(rows["epoch"], default=0) == last[tuple(rows["arm"])]
    ]


def _chosen_later(column: str, condition: Any) -> bool:
    """Return whether a condition is a word for a row that the table decides."""
    return isinstance(condition, str) and condition in WORDS.get(column, ())


def _kept(column: str, condition: Any, rows: Foreseen) -> list[Any]:
    """Return the values of a column that meet a condition; of what is not foreseen, or chosen later, one value."""
    if column not in rows or _chosen_later(column, condition):
        return [None]
    if condition is None:
        return list(rows[column])
    conditions = condition if isinstance(condition, list) else [condition]
    return [value for value in rows[column] if any(_holds(each, value) for each in conditions)]


def _values(column: str, foreseen: Iterable[Foreseen]) -> Iterator[Any]:
    yield from dict.fromkeys(value for rows in foreseen for value in rows.get(column, ()))


def _misses(where: str, table: str, value: Any, values: Sequence[Any]) -> BatchlabError:
    """Return the error for a condition that no row meets, with the values that there are."""
    column = where.rpartition(".")[2]
    if isinstance(value, str) and values and all(isinstance(each, str) for each in values):
        return unknown(where, column.replace("_", " "), value, values)
    if isinstance(value, str):
        return unknown(where, "value", value, [*WORDS.get(column, ()), "numbers"])
    ends = sorted(values)
    listed = ", ".join(map(str, ends)) if len(ends) <= _LISTED else f"{ends[0]} to {ends[-1]}"
    return BatchlabError(f"{where}: no row of table {table} has {shown(value)}; there will be {listed or 'none'}")
