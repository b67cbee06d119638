"""The optimizers of the installed Keras with their hyperparameters, read from its source: Keras need not start.

An optimizer is what Keras itself registers as `keras.optimizers.<Name>`. A test compares the file with the registry of
the running Keras. Run `make docs` after Keras has another version.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path
from typing import Any

from batchlab.planning.optimizer_options import FILE, NOT_OFFERED, WRAPPERS

_SPACE = "keras.optimizers."


def _registered(node: ast.ClassDef) -> list[str]:
    """Return the names under which a class is registered as an optimizer."""
    calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
    called = [call for call in calls if ast.unparse(call.func) == "keras_export"]
    named = [ast.literal_eval(argument) for call in called for argument in call.args]
    paths = [path for each in named for path in ([each] if isinstance(each, str) else each)]
    return [path.removeprefix(_SPACE) for path in paths if path.startswith(_SPACE) and path.count(".") == 2]


def _hyperparameters(node: ast.ClassDef) -> dict[str, Any]:
    """Return the arguments of `__init__` that a campaign may set, with their defaults."""
    [made] = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    names = [argument.arg for argument in made.args.args[1:]]
    defaults = [ast.literal_eval(default) for default in made.args.defaults]
    pairs = zip(names[len(names) - len(defaults) :], defaults, strict=True)
    return {name: value for name, value in pairs if name not in NOT_OFFERED}


def options() -> dict[str, dict[str, Any]]:
    """Return optimizer → hyperparameter → Keras' default.

    Raises:
        ModuleNotFoundError: There is no Keras here.
    """
    found = importlib.util.find_spec("keras")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("keras is not installed; make env installs it")
    named: dict[str, dict[str, Any]] = {}
    for path in sorted(Path(found.origin).parent.glob("src/optimizers/*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                names = [name.lower() for name in _registered(node)]
                named |= {name: _hyperparameters(node) for name in names if name not in WRAPPERS}
    return dict(sorted(named.items()))


def rendered() -> dict[Path, str]:
    """Return the file with the text that it should have."""
    return {FILE: json.dumps(options(), indent=1) + "\n"}
