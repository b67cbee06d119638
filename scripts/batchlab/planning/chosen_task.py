"""Which task a campaign learns: the one that it names, or the usual one of its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import Table
from batchlab.declarations.options import Headline, Option
from batchlab.declarations.task import FIRST, Chosen, chosen
from batchlab.errors import BatchlabError

# What data sets hold, for messages.
_WORDS = {
    "classes": "one class for each example",
    "flags": "several labels of each example",
    "numbers": "numbers",
    "tokens": "sequences of tokens",
}


def named(config: Mapping[str, Any]) -> Chosen | None:
    """Return the task that a campaign names, with its options; None where it leaves it to the data."""
    given = config.get("task")
    if given is None:
        return None
    return chosen(find.tasks(), {"name": given} if isinstance(given, str) else given)


def usual(targets: str) -> Chosen:
    """Return the task that learns such targets where a campaign names none."""
    tasks = find.tasks()
    return chosen(tasks, {"name": next(name for name, task in tasks.items() if task.usual and task.targets == targets)})


def check_targets(where: str, task: Chosen, targets: str, by_data: str = "") -> None:
    """Raise unless a task learns the targets of a data set.

    Args:
        where: The data set, as a campaign names it.
        task: The campaign's task.
        targets: What the data set holds.
        by_data: The data set that has decided on the task; empty if the campaign names it.
    """
    if task.task.targets == targets:
        return
    fitting = " or ".join(name for name, other in find.tasks().items() if other.targets == targets)
    if by_data:
        raise BatchlabError(
            f"{where}: holds {_WORDS[targets]} ({fitting}), and {by_data} {_WORDS[task.task.targets]} ({task.name}); a "
            "campaign has one task: make two campaigns"
        )
    raise BatchlabError(
        f"{where}: holds {_WORDS[targets]}, and task: {task.name} learns {_WORDS[task.task.targets]}; take task: "
        f"{fitting}, or another column or array of targets"
    )


def of_task(table: Table, task: Chosen) -> Table:
    """Return a table with the metrics of a task in the place of those of the first one, which declarations name."""
    if not task.settings:
        return table
    first = set(find.tasks()[FIRST].metric_names)
    places = [place for place, column in enumerate(table.columns) if column in first]
    if not places:
        return table
    columns = [column for column in table.columns if column not in first]
    columns[places[0] : places[0]] = task.columns
    return replace(table, columns=tuple(columns), derived=task.task.derived)


def task_defaults(task: Chosen, options: Iterable[Option]) -> dict[str, str]:
    """Return the options that by default are the column of the task's headline metric."""
    return {option.name: f"{option.split}_{task.task.headline}" for option in options if isinstance(option, Headline)}
