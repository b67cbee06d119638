"""Hyperparameters at a batch size: rules applied to an optimizer's learning rate and other numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.options import with_defaults
from batchlab.declarations.rule import Scaling
from batchlab.errors import BatchlabError

# Weights of running averages: what a rule makes of them must stay below 1 and not below 0.
_SHARES = frozenset({"adam_beta_1", "adam_beta_2", "beta_1", "beta_2", "momentum", "rho"})


def rule_of(value: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule with all its options; a campaign may write its name alone."""
    given = {"name": value} if isinstance(value, str) else dict(value)
    return with_defaults(find.rules()[given["name"]].options, given)


def rule_text(value: str | Mapping[str, Any]) -> str:
    """Return a rule as one word for names and tables, such as `sqrt` or `power-exponent0.7`."""
    if isinstance(value, str):
        return value
    options = [f"{key}{_word(option)}" for key, option in sorted(value.items()) if key != "name"]
    return "-".join([value["name"], *options])


def _word(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def scaled(
    where: str,
    hyperparameters: Mapping[str, float],
    rules: Iterable[str | Mapping[str, Any]],
    batch_size: int,
    reference: int,
) -> dict[str, float]:
    """Return learning rate and hyperparameters after some rules, one after the other; those that changed only.

    Args:
        where: The arm, for error messages.
        hyperparameters: `learning_rate` and the optimizer's own numbers, at the reference batch size.
        rules: Names, or names with options.
        batch_size: Examples of an update.
        reference: Batch size at which the hyperparameters hold.

    Raises:
        BatchlabError: A rule makes something impossible of a hyperparameter.
    """
    present = dict(hyperparameters)
    for rule in map(rule_of, rules):
        given = Scaling(hyperparameters, present, batch_size, reference, rule)
        present = {**present, **find.rules()[rule["name"]].scale(given)}
    # 12 digits: 0.1 * 10 and 1.0 are the same setting.
    changed = {key: float(f"{value:.12g}") for key, value in present.items() if value != hyperparameters[key]}
    for key, value in changed.items():
        if not (0 <= value < 1 if key in _SHARES else 0 < value < math.inf):
            raise BatchlabError(
                f"{where}: {key} comes out as {value:g} at B = {batch_size}; choose a batch size nearer to the "
                f"reference ({reference}), another value or another rule"
            )
    return changed


def numbers_of(optimizer: Mapping[str, Any], learning_rate: float) -> dict[str, float]:
    """Return the learning rate and the numeric hyperparameters of an optimizer's full settings."""
    own = {key: value for key, value in optimizer.items() if isinstance(value, float) and math.isfinite(value)}
    return {**own, "learning_rate": learning_rate}
