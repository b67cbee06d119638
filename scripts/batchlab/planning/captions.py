"""Texts of figures and claims: names of batch sizes become numbers, and captions quote the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.planning.recipes import FILTERS, filter_of
from batchlab.planning.texts import fill

_TEXTS = ("title", "caption", "statement", "published", "x_title", "y_title")


def _in_order(values: Any) -> Any:
    """Return the values that a filter lets through in one order, since theirs means nothing."""
    return sorted(values, key=lambda value: (isinstance(value, str), value)) if isinstance(values, list) else values


def resolve_texts(
    config: Mapping[str, Any], group: str, items: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return figures or claims with texts filled in and named batch sizes replaced by numbers.

    Texts may quote `{dataset}`, `{model}`, `{epochs}`, `{seeds}`, `{learning_rate}` (of the study's first arm)
    every named batch size of the campaign, such as `{small}`, and `{trials}` and `{updates}` of the study's probes.

    Args:
        config: The campaign.
        group: Where the items stand in it, such as `studies.switch.figures`; for error messages.
        items: Figures or claims by name; None for one that the campaign takes out.
        context: `seeds` (their number), `first_arm` and `probes` of the study.

    Raises:
        BatchlabError: If a text quotes something that is not defined.
    """
    recipe = context["first_arm"].recipe
    values = {
        **config["batch_sizes"],
        "dataset": recipe.dataset,
        "model": recipe.model,
        "epochs": sum(phase.epochs or 0 for phase in recipe.phases),
        "learning_rate": f"{recipe.phases[0].learning_rate:g}",
        "seeds": context["seeds"],
        **{key: value for probe in context["probes"] for key, value in probe.items() if key in ("trials", "updates")},
    }
    resolved: dict[str, dict[str, Any]] = {}
    for key, item in items.items():
        if item is None:  # taken out by a campaign
            continue
        where = f"{group}.{key}"
        filled = dict(item)
        for text in _TEXTS:
            if text in filled:
                filled[text] = fill(f"{where}.{text}", filled[text], values)
        for name in FILTERS:
            if name in filled:
                rows = filter_of(config, f"{where}.{name}", filled[name])
                filled[name] = {column: _in_order(values) for column, values in rows.items()}
        resolved[key] = filled
    return resolved
