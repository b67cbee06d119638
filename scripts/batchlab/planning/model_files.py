"""Models of a campaign with every option filled in; a user's model file is parsed, not run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.declarations.model_options import BY_EXAMPLE, MASKS
from batchlab.declarations.source import Input
from batchlab.errors import BatchlabError, unknown
from batchlab.models.signature import complete as complete_model
from batchlab.planning.neighbours import code_digest_of

# Names that settings of a user's model have for other things than options of its `build`.
_TAKEN = ("code", "of", MASKS)
# What reading and parsing raises for a file that is not Python: other bytes, zeros, or nesting too deep.
_NO_PYTHON = (UnicodeDecodeError, ValueError, RecursionError, MemoryError)


def resolve_model(config: Mapping[str, Any], alias: str) -> dict[str, Any]:
    """Return a model's full settings; a user's file is identified by its code, not by its path.

    They say how dropout draws only where that is not Keras' own way, so that older results keep their names.

    Raises:
        BatchlabError: An unknown model or option, or a file that is missing, not Python, or without a fitting `build`.
    """
    settings = config["models"][alias]
    more = {MASKS: BY_EXAMPLE} if config["dropout"] == BY_EXAMPLE else {}
    if "file" not in settings:
        return {**complete_model(f"models.{alias}", settings), **more}
    where, name = f"models.{alias}.file", settings["file"]
    if taken := next((key for key in _TAKEN if key in settings), None):
        raise BatchlabError(
            f"models.{alias}.{taken}: batchlab uses this name itself; give the option of build another one"
        )
    path = Path(name)
    if path.suffix != ".py":
        raise BatchlabError(f"{where}: {name!r} is not a Python file; allowed: a path that ends in .py")
    if "\0" in name or not path.is_file():
        raise BatchlabError(f"{where}: no file {name!r}; paths start at the project's folder")
    try:
        code = code_digest_of(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as problem:
        fault = f"line {problem.lineno} is not valid Python ({problem.msg})"
        faulty = path if problem.filename in (None, str(path.resolve())) else problem.filename
        raise BatchlabError(f"{where}: {faulty}: {fault}; correct it") from None
    except OSError as problem:
        raise BatchlabError(f"{where}: {path} cannot be read ({problem.strerror}); check its permissions") from None
    except _NO_PYTHON as problem:
        raise BatchlabError(f"{where}: {path} is not Python source in UTF-8 ({problem}); correct it") from None
    _check_build(f"models.{alias}", name, tree, settings)
    _check_loss(f"models.{alias}.file", name, tree)
    return {"code": code, **{key: value for key, value in settings.items() if key != "file"}, **more}


def taking_rows(where: str, model: Mapping[str, Any], inputs: Sequence[Input]) -> dict[str, Any]:
    """Return the settings of a model whose examples are rows of several inputs: a model around the user's own.

    Args:
        where: Place in the campaign, for messages.
        model: Full settings of the user's model.
        inputs: Of the data set; where there are none, the model is returned as it is.

    Raises:
        BatchlabError: It is a built-in one, which has one input.
    """
    if not inputs:
        return dict(model)
    if "code" not in model:
        raise BatchlabError(
            f"{where}: the model {model['name']} takes one array, and the data set has the inputs "
            f"{', '.join(each.name for each in inputs)}; write a model with these inputs and name it by file (see "
            "docs/own-data.md), or take the key inputs out of the data set"
        )
    # Dropout is given to examples in the model as a whole.
    own = {key: value for key, value in model.items() if key != MASKS}
    more = {key: value for key, value in model.items() if key == MASKS}
    taken = [{"name": each.name, "shape": list(each.shape), "holds": each.holds} for each in inputs]
    return {"name": "several_inputs", "of": own, "inputs": taken, **more}


def code_of(model: Mapping[str, Any]) -> str | None:
    """Return the digest of the user's code in the settings of a model; None for a built-in model."""
    found = model.get("of", model).get("code")
    return None if found is None else str(found)


def with_file(model: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return the settings of a user's model with its file."""
    if "of" in model:
        return {**model, "of": {**model["of"], "file": file}}
    return {**model, "file": file}


def _check_build(where: str, name: str, tree: ast.Module, settings: Mapping[str, Any]) -> None:
    """Raise unless the file defines `build` and, where that is a plain function, it takes what it will be given."""
    found = None
    for statement in _module_level(tree):
        if isinstance(statement, ast.FunctionDef) and statement.name == "build":
            found = statement
        elif "build" in _bound(statement):
            return  # defined in another way: a trial run shows whether it fits
    if found is None:
        raise BatchlabError(f"{where}.file: {name} has no function build(input_shape, classes, **options); define it")
    if found.decorator_list:
        return
    signature = found.args
    positional = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
    if len(positional) < 2 and signature.vararg is None:
        raise BatchlabError(
            f"{where}.file: {name}, line {found.lineno}: build({', '.join(positional)}) does not take input_shape and "
            "classes; write build(input_shape, classes, **options)"
        )
    options = [*positional[2:], *(argument.arg for argument in signature.kwonlyargs)]
    given = [key for key in settings if key != "file"]
    if signature.kwarg is None and (extra := next((key for key in given if key not in options), None)):
        raise unknown(where, f"option of build in {name}", extra, options)
    needed = positional[2 : len(positional) - len(signature.defaults)]
    needed += [a.arg for a, d in zip(signature.kwonlyargs, signature.kw_defaults, strict=True) if d is None]
    if missing := next((key for key in needed if key not in given), None):
        raise BatchlabError(f"{where}: the option {missing!r} of build in {name} is missing; give it or a default")


def _check_loss(where: str, name: str, tree: ast.Module) -> None:
    """Refuse a loss beside `build` that nothing in the file uses: nobody would call it."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for statement in _module_level(tree):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef) and "loss" in statement.name.lower():
            if statement.name in used or statement.name.startswith("_"):
                continue
            raise BatchlabError(
                f"{where}: {name}, line {statement.lineno}: {statement.name} would not be used, since the campaign's "
                "task has the loss; take it out, or add a term with add_loss() in a layer of the model"
            )


def _module_level(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, those inside `if`, `try` and `with` included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _module_level(node)


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds other than by `def`; a star import may bind `build`."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        names = {(alias.asname or alias.name) for alias in statement.names}
        return names | ({"build"} if "*" in names else set())
    if isinstance(statement, ast.ClassDef | ast.AsyncFunctionDef):
        return {statement.name}
    targets = ast.walk(statement) if isinstance(statement, ast.Assign | ast.AnnAssign) else ()
    return {node.id for node in targets if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
