"""The options of models, read from the signatures of their `build` functions; nothing is imported or run.

A built-in model is a file in this folder that defines `build`. The kind of each option stands in the annotation, one of
`declarations.model_options`, and its default in the signature.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.declarations.model_options import Kind, kind_of
from batchlab.errors import BatchlabError, shown, unknown

_FOLDER = Path(__file__).parent


def builder(tree: ast.Module) -> ast.FunctionDef | None:
    """Return the definition of `build` at the top of a module, or None."""
    found = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build")
    return next(found, None)


@functools.cache
def built_in_models() -> dict[str, Path]:
    """Return name → file of each built-in model; one that is built around another is no campaign's choice."""
    found = {path.stem: builder(ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(_FOLDER.glob("*.py"))}
    return {name: _FOLDER / f"{name}.py" for name, build in found.items() if build and len(build.args.args) == 2}


@functools.cache
def options_of(path: Path) -> dict[str, tuple[Kind, Any]]:
    """Return option → (kind, default) of the model in a file; sequences are lists, as in a campaign.

    Raises:
        BatchlabError: The file has no `build` with keyword-only options that all have a known kind and a default.
    """
    found = builder(ast.parse(path.read_text(encoding="utf-8")))
    if found is None:
        raise BatchlabError(f"{path}: has no function build(input_shape, classes, *, options)")
    options: dict[str, tuple[Kind, Any]] = {}
    for argument, default in zip(found.args.kwonlyargs, found.args.kw_defaults, strict=True):
        kind = kind_of(argument.annotation)
        if kind is None or default is None:
            raise BatchlabError(
                f"{path}, line {argument.lineno}: option {argument.arg} needs a default and a kind of "
                "declarations/model_options.py, as in `dropout: Rate = 0.0`"
            )
        value = ast.literal_eval(default)
        options[argument.arg] = kind, list(value) if isinstance(value, tuple) else value
    return options


def complete(where: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a built-in model with all defaults: a default that is written out changes nothing.

    Args:
        where: Path of the settings in the campaign.
        settings: `name`, and options.

    Raises:
        BatchlabError: An unknown model or option, or a value of another kind.
    """
    name = settings["name"]
    if name not in built_in_models():
        raise unknown(f"{where}.name", "model", name, built_in_models())
    known = options_of(built_in_models()[name])
    options = {key: default for key, (_, default) in known.items()}
    for key, value in settings.items():
        if key == "name":
            continue
        if key not in known:
            raise unknown(where, f"option of model {name}", key, known)
        kind, default = known[key]
        if not kind.fits(value):
            example = f", such as {default}" if isinstance(default, list) else ""
            raise BatchlabError(f"{where}.{key}: {shown(value)} is not possible; allowed: {kind.allowed}{example}")
        options[key] = kind.exact(value)
    return {"name": name, **options}
