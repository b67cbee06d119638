"""The keys of probes, figures, derived tables, rules and models in `config/README.md`, from their declarations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.options import (
    OPTIONAL,
    REQUIRED,
    BatchSize,
    BatchSizes,
    Choice,
    Choices,
    ClassWeights,
    ColumnName,
    ColumnNames,
    Count,
    Counts,
    Flag,
    Limits,
    Names,
    Number,
    Numbers,
    Option,
    Recipes,
    Renamed,
    RowFilter,
    Sequence,
    Text,
)
from batchlab.declarations.schedule import COMMON
from batchlab.errors import shown
from batchlab.models.signature import built_in_models, options_of
from batchlab.pages import between_markers, markdown_table
from batchlab.paths import PROJECT

PAGE = PROJECT / "config" / "README.md"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else shown(list(value) if isinstance(value, tuple) else value)


def _limits(option: Any) -> str:
    if isinstance(option, Count):
        return f"{option.least} or more"
    ends = [
        f"more than {option.above:g}" if option.above is not None else "",
        f"{option.least:g} or more" if option.least is not None else "",
        f"{option.most:g} at most" if option.most is not None else "",
    ]
    return ", ".join(end for end in ends if end)


def values(option: Option) -> str:
    """Return in a few words which values an option takes."""
    match option:
        case Flag():
            return "`true`, `false`"
        case Choices(words=words):
            return f"list of {', '.join(f'`{_plain(word)}`' for word in words)}"
        case Choice(words=words):
            return ", ".join(f"`{_plain(word)}`" for word in words)
        case Counts():
            return f"list of whole numbers, {_limits(option)}"
        case Count():
            return f"whole number, {_limits(option)}"
        case Sequence():
            return f"list of numbers, {_limits(option)}".removesuffix(", ")
        case Numbers():
            return f"list of numbers, {_limits(option)}".removesuffix(", ")
        case Number():
            return f"number, {_limits(option)}".removesuffix(", ")
        case BatchSize():
            return "number or name of `batch_sizes`"
        case BatchSizes():
            return "list of numbers or names of `batch_sizes`"
        case ColumnNames():
            return "one column or a list"
        case ColumnName():
            return "column"
        case Limits():
            return "`[low, high]`"
        case Text():
            return "text"
        case Recipes():
            return "list of recipes"
        case Names():
            return "list of names"
        case Renamed():
            return "a text for each value"
        case ClassWeights():
            return "`balanced`, or name → weight"
        case RowFilter():
            return "columns and values, as in `where`"
    raise TypeError(f"{type(option).__name__} has no words; say them here")


def _default(option: Option) -> str:
    if option.default is REQUIRED:
        return "required"
    return "" if option.default is OPTIONAL else f"`{_plain(option.default)}`"


def _kinds(key: str, declared: Mapping[str, Any]) -> str:
    """Return the kinds, and a table of their keys in which what several kinds share stands once."""
    kinds = [
        (f"`{kind}`", item.summary, ", ".join(getattr(item, "experiments", ()))) for kind, item in declared.items()
    ]
    columns = 3 if any(numbers for *_, numbers in kinds) else 2
    head = (f"`{key}`", "what it is", "experiments")
    users: dict[tuple[str, ...], list[str]] = {}
    for kind, item in declared.items():
        for option in item.options:
            row = (f"`{option.name}`", option.meaning, values(option), _default(option))
            users.setdefault(row, []).append(kind)
    rows = [
        (name, "all" if len(kinds) == len(declared) > 1 else ", ".join(f"`{kind}`" for kind in kinds), *rest)
        for (name, *rest), kinds in users.items()
    ]
    parts = [markdown_table(head[:columns], [kind[:columns] for kind in kinds])]
    if rows:
        parts.append(markdown_table(("key", "of", "meaning", "values", "default"), rows))
    return "\n\n".join(parts)


def _following(head: str, declared: Mapping[str, Any], shared: tuple[Option, ...] = ()) -> str:
    """Return a table of rules or schedules and one of their options; `shared` are options of all of them."""
    rows = [(f"`{name}`", item.summary, item.source) for name, item in declared.items()]
    options = [
        (f"`{option.name}`", f"`{name}`", option.meaning, values(option), _default(option))
        for name, item in declared.items()
        for option in item.options
        if option not in shared
    ]
    options += [(f"`{option.name}`", "all", option.meaning, values(option), _default(option)) for option in shared]
    return "\n\n".join(
        (
            markdown_table((head, "meaning", "source"), rows),
            markdown_table(("key", "of", "meaning", "values", "default"), options),
        )
    )


def _models(models: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (f"`{name}`", ", ".join(f"`{option}: {_plain(value)}`" for option, value in options.items()))
        for name, options in models.items()
    ]
    return markdown_table(("name", "options and their defaults"), rows)


def _defaults() -> dict[str, dict[str, Any]]:
    """Return built-in model → option → default."""
    return {
        name: {option: default for option, (_, default) in options_of(path).items()}
        for name, path in built_in_models().items()
    }


def blocks() -> dict[str, str]:
    """Return name → Markdown of the page's generated parts."""
    return {
        "models": _models(_defaults()),
        "tasks": _kinds("task", find.tasks()),
        "rules": _following("rule", find.rules()),
        "schedules": _following("schedule", find.schedules(), COMMON),
        "probes": _kinds("probe", find.probes()),
        "charts": _kinds("chart", find.charts()),
        "derivations": _kinds("derivation", find.derivations()),
    }


def rendered() -> dict[Path, str]:
    """Return the page with the text that it should have."""
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), blocks())}
