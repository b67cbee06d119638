"""Texts of figures and claims: names of batch sizes become numbers, and captions quote the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import SHARED
from batchlab.declarations.options import Text, in_order
from batchlab.planning.phases import Recipe
from batchlab.planning.recipes import FILTERS, filter_of
from batchlab.planning.study_settings import ProbeSettings
from batchlab.planning.texts import fill

_TEXTS = ("title", "caption", "statement", "published", "because")


def quotable(
    config: Mapping[str, Any],
    recipe: Recipe,
    seeds: int,
    probes: Iterable[ProbeSettings],
    tables: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what the texts of a study may quote in braces.

    These are `dataset`, `model`, `optimizer` in words, `epochs` and `learning_rate`, all of the study's first arm,
    `seeds`, every named batch size of the campaign, such as `small`, and numbers among the options of probes and
    derived tables, such as `trials` and `target`, where the study's probes and tables agree on them.

    Args:
        config: The campaign.
        recipe: The first arm.
        seeds: Number of seeds.
        probes: The study's probes.
        tables: Settings of the tables that it derives by name.
    """
    options = [(key, value) for probe in probes for key, value in probe.options.items()]
    options += [(key, value) for table in tables for key, value in table.items()]
    numbers = [(key, value) for key, value in options if isinstance(value, int | float) and not isinstance(value, bool)]
    return {
        **config["batch_sizes"],
        "dataset": data_title(config, recipe.dataset),
        **{key: SHARED[key].words.get(name := getattr(recipe, key), name) for key in ("model", "optimizer")},
        "epochs": sum(phase.epochs or 0 for phase in recipe.phases),
        "learning_rate": f"{recipe.phases[0].learning_rate:g}",
        "seeds": seeds,
        **{key: value for key, value in numbers if all(other == value for name, other in numbers if name == key)},
    }


def data_title(config: Mapping[str, Any], dataset: str) -> str:
    """Return what people call a data set: the title of a published one, the campaign's own name of another."""
    source = find.published().get(config["datasets"][dataset].get("name", ""))
    return source.title if source else dataset


def _texts(item: Mapping[str, Any]) -> Iterable[str]:
    own = find.charts()[item["chart"]].options if "chart" in item else ()
    return (*_TEXTS, *(option.name for option in own if isinstance(option, Text)))


def resolve_texts(
    config: Mapping[str, Any], group: str, items: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return figures or claims with texts filled in and named batch sizes replaced by numbers.

    Args:
        config: The campaign.
        group: Where the items stand in it, such as `studies.switch.figures`; for error messages.
        items: Figures or claims by name; None for one that the campaign takes out.
        values: What texts may quote, see `quotable`.

    Raises:
        BatchlabError: If a text quotes something that is not defined.
    """
    resolved: dict[str, dict[str, Any]] = {}
    for key, item in items.items():
        if item is None:  # taken out by a campaign
            continue
        where = f"{group}.{key}"
        filled = dict(item)
        for text in _texts(item):
            if text in filled:
                filled[text] = fill(f"{where}.{text}", filled[text], values)
        if "statement" in filled and "words" in filled:  # of a claim
            words = filled["words"].items()
            filled["words"] = {name: fill(f"{where}.words.{name}", text, values) for name, text in words}
        for name in FILTERS:
            if name in filled:
                rows = filter_of(config, f"{where}.{name}", filled[name])
                # The order of the values that a filter lets through means nothing.
                filled[name] = {column: in_order(wanted) for column, wanted in rows.items()}
        resolved[key] = filled
    return resolved
