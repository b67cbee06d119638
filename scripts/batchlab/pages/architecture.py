"""The picture of the library in `docs/architecture.md`, drawn from the import statements of its code.

The code is parsed, not imported. Standard library only.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from batchlab.errors import BatchlabError
from batchlab.pages import between_markers
from batchlab.paths import LIBRARY, PROJECT

PAGE = PROJECT / "docs" / "architecture.md"

# Room → rooms that it imports.
Graph = Mapping[str, frozenset[str]]


def _module(path: Path, library: Path) -> tuple[str, ...]:
    parts = path.relative_to(library).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def modules(library: Path = LIBRARY) -> dict[tuple[str, ...], Path]:
    """Return name below the library → file of every module, such as `("records", "job")`."""
    return {_module(path, library): path for path in sorted(library.rglob("*.py"))}


def imports_of(path: Path, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield what a file imports, as parts of a dotted name; imports inside functions count.

    Args:
        path: The file.
        package: Full name of the package that it lies in, to which relative imports refer.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = (*base, *(node.module.split(".") if node.module else ()))
            # What is imported may be a module itself.
            yield from ((*source, alias.name) for alias in node.names)


def rooms(library: Path = LIBRARY) -> dict[str, frozenset[str]]:
    """Return room → rooms that its modules import, in alphabetical order.

    A room is a folder of the library, or a module beside them. Modules that are found by name at run time, such as a
    probe's, are imported by no statement and so are not among the arrows. What a thing declares about itself counts as
    part of the room `declarations`, wherever its file is: so an import of it draws nothing else in.
    """
    known = modules(library)
    found: dict[str, set[str]] = {name[0]: set() for name in known if name}
    for name, path in known.items():
        if not name:
            continue
        package = (library.name, *(name if path.name == "__init__.py" else name[:-1]))
        for imported in imports_of(path, package):
            if imported[0] == library.name and len(imported) > 1 and imported[1] in found:
                found[name[0]].add("declarations" if "declaration" in imported[2:] else imported[1])
    return {room: frozenset(targets - {room}) for room, targets in sorted(found.items())}


def layers(graph: Graph) -> list[str]:
    """Return the rooms so that each comes before those that it imports.

    Raises:
        BatchlabError: Rooms import each other in a circle.
    """
    try:
        # Sorted, because the order of a set changes from process to process.
        return [*TopologicalSorter({room: sorted(graph[room]) for room in sorted(graph)}).static_order()][::-1]
    except CycleError as problem:
        circle = " → ".join(reversed(problem.args[1]))
        raise BatchlabError(f"rooms import each other in a circle: {circle}; move what they share below both") from None


def reduced(graph: Graph) -> dict[str, frozenset[str]]:
    """Return the graph without arrows that follow from others: a → c where a → b → c is there."""

    @functools.cache
    def below(room: str) -> frozenset[str]:
        return graph[room].union(*map(below, graph[room]))

    return {
        room: frozenset(target for target in targets if not any(target in below(other) for other in targets))
        for room, targets in graph.items()
    }


def summary(room: str, library: Path = LIBRARY) -> str:
    """Return the first sentence of a room's docstring."""
    folder = library / room
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _picture(graph: Graph, order: Iterable[str]) -> Iterator[str]:
    yield from ("```mermaid", "graph TD")
    arrows = reduced(graph)
    for room in order:
        targets = [target for target in order if target in arrows[room]]
        yield f"    {room} --> {' & '.join(targets)}" if targets else f"    {room}"
    yield "```"


def picture_and_table(library: Path = LIBRARY) -> str:
    """Return the picture and the table of rooms."""
    graph = rooms(library)
    order = layers(graph)
    table = [f"| `{room}` | {summary(room, library)} | {', '.join(sorted(graph[room])) or '–'} |" for room in order]
    return "\n".join([*_picture(graph, order), "", "| room | what | imports |", "|---|---|---|", *table])


def rendered() -> dict[Path, str]:
    """Return the page with a picture of the rooms as they are now."""
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), {"rooms": picture_and_table()})}
