"""Where the arms of a study are cut into segments: at snapshots, where probes measure, and where branches begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchlab.planning.phases import Recipe
from batchlab.planning.study_settings import ProbeSettings, probes_of

# What it counts (`epochs` or `updates` since the start of training), and how many of them.
Cut = tuple[str, int]


def matches(wanted: Mapping[str, Sequence[Any]], recipe: Recipe) -> bool:
    """Return whether the arm of a recipe has one of the wanted values in each column."""
    phase = recipe.phases[-1]
    values: dict[str, Any] = {
        "recipe": recipe.key,
        "arm": recipe.arm,
        "batch_size": phase.batch_size,
        "accumulation": phase.accumulation,
        "model": recipe.model,
        "optimizer": recipe.optimizer,
        "precision": recipe.precision,
    }
    return all(values[column] in allowed for column, allowed in wanted.items())


def measures(probe: ProbeSettings, recipe: Recipe) -> bool:
    """Return whether a probe measures the arm of a recipe."""
    return matches(probe.arms, recipe)


def _reads(probe: ProbeSettings, recipe: Recipe) -> bool:
    """Return whether a probe reads snapshots of the arm of a recipe: it measures it, or compares others with it."""
    return measures(probe, recipe) or (bool(probe.against) and matches(probe.against, recipe))


def epochs_of(probe: ProbeSettings, recipe: Recipe) -> list[int | None]:
    """Return the snapshots of an arm that a probe reads, in the order of training; None for an end within an epoch."""
    named = {recipe.last_epoch if epoch == "last" else int(epoch) for epoch in probe.epochs}
    return sorted(named, key=lambda epoch: (epoch is None, epoch))


def cuts_of(config: Mapping[str, Any], study: str, arms: Iterable[Recipe]) -> dict[str, set[Cut]]:
    """Return arm → its cuts, as far as the study of these arms asks for them.

    A trunk is cut where an arm of its own study branches off, and where that arm is measured before. A branch of
    another study cuts no trunk, so that what one study asks for does not depend on which others are run.
    """
    recipes = {recipe.arm: recipe for recipe in arms}
    probes = probes_of(config, study).values()
    snapshots = config["studies"][study].get("snapshots", [])
    found: dict[str, set[Cut]] = {}
    for name, recipe in recipes.items():
        measured = [epoch for probe in probes if _reads(probe, recipe) for epoch in epochs_of(probe, recipe)]
        found[name] = {("epochs", epoch) for epoch in (*snapshots, *measured) if epoch is not None}
    # Branches of branches first, because they cut the trunks of their trunks.
    for name, recipe in sorted(recipes.items(), key=lambda item: -_depth(item[1])):
        trunk = recipe.trunk
        if trunk is not None and trunk.study == study:
            earlier = {cut for cut in found[name] if cut[0] == trunk.unit and cut[1] < trunk.at}
            found[trunk.recipe.arm] |= earlier | {(trunk.unit, trunk.at)}
    return found


def _depth(recipe: Recipe) -> int:
    return 1 + _depth(recipe.trunk.recipe) if recipe.trunk else 0
