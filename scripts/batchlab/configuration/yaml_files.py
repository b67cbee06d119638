"""What YAML files must not say: keys of the machine, and what Snakemake takes in one of two ways without a word.

Of two equal keys it keeps the last. Numbers follow YAML 1.1: `0100` is 64, in base 8, and `1:30` is 90, in base 60.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from batchlab.configuration.machine import CHOICES
from batchlab.errors import BatchlabError

# The parser in C is nine times faster, where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|.*:.*)")


def parsed(path: str | Path) -> Any:
    """Return what a YAML file holds, checked as by `check_files`."""
    with Path(path).open(encoding="utf-8") as file:
        loader = _LOADER(file)
        try:
            campaign = loader.get_single_node()
            if campaign is not None:
                _check(path, campaign)
            return loader.construct_document(campaign) if campaign is not None else {}
        finally:
            loader.dispose()


def check_files(paths: Iterable[str | Path]) -> None:
    """Raise if a configuration file names a key twice in one mapping, a key of a profile, or a number in base 8 or 60.

    Args:
        paths: Files that Snakemake has read, so that their syntax is right.

    Raises:
        BatchlabError: The message names file, line, and key or number.
    """
    for path in paths:
        with Path(path).open(encoding="utf-8") as file:
            campaign = yaml.compose(file, Loader=_LOADER)
        if campaign is not None:
            _check(path, campaign)


def _check(path: str | Path, campaign: yaml.Node) -> None:
    waiting = [campaign]
    seen: set[int] = set()  # an anchor may be met again, inside itself too
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS and _OTHER_BASE.fullmatch(node.value):
            raise BatchlabError(
                f"{path}: line {node.start_mark.line + 1}: YAML does not read {node.value} as a decimal number; "
                "write it without a leading zero or colons, or in quotes if it is a text"
            )
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if isinstance(key, yaml.ScalarNode) and key.value in lines:
                    raise BatchlabError(
                        f"{path}: line {line}: the key {key.value!r} stands in line {lines[key.value]} already; "
                        "keep one of them"
                    )
                if isinstance(key, yaml.ScalarNode):
                    lines[key.value] = line
                    if node is campaign and key.value in CHOICES:
                        raise BatchlabError(
                            f"{path}: line {line}: {key.value} is a matter of the machine, not of the campaign; "
                            f"give --config {key.value}=… or choose a profile (see docs/gpu.md)"
                        )
                waiting.append(value)
