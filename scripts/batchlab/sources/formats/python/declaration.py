"""Examples from a function of the user: what planning knows of the file, without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.declarations.options import Count
from batchlab.declarations.source import FileShape, Format
from batchlab.errors import BatchlabError
from batchlab.sources.fingerprints import parsed

SPLITS = ("train", "validation", "test")
_EXAMPLE = 'INPUT_SHAPE = (20,), CLASSES = 3, EXAMPLES = {"train": 800, "validation": 100, "test": 100}'


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Read the three constants of the file, and look for its function."""
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
    shape, classes, sizes = (found.get(name) for name in ("INPUT_SHAPE", "CLASSES", "EXAMPLES"))
    fits = (
        isinstance(shape, tuple)
        and all(type(length) is int and length > 0 for length in shape)
        and type(classes) is int
        and classes > 1
        and isinstance(sizes, dict)
        and {"train"} <= sizes.keys() <= {*SPLITS}
        and all(type(size) is int and size > 0 for size in sizes.values())
    )
    if not fits or not shape:
        raise BatchlabError(f"{path}: must say its sizes, written out, such as {_EXAMPLE}")
    assert isinstance(classes, int) and isinstance(sizes, dict)
    return FileShape(sizes["train"], sizes.get("test"), shape, classes, sizes.get("validation"))


FORMAT = Format(
    summary="Python file with a function `examples(split, seed)` and its sizes",
    suffixes=(".py",),
    options=(Count("seed", "given to `examples`", 0, least=0, most=2**32 - 1),),
    inspect=inspect,
)
