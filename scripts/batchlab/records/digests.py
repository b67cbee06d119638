"""Digests of settings, of code and of locked package versions: what decides whether a step must run again.

Standard library only, because the Snakefile imports this module at parse time.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from batchlab.files import write_text
from batchlab.paths import LIBRARY, PROJECT

LOCK = PROJECT / "envs" / "lock.txt"

# Modules that cannot change a result: how jobs log, record provenance and report errors, and these digests. They are
# left out of the digests of code, so that a better error message does not train everything anew.
NEUTRAL = frozenset({"errors.py", "paths.py", "records"})

# Distributions whose name differs from the module they provide.
_DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "vl_convert": ("vl-convert-python",)}


def canonical(value: Any) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, only plain types.

    Raises:
        TypeError: If `value` holds something that JSON has no form for, such as a path or a NumPy number.
        ValueError: If it holds NaN or an infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(*parts: Any) -> str:
    """Return the first 10 hexadecimal digits (40 bits) of the SHA-256 over the canonical form of `parts`."""
    return hashlib.sha256(canonical(list(parts)).encode()).hexdigest()[:10]


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield a module and the statements in it, those inside others included; expressions hold none."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, part, ())


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body[:1] = [] if len(node.body) > 1 else [ast.copy_location(ast.Pass(), first)]


# A module's normalised source, the batchlab modules and the other packages that it imports.
_Module = tuple[str, frozenset[str], frozenset[str]]


def _origin(statement: ast.ImportFrom, path: Path) -> str:
    """Return the whole name of the module that `from … import` names in a file; none for one beside a user's file."""
    if not statement.level:
        return statement.module or ""
    folder = path.parents[statement.level - 1]
    if not folder.is_relative_to(LIBRARY):
        return ""
    return ".".join(["batchlab", *folder.relative_to(LIBRARY).parts, *([statement.module] if statement.module else [])])


@functools.cache
def _parsed(path: Path) -> _Module:
    """Return what matters of a module, from what an earlier process kept if the file is still the same."""
    text = path.read_text(encoding="utf-8")
    # The place counts, because relative imports start there; not where the project lies, so that a copy has it too.
    place = os.path.relpath(path, LIBRARY)
    key = hashlib.sha256(f"{_normalisation()}{place}{text}".encode()).hexdigest()
    if key in _kept():
        source, ours, others = _kept()[key]
        found = source, frozenset(ours), frozenset(others)
    else:
        found = _parse(text, path)
    _USED[key] = found
    return found


# By content, and so never outdated; beside Python's own compiled modules.
_USED: dict[str, _Module] = {}


def _kept_file() -> Path:
    return LIBRARY / "__pycache__" / "normalised.json"


@functools.cache
def _normalisation() -> str:
    """Return what a normalised source depends on besides the source: this module and the version of Python."""
    return f"{sys.version}{Path(__file__).read_text(encoding='utf-8')}"


@functools.cache
def _kept() -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(_kept_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept


def keep_parsed() -> None:
    """Keep what this process has parsed for later ones: a third of what our part of a dry run costs."""
    if not _USED.keys() <= _kept().keys():
        kept = {key: [source, sorted(ours), sorted(others)] for key, (source, ours, others) in _USED.items()}
        with contextlib.suppress(OSError):  # a folder that may not be written
            write_text(_kept_file(), json.dumps(kept))


def _parse(text: str, path: Path) -> _Module:
    tree = ast.parse(text, filename=str(path))
    ours: set[str] = set()
    others: set[str] = set()
    for node in _statements(tree):
        _drop_docstring(node)
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (module := _origin(node, path)):
            # `from batchlab.sources import load` may name a submodule; what is no file is dropped later.
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            (ours if name.partition(".")[0] == "batchlab" else others).add(name)
    # unparse, not dump: its text depends less on the version of Python, and comments and layout are gone.
    return ast.unparse(tree), frozenset(ours), frozenset(name.partition(".")[0] for name in others)


@functools.cache
def _files_of(module: str) -> list[Path]:
    """Return the files that importing `module` runs, its parents' `__init__` first; none if there is no such module."""
    parts = module.split(".")[1:]
    base = LIBRARY.joinpath(*parts)
    found = base.with_suffix(".py") if parts else LIBRARY / "__init__.py"
    if not found.is_file():
        found = base / "__init__.py"
    if not found.is_file():
        return []
    if found.relative_to(LIBRARY).parts[0] in NEUTRAL:
        return []
    packages = [LIBRARY.joinpath(*parts[:depth], "__init__.py") for depth in range(len(parts))]
    return [*(package for package in packages if package.is_file()), found]


def _closure(script: Path, modules: Iterable[str]) -> set[Path]:
    """Return the script and every file of the library that it imports, directly or not."""
    waiting = [script, *(file for module in modules for file in _files_of(module))]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting.extend(file for module in _parsed(path)[1] for file in _files_of(module))
    return seen


@functools.cache
def code_digest(script: Path, modules: tuple[str, ...] = ()) -> str:
    """Return the digest of a script and of all our modules that it imports, comments and docstrings dropped.

    Args:
        script: The script of a rule.
        modules: Modules that the script imports by name at run time, such as `batchlab.probes.trajectory.measure`.
    """
    files = sorted(_closure(script.resolve(), modules), key=lambda path: path.as_posix())
    return digest([[path.name, path.parent.name, _parsed(path)[0]] for path in files])


@functools.cache
def source_digest(path: Path) -> str:
    """Return the digest of one Python file of the user, comments and docstrings dropped.

    Raises:
        SyntaxError: If the file is not Python.
    """
    return digest(_parsed(path.resolve())[0])


@functools.cache
def locked_versions(lock: Path = LOCK) -> dict[str, str]:
    """Return distribution name → version(s) of a pip lock; versions for several platforms are joined by a comma."""
    versions: dict[str, list[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9_.-]+)==([^\s;\\]+)", line):
            versions.setdefault(match[1].lower(), []).append(match[2])
    return {name: ",".join(sorted(set(found))) for name, found in versions.items()}


@functools.cache
def environment_digest(script: Path, modules: tuple[str, ...] = ()) -> str:
    """Return the digest of the locked versions of those packages that a rule's code imports by itself.

    A new version of a plotting library thus redraws figures and retrains nothing. Packages that only our
    packages' packages need are left out on purpose.
    """
    imported = {name for path in _closure(script.resolve(), modules) for name in _parsed(path)[2]}
    versions = locked_versions()
    used = {}
    for name in sorted(imported):
        for distribution in _DISTRIBUTIONS.get(name, (name.replace("_", "-").lower(),)):
            if distribution in versions:
                used[distribution] = versions[distribution]
    return digest(used)
