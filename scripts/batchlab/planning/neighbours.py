"""Modules beside a file of the user that it imports: their code counts as the file's own."""

from __future__ import annotations

import ast
from pathlib import Path

from batchlab.records.digests import digest, source_digest


def _imported(path: Path) -> set[str]:
    """Return the first parts of the names of all modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path.resolve()))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def neighbours(path: Path) -> list[Path]:
    """Return the files beside a Python file that it imports, directly or not; of a folder, all its Python files.

    Raises:
        SyntaxError: One of them is not Python.
    """
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        for name in _imported(waiting.pop()):
            module, package = path.parent / f"{name}.py", path.parent / name
            # Python takes a folder without `__init__.py` where there is no module of its name.
            is_package = (package / "__init__.py").is_file() or (package.is_dir() and not module.is_file())
            files = sorted(package.rglob("*.py")) if is_package else []
            files += [module] if module.is_file() else []
            new = [file for file in files if file != path and file not in found]
            found.update(new)
            waiting += new
    return sorted(found)


def code_digest_of(path: Path) -> str:
    """Return the digest of a Python file and of its neighbours; of the file alone where it has none.

    Raises:
        SyntaxError: One of them is not Python.
    """
    own, beside = source_digest(path), neighbours(path)
    if not beside:
        return own
    return digest(own, {file.relative_to(path.parent).as_posix(): source_digest(file) for file in beside})
