"""Examples from a function of the user: what planning knows of the file, without running it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchlab.declarations.options import Count
from batchlab.declarations.source import INPUT_NAME, FileShape, Format, Input, Targets
from batchlab.errors import BatchlabError, unknown
from batchlab.sources.fingerprints import parsed
from batchlab.sources.inputs import check_said, wanted
from batchlab.sources.keys import INPUTS

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
        shapes: Shape of each input by name, where the model has several; `input_shape` is that of a row of them then.
        integers: Inputs that hold whole numbers.
    """

    input_shape: tuple[int, ...]
    sizes: dict[str, int]
    targets: Targets
    count: int
    names: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    integers: tuple[str, ...] = ()

    def inputs(self, options: Mapping[str, Any]) -> tuple[Input, ...]:
        """Return the inputs in the order of their names, with what a campaign says of them."""
        scales = {each.name: each.scale for each in wanted(options)}
        return tuple(
            Input(name, shape, "integers" if name in self.integers else "numbers", scales.get(name) or 1.0)
            for name, shape in sorted(self.shapes.items())
        )


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
    shapes = shape if isinstance(shape, dict) else {}
    fits = (
        all(map(_is_shape, shapes.values() if shapes else (shape,)))
        and all(isinstance(name, str) and re.fullmatch(INPUT_NAME, name) for name in shapes)
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
    integers = _integers(path, found.get("INTEGERS", ()), shapes)
    if shapes:
        if targets == "tokens":
            raise BatchlabError(f"{path}: TOKENS are of one array; INPUT_SHAPE has several inputs: {', '.join(shapes)}")
        shape = (sum(map(math.prod, shapes.values())),)
    if targets == "tokens" and len(shape) != 1:
        raise BatchlabError(
            f"{path}: INPUT_SHAPE = {shape!r}: of tokens it is their number in an example, such as (64,)"
        )
    assert isinstance(sizes, dict)
    return Said(tuple(shape), sizes, targets, count, names, shapes, integers)


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(type(length) is int and length > 0 for length in value)


def _integers(path: Path, said: Any, shapes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the inputs that hold whole numbers.

    Raises:
        BatchlabError: They are no inputs.
    """
    if not isinstance(said, list | tuple) or not all(name in shapes for name in said):
        raise BatchlabError(
            f"{path}: INTEGERS = {said!r}: names of inputs of INPUT_SHAPE are expected, such as INTEGERS = ['town'] of "
            "INPUT_SHAPE = {'town': (1,), 'age': (1,)}"
        )
    return tuple(said)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Read the constants of the file, and look for its function."""
    said = constants(path)
    check_inputs(path, said, options)
    return FileShape(
        said.sizes["train"],
        said.sizes.get("test"),
        said.input_shape,
        said.count,
        said.sizes.get("validation"),
        targets=said.targets,
        inputs=said.inputs(options),
    )


def check_inputs(path: Path, said: Said, options: Mapping[str, Any]) -> None:
    """Raise unless what a campaign says of inputs is of inputs of the file.

    Raises:
        BatchlabError: It is not.
    """
    inputs = wanted(options)
    without = {
        "of": "the file says what an input holds",
        "codes": "is for columns",
        "axes": "is for arrays of archives",
    }
    check_said(path, inputs, without)
    for each in inputs:
        if each.name not in said.shapes:
            raise unknown(f"{path}: inputs", "input", each.name, said.shapes or ("none: INPUT_SHAPE is one shape",))
        if each.name in said.integers and (each.standardise or each.scale not in (None, 1)):
            raise BatchlabError(
                f"{path}: inputs.{each.name}: holds whole numbers by INTEGERS, which are neither scaled nor "
                "standardised; take the key out, or the name out of INTEGERS"
            )


FORMAT = Format(
    summary="Python file with a function `examples(split, seed)` and its sizes",
    suffixes=(".py",),
    options=(Count("seed", "given to `examples`", 0, least=0, most=2**32 - 1), INPUTS),
    inspect=inspect,
)
