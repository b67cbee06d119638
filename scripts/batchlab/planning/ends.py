"""When an arm is evaluated, and when it ends before its cap: what a campaign writes, as training takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations import find
from batchlab.errors import BatchlabError, unknown
from batchlab.planning.positions import Place


def evaluation_of(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the rule by which an arm is evaluated; None for the ends of epochs, the default."""
    if value is None:
        return None
    rule = {"unit": "epochs", **value}
    if isinstance(rule.get("at"), list):
        rule["at"] = sorted(rule["at"])
    return None if rule == {"unit": "epochs", "every": 1} else rule


def ending_of(where: str, value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the end of an arm with its metric and the direction that is better; None for the cap alone.

    Raises:
        BatchlabError: There is no such metric.
    """
    if value is None:
        return None
    key = "metric" if "metric" in value else "stops_improving"
    metrics = {column.name: column.better for task in find.tasks().values() for column in task.columns if column.better}
    if value[key] not in metrics:
        raise unknown(f"{where}.{key}", "metric", value[key], metrics)
    end = {"metric": value[key], "better": metrics[value[key]]}
    if key == "metric":
        return {**end, "at": value["at"]}
    return {**end, "patience": value["patience"], "restore_best": value.get("restore_best", False)}


def ending_text(end: Mapping[str, Any]) -> str:
    """Return an end in words, such as `until validation_accuracy ≥ 0.95`."""
    if "at" in end:
        return f"until {end['metric']} {'≥' if end['better'] == 'higher' else '≤'} {end['at']:g}"
    best = ", then its best" if end["restore_best"] else ""
    return f"until {end['metric']} stops improving for {end['patience']} evaluations{best}"


def placed_evaluation(rule: Mapping[str, Any], begin: Place, examples: int) -> dict[str, Any]:
    """Return a rule of evaluations with the number of epochs or updates from which it counts.

    Args:
        rule: The rule.
        begin: Where the arm, or its branch, begins.
        examples: Size of the training set.
    """
    return {**rule, "begin": begin.updates if rule["unit"] == "updates" else begin.examples // examples}


def check_trunk(where: str, arm: str, end: Mapping[str, Any] | None) -> None:
    """Refuse a trunk whose length the data decide.

    Raises:
        BatchlabError: The trunk may end before the branch.
    """
    if end is not None:
        raise BatchlabError(f"{where}.from.arm: {arm} may end before, by its `until`; name an arm that has none")
