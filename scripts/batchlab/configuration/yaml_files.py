"""What YAML files must not say: keys of the machine, and what Snakemake takes in one of two ways without a word.

Of two equal keys it keeps the last. Numbers follow YAML 1.1: `0100` is 64, in base 8, and `1:30` is 90, in base 60.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from batchlab.configuration.faults import Collected
from batchlab.configuration.machine import CHOICES
from batchlab.errors import BatchlabError

# The parser in C is nine times faster, where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|.*:.*)")


def parsed(path: str | Path) -> Any:
    """Return what a YAML file holds, checked as by `check_files`."""
    with _opened(path) as loader:
        campaign = loader.get_single_node()
        if campaign is not None:
            _check(path, campaign)
        return loader.construct_document(campaign) if campaign is not None else {}


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """Open a YAML file; what is wrong with its syntax becomes one line with file, line and column."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            loader = _LOADER(file)
            try:
                yield loader
            finally:
                loader.dispose()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        begun = problem.context_mark
        context = f" {problem.context} in line {begun.line + 1}" if problem.context and begun else ""
        raise BatchlabError(
            f"{path}: {place}this is no YAML: {problem.problem}{context}; look at brackets, quotes, colons and the "
            "indentation there (spaces, no tabs)"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise BatchlabError(f"{path}: this is no YAML in UTF-8: {problem}") from None


def check_files(paths: Iterable[str | Path]) -> None:
    """Raise if a configuration file names a key twice in one mapping, a key of a profile, or a number in base 8 or 60.

    Args:
        paths: The files.

    Raises:
        BatchlabError: One line for each fault, with file, line, and key or number.
    """
    faults = Collected()
    for path in paths:
        with faults.part(), _opened(path) as loader:
            campaign = loader.get_single_node()
            if campaign is not None:
                _check(path, campaign)
    faults.tell()


def _check(path: str | Path, campaign: yaml.Node) -> None:
    faults = Collected()
    for line, text in sorted(_faults(campaign)):
        faults.add(BatchlabError(f"{path}: line {line}: {text}"))
    faults.tell()


def _faults(campaign: yaml.Node) -> Iterator[tuple[int, str]]:
    """Yield line and text of each fault."""
    waiting = [campaign]
    seen: set[int] = set()  # an anchor may be met again, inside itself too
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS and _OTHER_BASE.fullmatch(node.value):
            yield (
                node.start_mark.line + 1,
                f"YAML does not read {node.value} as a decimal number; "
                "write it without a leading zero or colons, or in quotes if it is a text",
            )
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                waiting.append(value)
                if not isinstance(key, yaml.ScalarNode):
                    continue
                if key.value in lines:
                    yield line, f"the key {key.value!r} stands in line {lines[key.value]} already; keep one of them"
                lines.setdefault(key.value, line)
                if node is campaign and key.value in CHOICES:
                    yield (
                        line,
                        f"{key.value} is a matter of the machine, not of the campaign; "
                        f"give --config {key.value}=… or choose a profile (see docs/gpu.md)",
                    )
