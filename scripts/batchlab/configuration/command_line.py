"""Values of `--config`: of `seeds='{count: 2}'` Snakemake reads all that is inside braces or brackets as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def _scalar(text: str) -> Any:
    """Return what a text means as a number, `true`, `false` or `null`, or the text itself."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, str):
        try:
            return float(value)  # 1e-3, which YAML takes for text
        except ValueError:
            return text
    return value if value is None or isinstance(value, bool | int | float) else text


def _typed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return _scalar(value) if isinstance(value, str) else value


def with_types(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration in which numbers that were given on the command line are numbers.

    Args:
        config: What Snakemake read from files and command line.
        given: What it read from the command line. Only values that are in `config` unchanged are replaced, and only
            inside mappings and lists: of others Snakemake finds the type itself.
    """
    result = dict(config)
    for key, value in given.items():
        if key not in result:
            continue
        here = result[key]
        if isinstance(value, Mapping) and isinstance(here, Mapping):
            inner = {name: _typed(item) for name, item in value.items() if here.get(name) == item}
            result[key] = with_types({**here, **inner}, value)
        elif isinstance(value, list) and here == value:
            result[key] = _typed(value)
    return result
