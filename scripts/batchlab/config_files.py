"""What YAML files must not say: keys of the machine, and a key twice (Snakemake keeps the last and tells nobody)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from batchlab.errors import BatchlabError
from batchlab.machine import CHOICES

# The parser in C is nine times faster, where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_keys(paths: Iterable[str | Path]) -> None:
    """Raise if a configuration file names a key twice in one mapping, or a key that belongs into a profile.

    Args:
        paths: Files that Snakemake has read, so that their syntax is right.

    Raises:
        BatchlabError: The message names file, lines and key.
    """
    for path in paths:
        with Path(path).open(encoding="utf-8") as file:
            campaign = yaml.compose(file, Loader=_LOADER)
        waiting = [campaign]
        seen: set[int] = set()  # an anchor may be met again, inside itself too
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
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
