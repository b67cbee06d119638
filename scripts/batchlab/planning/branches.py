"""Branches: arms that go on from a snapshot of another arm, their trunk.

A branch trains what the trunk trained up to there, and so shares its segments by their identities: the trunk is trained
once, however many arms branch off it. What a branch does not say, it takes from the trunk at that point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.planning.ends import check_trunk
from batchlab.planning.phases import Phase, Recipe, Trunk

# What belongs to the state that a branch continues.
_KEPT = ("dataset", "model", "optimizer", "precision")


def trunk_of(where: str, study: str, recipe: Recipe, at: int, unit: str) -> Trunk:
    """Return the trunk of a branch.

    Args:
        where: The branch, for error messages.
        study: The study of the trunk.
        recipe: The trunk.
        at: Epochs or updates of it before the branch.
        unit: Which of them.

    Raises:
        BatchlabError: The trunk is shorter or may be, or its phases are counted in another way.
    """
    check_trunk(where, recipe.arm, recipe.until)
    kept: list[Phase] = []
    left = at
    for phase in recipe.phases:
        length: int | None = getattr(phase, unit)
        if length is None and len(recipe.phases) > 1:
            raise BatchlabError(
                f"{where}.from.unit: the phases of {recipe.arm} are not all counted in {unit}; take the other unit"
            )
        # How long a single phase of the other unit is, the data decide.
        part = left if length is None else min(left, length)
        if part:
            epochs, updates = (part if unit == each else None for each in ("epochs", "updates"))
            kept.append(replace(phase, epochs=epochs, updates=updates))
        left -= part
    if left:
        raise BatchlabError(f"{where}.from.at: {recipe.arm} ends after {at - left} {unit}; choose an earlier snapshot")
    return Trunk(study, recipe, at, unit, tuple(kept))


def fields_of(where: str, own: Mapping[str, Any], trunk: Trunk) -> dict[str, Any]:
    """Return what a branch takes from its trunk: fields of a recipe, and the optimizer's hyperparameters there.

    Args:
        where: The branch, for error messages.
        own: The branch's own fields.
        trunk: Its trunk.

    Raises:
        BatchlabError: The branch sets what belongs to the trunk's state, or does not say what follows a schedule.
    """
    for key in _KEPT:
        if key in own:
            raise BatchlabError(
                f"{where}.{key}: a branch goes on with that of its trunk, {trunk.recipe.arm}; take it out"
            )
    last = trunk.phases[-1] if trunk.phases else trunk.recipe.phases[0]
    phases = own.get("phases") or [{}]
    told = "learning_rate" in own or all("learning_rate" in phase for phase in phases)
    if (last.schedule or trunk.recipe.schedule) and not told:
        raise BatchlabError(
            f"{where}: the trunk {trunk.recipe.arm} follows a schedule, which ends where the branch begins; give the "
            "branch a learning_rate, and a schedule if it shall follow one"
        )
    return {
        **{key: getattr(trunk.recipe, key) for key in _KEPT},
        "batch_size": last.batch_size,
        "accumulation": last.accumulation,
        "learning_rate": last.learning_rate,
        "reference_batch_size": last.batch_size,
        "hyperparameters": last.hyperparameters,
        **_length(where, own, trunk),
    }


def _length(where: str, own: Mapping[str, Any], trunk: Trunk) -> dict[str, int]:
    """Return how long a branch is that does not say it: until the end of its trunk."""
    if "epochs" in own or own.get("updates") is not None:
        return {}
    phases = own.get("phases") or [{}]
    if all("epochs" in phase or "updates" in phase for phase in phases):
        return {}
    lengths: list[int | None] = [getattr(phase, trunk.unit) for phase in trunk.recipe.phases]
    known = [length for length in lengths if length is not None]
    if len(known) < len(lengths) or sum(known) == trunk.at:
        raise BatchlabError(f"{where}: how long it goes on does not follow from its trunk; give it epochs or updates")
    return {trunk.unit: sum(known) - trunk.at}
