"""What a YAML file says twice: Snakemake keeps the last of two equal keys and tells nobody."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from batchlab.errors import BatchlabError

# The parser in C is nine times faster, where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def refuse_repeated_keys(paths: Iterable[str | Path]) -> None:
    """Raise if a mapping in one of the configuration files names a key twice.

    Args:
        paths: Files that Snakemake has read, so that their syntax is right.

    Raises:
        BatchlabError: The message names file, lines and key.
    """
    for path in paths:
        with Path(path).open(encoding="utf-8") as file:
            waiting = [yaml.compose(file, Loader=_LOADER)]
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
                    waiting.append(value)
