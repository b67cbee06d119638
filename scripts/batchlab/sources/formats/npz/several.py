"""Archives whose examples are several arrays, one for each input of a model.

Standard library only: planning and the job that reads the arrays agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchlab.declarations.source import FileShape, Input
from batchlab.errors import BatchlabError
from batchlab.sources.formats.npz.arrays import PART, Labels, Layout, Values, arrays_of, shape_of
from batchlab.sources.inputs import Wanted, check_said, width

# Input → role (`x_train`, `x_validation`, `x_test`) → name of the array.
Parts = Mapping[str, Mapping[str, str]]


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


def _role(name: str, base: str) -> str | None:
    """Return the role of an array that holds an input, by what stands before or behind the name that is given."""
    if name == base:
        return "x_train"
    words, own = _words(name), _words(base)
    for place, rest in ((words[-1:], words[:-1]), (words[:1], words[1:])):
        if rest == own and place and place[0] in PART:
            return f"x_{PART[place[0]]}"
    return None


def arrays_of_inputs(
    names: Iterable[str], path: Path, wanted: Sequence[Wanted], options: Mapping[str, Any]
) -> tuple[Parts, dict[str, str]]:
    """Return the arrays of each input, and role → name of the others; `x_…` are those of the first input.

    Raises:
        BatchlabError: An input has no array, or not those that the others have; or an array has no use.
    """
    present = sorted(names)
    held = f"it holds: {', '.join(present) or 'nothing'}"
    if options.get("labels") == "tokens":
        raise BatchlabError(f"{path}: labels: tokens is for one array of tokens; take the key inputs out")
    given: Mapping[str, str] = options.get("arrays") or {}
    if role := next((role for role in given if role[0] == "x"), None):
        raise BatchlabError(f"{path}: arrays.{role}: examples are what inputs says; say labels and weights here")
    bases: dict[str, str] = {}
    for each in wanted:
        if len(each.of) != 1 or not isinstance(each.of[0], str):
            raise BatchlabError(f"{path}: inputs.{each.name}: name one array, as in {each.name}: scans; {held}")
        if other := bases.get(each.of[0]):
            raise BatchlabError(f"{path}: inputs.{other} and inputs.{each.name} are both {each.of[0]!r}; take one out")
        bases[each.of[0]] = each.name
    check_said(path, wanted, {"codes": "is for columns of a table; an array of whole numbers is taken as it is"})
    parts: dict[str, dict[str, str]] = {each.name: {} for each in wanted}
    used = set(given.values()) | {*_listed(options.get("leave_out"))}
    for name in present:
        if name in used:
            continue
        # The name itself comes before one that only begins or ends with it.
        found = [(base, role) for base in bases if (role := _role(name, base))]
        found = [(base, role) for base, role in found if base == name] or found
        for base, role in found[:1]:
            own = parts[bases[base]]
            if role in own:
                raise BatchlabError(
                    f"{path}: {own[role]} and {name} would both be {role} of inputs.{bases[base]}; leave one out with "
                    f"leave_out: [{name}]"
                )
            own[role] = name
            used.add(name)
    for each in wanted:
        if "x_train" not in parts[each.name]:
            raise BatchlabError(f"{path}: inputs.{each.name}: holds no array {each.of[0]!r}; {held}")
    first = parts[wanted[0].name]
    for name, own in parts.items():
        for role in first.keys() ^ own.keys():
            has, lacks = (first, name) if role in first else (own, wanted[0].name)
            raise BatchlabError(
                f"{path}: {has[role]} has no counterpart of inputs.{lacks} for the same part; add it, or say "
                f"leave_out: [{has[role]}]; {held}"
            )
    taken = {name for own in parts.values() for name in own.values()}
    rest = [name for name in present if name not in taken]
    # The first input stands for all of them where labels and weights are found.
    roles = arrays_of([*rest, *first.values()], path, {**options, "arrays": {**given, **first}})
    if extra := [name for role, name in roles.items() if role[0] == "x" and name not in first.values()]:
        raise BatchlabError(
            f"{path}: would not use {', '.join(extra)}; say leave_out: [{', '.join(extra)}], or name it in inputs; "
            f"{held}"
        )
    return parts, roles


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def shape_of_inputs(
    path: Path,
    wanted: Sequence[Wanted],
    parts: Parts,
    roles: Mapping[str, str],
    values: Mapping[str, Mapping[str, Values]],
    labels: Mapping[str, Labels],
    options: Mapping[str, Any],
    outputs: int = 0,
) -> tuple[FileShape, dict[str, Layout], list[Any]]:
    """Return what an archive holds, the layout of each input and the classes, after checking that all fit together.

    Args:
        path: The archive, for messages.
        wanted: The inputs.
        parts: Their arrays.
        roles: Role → name of the other arrays.
        values: Arrays of each input by role.
        labels: Number of examples by label, by role; none where no classes are learnt.
        options: Options of the format.
        outputs: Number of what is learnt then.

    Raises:
        BatchlabError: They do not.
    """
    inputs: list[Input] = []
    layouts: dict[str, Layout] = {}
    for each in wanted:
        own = {role: _with_axis(found) for role, found in values[each.name].items()}
        said = {**options, "axes": each.axes, "scale": each.scale}
        try:
            found, layouts[each.name], classes = shape_of(
                path, {**roles, **parts[each.name]}, own, labels, said, outputs
            )
        except BatchlabError as problem:
            asks = ("say scale", "say axes")
            where = f"inputs: {{{each.name}: {{of: {each.of[0]}, …}}}}"
            raise BatchlabError(
                f"{problem}; in {where}" if any(a in str(problem) for a in asks) else str(problem)
            ) from None
        scale = each.scale or found.scale or (255.0 if own["x_train"].type == "u1" else 1.0)
        whole = scale == 1 and not each.standardise and all(one.type[0] in "iub" for one in own.values())
        inputs.append(Input(each.name, found.input_shape, "integers" if whole else "numbers", scale))
        if inputs[0] is inputs[-1]:
            shape = found
        elif (counts := _counts(found)) != _counts(shape):
            raise BatchlabError(
                f"{path}: inputs.{wanted[0].name} and inputs.{each.name} hold {_counts(shape)} and {counts} training, "
                "validation and test examples; each example needs all inputs"
            )
    return replace(shape, input_shape=(width(inputs),), scale=1.0, inputs=tuple(inputs)), layouts, classes


def _counts(shape: FileShape) -> tuple[int, int, int]:
    return shape.examples, shape.examples_validation or 0, shape.examples_test or 0


def _with_axis(values: Values) -> Values:
    """Return an array of one number for each example as one of one feature."""
    return replace(values, shape=(*values.shape, 1)) if len(values.shape) == 1 else values
