"""Optimizers of a campaign, checked against the table of Keras' hyperparameters and completed from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.model_options import is_count, is_number
from batchlab.errors import BatchlabError, shown, unknown
from batchlab.planning.optimizer_options import NOT_OFFERED, OPTIMIZER_OPTIONS

# Options whose default does not show all that they may be.
_NULLABLE = frozenset({"weight_decay"})
_LISTS_OF_TEXT = frozenset({"exclude_layers"})
_COUNTS = frozenset({"ns_steps"})
_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")


def resolve_optimizer(config: Mapping[str, Any], alias: str) -> dict[str, Any]:
    """Return an optimizer's settings with all defaults, so that a default written out is the same as one left out.

    The learning rate is not among them: it belongs to the phases of an arm.

    Args:
        config: The campaign.
        alias: Name of the optimizer in it.

    Raises:
        BatchlabError: An unknown optimizer or hyperparameter, or a value of another kind than the default.
    """
    where, settings = f"optimizers.{alias}", config["optimizers"][alias]
    name = settings["name"]
    if name not in OPTIMIZER_OPTIONS:
        raise unknown(f"{where}.name", "optimizer", name, OPTIMIZER_OPTIONS)
    defaults = OPTIMIZER_OPTIONS[name]
    options = dict(defaults)
    for key, value in settings.items():
        if key in ("name", "learning_rate"):
            continue
        if key in NOT_OFFERED:
            raise BatchlabError(f"{where}.{key}: is not offered, because it {NOT_OFFERED[key]}; take it out")
        if key not in defaults:
            raise unknown(where, f"option of optimizer {name}", key, defaults)
        if allowed := _fault(key, value, defaults[key]):
            raise BatchlabError(f"{where}.{key}: {shown(value)} is not possible; allowed: {allowed}")
        # 1 and 1.0 are one value to Keras, so they are one value here.
        options[key] = float(value) if isinstance(defaults[key], float) and isinstance(value, int) else value
    if len(clips := [key for key in _CLIPS if options.get(key) is not None]) > 1:
        raise BatchlabError(f"{where}: {' and '.join(clips)} exclude each other; Keras clips in one way, take one")
    return {"name": name, **options}


def _fault(key: str, value: Any, default: Any) -> str | None:
    """Return what is allowed instead of `value`, or nothing if it is of the option's kind."""
    if value is None and (default is None or key in _NULLABLE):
        return None
    null = "null or " if default is None or key in _NULLABLE else ""
    if key in _LISTS_OF_TEXT:
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return None if fits else f"{null}a list of texts"
    if key in _COUNTS:
        return None if is_count(value) else f"{null}an integer of 1 or more"
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    return None if is_number(value) else f"{null}a number"
