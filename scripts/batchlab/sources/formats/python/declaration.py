"""Examples from a function of the user: what planning knows of the file, without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.declarations.options import Count
from batchlab.declarations.source import FileShape, Format, Targets
from batchlab.errors import BatchlabError
from batchlab.sources.fingerprints import parsed

SPLITS = ("train", "validation", "test")
_EXAMPLE = 'INPUT_SHAPE = (20,), CLASSES = 3, EXAMPLES = {"train": 800, "validation": 100, "test": 100}'
# Constant that says what is learnt → targets, and the least number of them.
_TARGETS: dict[str, tuple[Targets, int]] = {
    "CLASSES": ("classes", 2),
    "NUMBERS": ("numbers", 1),
    "FLAGS": ("flags", 1),
    "TOKENS": ("tokens", 2),
}


@dataclass(frozen=True)
class Said:
    """What the constants of a file say.

    Attributes:
        input_shape: Shape of one example.
        sizes: Examples by part.
        targets: What is learnt.
        count: Number of classes, target numbers, labels or different tokens.
        names: Their names, if the file gives some.
    """

    input_shape: tuple[int, ...]
    sizes: dict[str, int]
    targets: Targets
    count: int
    names: tuple[str, ...] = ()


def constants(path: Path) -> Said:
    """Return what the constants of a file say; the file is not run.

    Raises:
        BatchlabError: It has no such function, or does not say its sizes.
    """
    tree = parsed(path)
    found: dict[str, Any] = {}
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    if "examples" not in functions:
        raise BatchlabError(f"{path}: has no function examples(split, seed); define it, or give another file")
    taken = [argument.arg for argument in functions["examples"].args.args]
    if taken[:2] != ["split", "seed"]:
        raise BatchlabError(
            f"{path}, line {functions['examples'].lineno}: examples({', '.join(taken)}) must take split and seed"
        )
    shape, sizes, kinds = found.get("INPUT_SHAPE"), found.get("EXAMPLES"), [key for key in _TARGETS if key in found]
    if len(kinds) > 1:
        raise BatchlabError(f"{path}: says {' and '.join(kinds)}; one of them says what is learnt: remove the others")
    fits = (
        isinstance(shape, tuple)
        and all(type(length) is int and length > 0 for length in shape)
        and len(kinds) == 1
        and isinstance(sizes, dict)
        and {"train"} <= sizes.keys() <= {*SPLITS}
        and all(type(size) is int and size > 0 for size in sizes.values())
    )
    if not fits or not shape:
        ways = ", ".join(key for key in _TARGETS if key != "CLASSES")
        raise BatchlabError(
            f"{path}: must say its sizes, written out, such as {_EXAMPLE}; instead of CLASSES one of {ways}"
        )
    [kind] = kinds
    targets, least = _TARGETS[kind]
    said = found[kind]
    names = tuple(said) if isinstance(said, list | tuple) else ()
    count = len(names) if names else said
    if type(count) is not int or count < least or len(set(names)) < len(names) or not all(map(_is_name, names)):
        raise BatchlabError(
            f"{path}: {kind} = {said!r}: a number from {least} on is expected, or a list of their names"
        )
    if targets == "tokens" and len(shape) != 1:
        raise BatchlabError(
            f"{path}: INPUT_SHAPE = {shape!r}: of tokens it is their number in an example, such as (64,)"
        )
    assert isinstance(sizes, dict)
    return Said(tuple(shape), sizes, targets, count, names)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Read the constants of the file, and look for its function."""
    said = constants(path)
    return FileShape(
        said.sizes["train"],
        said.sizes.get("test"),
        said.input_shape,
        said.count,
        said.sizes.get("validation"),
        targets=said.targets,
    )


FORMAT = Format(
    summary="Python file with a function `examples(split, seed)` and its sizes",
    suffixes=(".py",),
    options=(Count("seed", "given to `examples`", 0, least=0, most=2**32 - 1),),
    inspect=inspect,
)
