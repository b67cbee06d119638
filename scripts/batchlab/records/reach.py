"""What a job can reach: definitions, the modules that they lie in, the packages that they use, and a digest of each.

The digest of a definition is over its normalised source, in which each name from outside stands for what it means: the
digest of another definition of ours, or the full name of something in another package. Where a definition lies, and
how it is imported, is not part of it. What cannot be followed for certain is followed as a whole: a module that is
passed around, or of which an attribute is asked by name.

Modules that are imported by a name made at run time cannot be seen; whoever plans a job names them as entries.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from batchlab.records.definitions import (
    Import,
    Module,
    Reference,
    Statement,
    choose_branches,
    from_json,
    take_apart,
    to_json,
)

# Rooms, modules and names that cannot change a number: how jobs report errors, where files lie, what is declared and
# planned, how records and tables are written. They are not followed.
NEUTRAL = frozenset(
    f"batchlab.{name}"
    for name in (
        *("__version__", "errors", "files", "paths", "declarations", "records", "planning", "configuration"),
        *("tables.csv_files.write_csv", "tables.csv_files.write_tables", "training.row_files.write_rows"),
    )
)
# The training cores. A job computes with one of them, and code above the cores does not follow into the other.
CORES = {"tensorflow": "batchlab.tensorflow_core", "jax": "batchlab.jax_core"}

_ROOT = "batchlab"
_WHOLE = -1  # in place of the number of a statement: all of a module
_PLACE = re.compile(r"__ref(\d+)__")

Node = tuple[str, int]  # module, number of a statement
Options = Mapping[str, Mapping[str, Any]]  # package or module that declares options → name → value


class Target(NamedTuple):
    """What a name means: a node and attributes of it, or a text where there is nothing of ours to follow.

    `package` is the other package that the text is a name of, if it is one.
    """

    node: Node | None
    text: str
    package: str = ""


@dataclass(frozen=True)
class Reached:
    """What lies behind a node.

    Attributes:
        digest: Digest of the node and of all that it reaches.
        modules: Modules of ours that are imported for it.
        packages: Other packages that are used.
    """

    digest: str
    modules: frozenset[str]
    packages: frozenset[str]


def _sha(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:32]


class Library:
    """The modules of the library, each taken apart once.

    Args:
        folder: Folder of the package `batchlab`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[str, Module | None] = {}
        self._used: dict[str, Module] = {}
        self._paths: dict[str, Path | None] = {}
        self._scripts: set[str] = set()

    def script(self, path: Path) -> str:
        """Return the name under which `module` gives a script."""
        name = f"script {path}"
        self._paths[name] = path
        self._scripts.add(name)
        return name

    def path(self, name: str) -> Path | None:
        """Return the file of a module; None if there is no such module."""
        if name not in self._paths:
            self._paths[name] = self._find(name)
        return self._paths[name]

    def _find(self, name: str) -> Path | None:
        parts = name.split(".")
        if parts[0] != _ROOT or "" in parts:
            return None
        base = "/".join([str(self.folder), *parts[1:]])
        for file in (f"{base}.py", f"{base}/__init__.py")[len(parts) == 1 :]:
            if os.path.isfile(file):  # noqa: PTH113 - asked for thousands of names, and a path takes long to make
                return Path(file)
        return None

    def is_package(self, name: str) -> bool:
        """Return whether a module is a package."""
        path = self.path(name)
        return path is not None and path.name == "__init__.py"

    def module(self, name: str) -> Module | None:
        """Return a module taken apart; None if there is no such module."""
        if name not in self._modules:
            path = self.path(name)
            self._modules[name] = self._take_apart(name, path) if path else None
        return self._modules[name]

    def submodules(self, package: str) -> list[str]:
        """Return the modules and packages in a package; a folder needs no `__init__.py` to be one."""
        folder = self.folder.joinpath(*package.split(".")[1:])
        if package.partition(".")[0] != _ROOT or not folder.is_dir():
            return []
        names = {
            entry.stem if entry.is_file() else entry.name
            for entry in folder.iterdir()
            if entry.suffix == ".py" or (entry.is_dir() and any(entry.glob("*.py")))
        }
        return [f"{package}.{name}" for name in sorted(names - {"__init__"})]

    def _take_apart(self, name: str, path: Path) -> Module:
        script = name in self._scripts
        package = "" if script else name if path.name == "__init__.py" else name.rpartition(".")[0]
        text = path.read_text(encoding="utf-8")
        # By content, and so never outdated. The package counts, because relative imports start there.
        key = hashlib.sha256(json.dumps([_readers_digest(), package, script, text]).encode()).hexdigest()
        kept = self._kept.get(key)
        module = from_json(kept) if kept else take_apart(text, package, script)
        self._used[key] = module
        return module

    @property
    def _kept_file(self) -> Path:
        return self.folder / "__pycache__" / "definitions.json"

    @functools.cached_property
    def _kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self._kept_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def is_kept(self) -> bool:
        """Return whether no file is newer than what is kept."""
        try:
            time = self._kept_file.stat().st_mtime_ns
            return all(path.stat().st_mtime_ns <= time for path in self._files())
        except OSError:
            return False

    def _files(self) -> list[Path]:
        return sorted([*self.folder.rglob("*.py"), *self.folder.parent.glob("*.py")])

    def keep(self, write: Callable[[Path, str], None]) -> None:
        """Keep all modules taken apart for later processes, which then parse nothing.

        Args:
            write: Writes a text to a file, whole or not at all. A folder that may not be written does no harm.
        """
        for path in self._files():
            if path.is_relative_to(self.folder):
                parts = path.relative_to(self.folder).with_suffix("").parts
                self.module(".".join([_ROOT, *(parts[:-1] if parts[-1] == "__init__" else parts)]))
            else:
                self.module(self.script(path.resolve()))
        with contextlib.suppress(OSError):
            if self._used.keys() <= self._kept.keys():
                os.utime(self._kept_file)  # as good as new
            else:
                write(self._kept_file, json.dumps({key: to_json(module) for key, module in self._used.items()}))


@functools.cache
def _readers_digest() -> str:
    """Return what a module taken apart depends on besides its source: the reader, and the version of Python."""
    return _sha(sys.version, Path(__file__).with_name("definitions.py").read_text(encoding="utf-8"))


class Reach:
    """Follows names through the library, for one core and the options of one job.

    Args:
        library: The modules.
        core: Name of the core that computes; empty for a job that does not train or measure.
        options: Package or module → values of its options, which choose branches in it.
    """

    def __init__(self, library: Library, core: str = "", options: Options | None = None) -> None:
        self.library, self.core, self.options = library, core, options or {}
        self._reached: dict[Node, Reached] = {}
        self._statements: dict[Node, Statement] = {}
        self._bindings: dict[tuple[str, str], tuple[Target, ...]] = {}
        self._imports: dict[str, frozenset[str]] = {}
        self._left_out: dict[str, bool] = {}
        self._effects_of: dict[str, tuple[Node, ...]] = {}

    # What is not followed

    def _is_left_out(self, module: str) -> bool:
        if module not in self._left_out:
            neutral, name = False, module
            while name and not neutral:
                neutral, name = name in NEUTRAL, name.rpartition(".")[0]
            self._left_out[module] = neutral or self._is_other_core(module)
        return self._left_out[module]

    def _is_other_core(self, module: str) -> bool:
        return any(
            name != self.core and (module == core or module.startswith(f"{core}.")) for name, core in CORES.items()
        )

    # Names

    def _import_targets(self, what: Import, seen: frozenset[tuple[str, str]]) -> list[Target]:
        module, name = what
        if module.partition(".")[0] != _ROOT:
            return [Target(None, f"{module}.{name}" if name else module, module.partition(".")[0])]
        if self._is_left_out(module) or (name and self._is_left_out(f"{module}.{name}")):
            return [Target(None, f"⟨outside⟩.{name}" if name else "⟨outside⟩")]
        if not name:
            return [Target((module, _WHOLE), "")]
        return self._name_targets(module, name, seen)

    def _name_targets(self, module: str, name: str, seen: frozenset[tuple[str, str]] = frozenset()) -> list[Target]:
        """Return what a name of a module means; all of the module if that cannot be found out."""
        found = self._lookup(module, name, seen)
        return list(found) if found else [Target((module, _WHOLE), f".{name}")]

    def _lookup(self, module: str, name: str, seen: frozenset[tuple[str, str]] = frozenset()) -> tuple[Target, ...]:
        key = module, name
        if key in self._bindings:
            return self._bindings[key]
        if key in seen:
            return ()
        known = self.library.module(module)  # none for a folder without __init__.py
        found: list[Target] = []
        for bound in known.bindings.get(name, ()) if known else ():
            if isinstance(bound, int):
                found.append(Target((module, bound), ""))
            else:
                found += self._import_targets(bound, seen | {key})
        if not found and known:
            for star in known.stars:
                if star.partition(".")[0] == _ROOT:
                    if self._is_left_out(star):
                        continue
                    found += self._lookup(star, name, seen | {key})
        submodule = f"{module}.{name}"
        if not found and self.library.path(submodule):
            left_out = self._is_left_out(submodule)
            found.append(Target(None, "⟨outside⟩") if left_out else Target((submodule, _WHOLE), ""))
        targets = tuple(dict.fromkeys(found))
        if not seen:
            self._bindings[key] = targets
        return targets

    def targets(self, module: str, reference: Reference) -> tuple[Target, ...]:
        """Return what a chain of names in a statement of a module means."""
        first, *attributes = reference.chain.split(".")
        if reference.imports:
            found = [target for what in reference.imports for target in self._import_targets(what, frozenset())]
        else:
            found = list(self._lookup(module, first)) if self._is_bound(module, first) else [Target(None, first)]
        for attribute in attributes:
            found = [next_target for target in found for next_target in self._attribute(target, attribute)]
        return tuple(dict.fromkeys(found))

    def _is_bound(self, module: str, name: str) -> bool:
        known = self.library.module(module)
        if known is None:
            return False
        return name in known.bindings or (bool(known.stars) and bool(self._lookup(module, name)))

    def _attribute(self, target: Target, attribute: str) -> list[Target]:
        if target.node is None or target.node[1] != _WHOLE or target.text:
            return [Target(target.node, f"{target.text}.{attribute}", target.package)]
        module = target.node[0]
        if self._is_left_out(f"{module}.{attribute}"):
            return [Target(None, f"⟨outside⟩.{attribute}")]
        return self._name_targets(module, attribute)

    # Nodes

    def _statement(self, node: Node) -> Statement:
        if node not in self._statements:
            module = self.library.module(node[0])
            assert module is not None
            statement = module.statements[node[1]]
            options = self._options_of(node[0])
            if options and not options.keys().isdisjoint(statement.options):
                statement = choose_branches(module, statement, options)
            self._statements[node] = statement
        return self._statements[node]

    def _options_of(self, module: str) -> Mapping[str, Any]:
        for place, options in self.options.items():
            if module == place or module.startswith(f"{place}."):
                return options
        return {}

    def _parts(self, node: Node) -> tuple[str, list[tuple[Target, ...]], tuple[Import, ...]]:
        """Return the text of a node with numbered places, what stands in each, and what it imports."""
        module, number = node
        if number == _WHOLE:
            return "⟨module⟩", [(target,) for target in self._all_of(module)], ()
        statement = self._statement(node)
        places = []
        for reference in statement.references:
            found = self.targets(module, reference)
            if not reference.followed:
                found = tuple(Target(None, target.text or reference.chain.rpartition(".")[2]) for target in found)
            places.append(found)
        text = statement.text
        if statement.guard:
            number, branch = statement.guard
            places.append((Target((module, number), ""),))
            text = f"{branch} __ref{len(places) - 1}__: {text}"
        if statement.reads_module:
            places.append((Target((module, _WHOLE), ""),))
            text = f"{text} __ref{len(places) - 1}__"
        return text, places, statement.imports

    def _all_of(self, module: str) -> Iterator[Target]:
        """Yield all that a module object gives access to."""
        known = self.library.module(module)
        if known is None:
            return
        for number, statement in enumerate(known.statements):
            if not statement.text.startswith("__all__"):
                yield Target((module, number), "")
        is_package = self.library.is_package(module)
        for name, bound in known.bindings.items():
            if any(isinstance(each, Import) for each in bound):
                for target in self._lookup(module, name):
                    # What it re-exports; other modules that it uses are followed where it uses them.
                    if target.node and (is_package or target.node[1] != _WHOLE):
                        yield target
        for submodule in self.library.submodules(module):
            if not self._is_left_out(submodule):
                yield Target((submodule, _WHOLE), "")

    def _loaded(self, imports: Iterable[Import]) -> set[str]:
        """Return the modules of ours that imports load by themselves."""
        found: set[str] = set()
        for module, name in imports:
            if module.partition(".")[0] != _ROOT:
                continue
            names = [module] if not name or not self.library.path(f"{module}.{name}") else [module, f"{module}.{name}"]
            found.update(each for each in names if not self._is_left_out(each) and self.library.path(each))
        return found

    def reached(self, start: Node) -> Reached:
        """Return what lies behind a node."""
        if start not in self._reached:
            self._follow(start)
        return self._reached[start]

    def _follow(self, start: Node) -> None:
        """Find the groups of nodes that reach each other, the last ones first (Tarjan 1972)."""
        parts: dict[Node, tuple[str, list[tuple[Target, ...]], tuple[Import, ...]]] = {}
        numbers: dict[Node, int] = {}
        lowest: dict[Node, int] = {}
        stack: list[Node] = []
        open_nodes: set[Node] = set()

        def enter(node: Node) -> Iterator[Node]:
            parts[node] = self._parts(node)
            numbers[node] = lowest[node] = len(numbers)
            stack.append(node)
            open_nodes.add(node)
            return iter(dict.fromkeys(t.node for place in parts[node][1] for t in place if t.node))

        way: list[tuple[Node, Iterator[Node]]] = [(start, enter(start))]
        while way:
            node, following = way[-1]
            for other in following:
                if other in self._reached:
                    continue
                if other not in numbers:
                    way.append((other, enter(other)))
                    break
                if other in open_nodes:
                    lowest[node] = min(lowest[node], numbers[other])
            else:
                way.pop()
                if way:
                    lowest[way[-1][0]] = min(lowest[way[-1][0]], lowest[node])
                if lowest[node] == numbers[node]:
                    group: list[Node] = []
                    while not group or group[-1] != node:
                        group.append(stack.pop())
                        open_nodes.discard(group[-1])
                    self._close(group, parts)

    def _close(
        self, group: Sequence[Node], parts: Mapping[Node, tuple[str, list[tuple[Target, ...]], tuple[Import, ...]]]
    ) -> None:
        """Give the nodes of a group that reach each other their digests.

        The names in a group are told apart as far as their texts tell them apart, then as far as the names in these do,
        and so on: colours are refined as often as there are nodes (Weisfeiler and Leman 1968).
        """
        colours = dict.fromkeys(group, "")
        for _ in group:
            colours = {node: self._text(node, parts[node], colours) for node in group}
        together = "" if len(group) == 1 else _sha(sorted(set(colours.values())))
        modules: set[str] = set()
        packages: set[str] = set()
        for node in group:
            modules.add(node[0])
            modules |= self._loaded(parts[node][2])
            for target in (target for place in parts[node][1] for target in place):
                if target.node is None:
                    packages.update(filter(None, [target.package]))
                elif target.node not in colours:
                    behind = self._reached[target.node]
                    modules |= behind.modules
                    packages |= behind.packages
        for node in group:
            digest = _sha(colours[node], together) if together else colours[node]
            self._reached[node] = Reached(digest, frozenset(modules), frozenset(packages))

    def _text(
        self, node: Node, parts: tuple[str, list[tuple[Target, ...]], tuple[Import, ...]], colours: Mapping[Node, str]
    ) -> str:
        text, places, _ = parts

        def known(target: Target) -> str:
            if target.node is None:
                return target.text
            digest = colours[target.node] if target.node in colours else self._reached[target.node].digest
            return f"⟨{digest}⟩{target.text}"

        words = ["|".join(dict.fromkeys(map(known, place))) for place in places]
        if node[1] == _WHOLE:
            return _sha(text, sorted(set(words)))
        return _sha(_PLACE.sub(lambda match: words[int(match[1])], text))

    # Modules

    def _imported_by(self, module: str) -> frozenset[str]:
        """Return the modules that importing a module loads at once: its packages, and what it imports."""
        if module not in self._imports:
            known = self.library.module(module)
            parts = module.split(".")
            packages = {".".join(parts[:depth]) for depth in range(1, len(parts))}
            found = {each for each in packages if self.library.path(each)}
            self._imports[module] = frozenset(found | self._loaded(known.imports if known else ()))
        return self._imports[module]

    def _with_imports(self, modules: frozenset[str]) -> frozenset[str]:
        """Return modules and all that importing them loads."""
        found, waiting = set(modules), list(modules)
        while waiting:
            new = self._imported_by(waiting.pop()) - found
            found |= new
            waiting += new
        return frozenset(found)

    def _effects(self, module: str) -> tuple[Node, ...]:
        """Return the statements of a module that do more than bind a name."""
        if module not in self._effects_of:
            known = self.library.module(module)
            self._effects_of[module] = tuple(
                (module, number)
                for number, statement in enumerate(known.statements if known else ())
                if statement.effect or self._is_registered(module, statement)
            )
        return self._effects_of[module]

    def _is_registered(self, module: str, statement: Statement) -> bool:
        """Return whether something of ours may remember a function or class as soon as it is defined."""
        decorators = (
            target for number in statement.decorators for target in self.targets(module, statement.references[number])
        )
        return any(target.node for target in decorators) or self._tells_base(module, statement, frozenset())

    def _tells_base(self, module: str, statement: Statement, seen: frozenset[Node]) -> bool:
        for number in statement.bases:
            for target in self.targets(module, statement.references[number]):
                if target.node is None or target.node[1] == _WHOLE or target.node in seen:
                    continue
                base = self._statement(target.node)
                if base.tells_subclasses or self._tells_base(target.node[0], base, seen | {target.node}):
                    return True
        return False

    def entry(self, name: str) -> list[Node]:
        """Return the definitions that `package.module` or `package.module:name` offers.

        Raises:
            ValueError: There is no such module or name.
        """
        module, _, wanted = name.partition(":")
        known = self.library.module(module)
        if known is None:
            raise ValueError(f"there is no module {module}")
        if wanted:
            found = [target.node for target in self._lookup(module, wanted) if target.node]
            if not found:
                raise ValueError(f"{module} defines no {wanted}")
            return found
        public = [
            number
            for bound, numbers in known.bindings.items()
            if not bound.startswith("_")
            for number in numbers
            if isinstance(number, int)
        ]
        return [(module, number) for number in dict.fromkeys(public)] or [(module, _WHOLE)]

    def job(self, script: Path, entries: Iterable[str]) -> Reached:
        """Return what a job can reach.

        Args:
            script: The script of its rule, all of which is run.
            entries: What the script imports by a name made at run time: `package.module`, with all public definitions,
                or `package.module:name`.
        """
        name = self.library.script(script)
        module = self.library.module(name)
        assert module is not None
        body = [(name, number) for number in range(len(module.statements))]
        nodes = dict.fromkeys(node for entry in entries for node in self.entry(entry))
        modules: frozenset[str] = frozenset()
        packages: set[str] = set()
        waiting = [*body, *nodes]
        while waiting:
            for node in waiting:
                modules |= self.reached(node).modules
                packages |= self.reached(node).packages
            modules = self._with_imports(modules)
            waiting = [node for each in sorted(modules - {name}) for node in self._effects(each) if node not in nodes]
            nodes |= dict.fromkeys(waiting)
        for each in modules:
            known = self.library.module(each)
            if known and not self.library.is_package(each):
                packages |= {what.module.partition(".")[0] for what in known.unused}
        digest = _sha([self.reached(node).digest for node in body], sorted({self.reached(n).digest for n in nodes}))
        return Reached(digest, modules, frozenset(packages))

    def reached_statements(self, script: Path, entries: Iterable[str]) -> Iterator[tuple[str, Statement]]:
        """Yield module and statement of all that a job can reach, for people who ask why a digest changed."""
        name = self.library.script(script)
        done = self.job(script, entries)
        module = self.library.module(name)
        assert module is not None
        waiting = [(name, number) for number in range(len(module.statements))]
        waiting += [node for entry in entries for node in self.entry(entry)]
        waiting += [node for each in sorted(done.modules - {name}) for node in self._effects(each)]
        seen: set[Node] = set()
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                if node[1] != _WHOLE:
                    yield node[0], self._statement(node)
                waiting += [target.node for place in self._parts(node)[1] for target in place if target.node]
