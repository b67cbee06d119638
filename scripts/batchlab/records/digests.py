"""Digests of settings, of code and of locked package versions: what decides whether a step must run again.

Standard library only, because the Snakefile imports this module at parse time.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchlab.files import write_text
from batchlab.paths import LIBRARY, PROJECT
from batchlab.records.reach import CORES, Library, Reach, Reached
from batchlab.source_text import source_text

LOCK = PROJECT / "envs" / "lock.txt"

# Distributions whose name differs from the module they provide.
_DISTRIBUTIONS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "vl_convert": ("vl-convert-python",),
    "PIL": ("pillow",),
}


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


@functools.cache
def source_digest(path: Path) -> str:
    """Return the digest of one Python file of the user, comments and docstrings dropped.

    It is part of the identity of segments, so its algorithm never changes.

    Raises:
        SyntaxError: If the file is not Python.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path.resolve()))
    for node in _statements(tree):
        _drop_docstring(node)
    return digest(source_text(tree))


@functools.cache
def _library(folder: Path) -> Library:
    return Library(folder)


class _Reaches:
    """What jobs reach, found once for each core and each choice of branches."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._reaches: dict[tuple[str, str], Reach] = {}
        self._found: dict[tuple[Path, tuple[str, ...], str, str], Reached] = {}

    def of(self, script: Path, modules: tuple[str, ...], options: Mapping[str, Any], core: str) -> Reached:
        place = self._declares(modules[0]) if modules and options else ""
        tested = self._names_tested(place) if place else frozenset()
        values = {name: value for name, value in options.items() if name in tested}
        chosen = canonical({place: values} if values else {})
        key = script, modules, chosen, core
        if key not in self._found:
            reach = self._reaches.setdefault((core, chosen), Reach(self.library, core, json.loads(chosen)))
            self._found[key] = reach.job(script.resolve(), modules)
        return self._found[key]

    def _declares(self, entry: str) -> str:
        """Return where the options of a module are tested: in its package if that declares something, or in itself."""
        module = entry.partition(":")[0]
        package = module.rpartition(".")[0]
        return package if self.library.path(f"{package}.declaration") else module

    @functools.cache  # noqa: B019 - lives as long as the process
    def _names_tested(self, place: str) -> frozenset[str]:
        module = self.library.module(place)
        own = {name for statement in (module.statements if module else ()) for name in statement.options}
        return frozenset(own).union(*(self._names_tested(each) for each in self.library.submodules(place)))


@functools.cache
def _reaches(folder: Path) -> _Reaches:
    return _Reaches(_library(folder))


def keep_parsed(only_if_edited: bool = False) -> None:
    """Keep what is parsed of the library for later processes; not while Snakemake parses, which writes nothing.

    Args:
        only_if_edited: Whether to look into nothing if no file is newer than what is kept.
    """
    library = _library(LIBRARY)
    if not (only_if_edited and library.is_kept()):
        library.keep(write_text)


def code_digest(
    script: Path, modules: tuple[str, ...] = (), options: Mapping[str, Any] | None = None, core: str = ""
) -> str:
    """Return the digest of all code of ours that a job can reach, and of nothing else.

    Definitions are followed by name from the script and the modules: functions, classes and assignments, and statements
    with effects of the modules that are imported for them. Comments, docstrings, annotations, imports and names of
    modules do not count, nor does what `reach.NEUTRAL` lists.

    Args:
        script: The script of the rule.
        modules: What the script imports by name at run time: `batchlab.models.mlp`, which means all public definitions
            in it, or `batchlab.models.mlp:build`.
        options: Values of the options that the first of the modules has. In the package that declares it, or in the
            module if none does, they choose the branches that test `options["name"]`, where a function is given
            `options` and does not change it.
        core: Training core that computes, `tensorflow` or `jax`; empty if none does.

    Raises:
        ValueError: There is no such module or definition.
    """
    return _reaches(LIBRARY).of(script, tuple(modules), options or {}, core).digest[:10]


def codes(script: Path, modules: tuple[str, ...] = (), options: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return core → digest of the code of a job that trains or measures, for each training core."""
    return {core: code_digest(script, modules, options, core) for core in CORES}


@functools.cache
def locked_versions(lock: Path = LOCK) -> dict[str, str]:
    """Return distribution name → version(s) of a pip lock; versions for several platforms are joined by a comma."""
    versions: dict[str, list[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9_.-]+)==([^\s;\\]+)", line):
            versions.setdefault(match[1].lower(), []).append(match[2])
    return {name: ",".join(sorted(set(found))) for name, found in versions.items()}


def packages(script: Path, modules: tuple[str, ...] = (), options: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return distribution → locked version(s) of the packages that a job's code uses by itself, with any core."""
    reached = (_reaches(LIBRARY).of(script, tuple(modules), options or {}, core) for core in CORES)
    versions = locked_versions()
    used = {}
    for name in sorted(frozenset[str]().union(*(each.packages for each in reached))):
        for distribution in _DISTRIBUTIONS.get(name, (name.replace("_", "-").lower(),)):
            if distribution in versions:
                used[distribution] = versions[distribution]
    return used


def environment_digest(script: Path, modules: tuple[str, ...] = (), options: Mapping[str, Any] | None = None) -> str:
    """Return the digest of the locked versions of those packages that a job's code uses by itself.

    A new version of a plotting library thus redraws figures and retrains nothing. Packages that only our
    packages' packages need are left out on purpose. It is the same for all cores. Arguments as for `code_digest`.
    """
    return digest(packages(script, modules, options))
