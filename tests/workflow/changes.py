"""The operations of the rerun table: how a row's change is made in a copy of a project."""

from __future__ import annotations

import copy
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CAMPAIGN = "config/small.yaml"


def _parent(config: Any, path: str) -> tuple[Any, Any]:
    """Return the mapping or list that holds what `path` names, and its key there."""
    *names, last = path.split(".")
    for name in names:
        config = config[int(name)] if isinstance(config, list) else config.setdefault(name, {})
    return config, int(last) if isinstance(config, list) else last


def _put(place: Any, key: Any, value: Any) -> None:
    if isinstance(place, list) and key == len(place):
        place.append(value)
    else:
        place[key] = value


def _replace_items(place: Any, items: Any) -> None:
    """Give a mapping or a list other items, in their order."""
    place.clear()
    if isinstance(place, list):
        place.extend(items)
    else:
        place.update(items)


def changed_campaign(campaign: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the campaign after `remove`, `rename`, `set` and `reverse` of a change."""
    config = copy.deepcopy(campaign)
    for path in change.get("remove", ()):
        place, key = _parent(config, path)
        del place[key]
    for path, new in change.get("rename", {}).items():
        place, key = _parent(config, path)
        assert key in place, path
        _replace_items(place, {new if name == key else name: value for name, value in place.items()}.items())
    for path, value in change.get("set", {}).items():
        place, key = _parent(config, path)
        _put(place, key, copy.deepcopy(value))
    for path in change.get("reverse", ()):
        place, key = _parent({"": config}, path) if not path else _parent(config, path)
        items = place[key]
        _replace_items(items, list(reversed(items if isinstance(items, list) else items.items())))
    return config


def _found(folder: Path, pattern: str) -> list[Path]:
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    assert found, f"{pattern} names no file"
    return found


def _append(folder: Path, files: Mapping[str, str]) -> None:
    for pattern, text in files.items():
        for path in _found(folder, pattern):
            path.write_text(path.read_text() + text)


def _replace(folder: Path, files: Mapping[str, Mapping[str, str]]) -> None:
    for name, texts in files.items():
        path = folder / name
        for old, new in texts.items():
            assert old in path.read_text(), f"{name} does not hold {old!r}"
            path.write_text(path.read_text().replace(old, new, 1))


def _copy(folder: Path, files: Mapping[str, str]) -> None:
    for source, target in files.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / source, folder / target)


def _rename_module(folder: Path, modules: Mapping[str, str]) -> None:
    """Give modules other names or places, and follow that in all imports."""
    scripts = folder / "scripts"
    for old, new in modules.items():
        (scripts / f"{old.replace('.', '/')}.py").rename(scripts / f"{new.replace('.', '/')}.py")
        (package, name), (place, other) = (each.rsplit(".", 1) for each in (old, new))
        changed = 0
        for path in scripts.rglob("*.py"):
            text = before = path.read_text()
            text = re.sub(rf"(?m)^(\s*)from {re.escape(old)} import", rf"\1from {new} import", text)
            again = rf"\1from {place} import {other} as {name}"
            text = re.sub(rf"(?m)^(\s*)from {re.escape(package)} import {name}$", again, text)
            if text != before:
                path.write_text(text)
                changed += 1
            assert not re.search(rf"\b{re.escape(old)}\b", text), f"{path} still names {old}"
        assert changed, f"nothing imports {old}"


def _delete(folder: Path, patterns: list[str]) -> None:
    for pattern in patterns:
        found = list(folder.glob(pattern))
        assert found, f"there is no {pattern}"
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _lock(folder: Path, versions: Mapping[str, str]) -> None:
    """Change locked versions, wherever they are locked."""
    found = set()
    for path in folder.glob("envs/lock*.txt"):
        text = path.read_text()
        for name, version in versions.items():
            text, count = re.subn(rf"(?m)^{re.escape(name)}==[^\s;\\]+", f"{name}=={version}", text)
            found |= {name} if count else set()
        path.write_text(text)
    assert found == versions.keys()


def _touch(folder: Path, patterns: list[str]) -> None:
    for pattern in patterns:
        for path in _found(folder, pattern):
            path.touch()


def _age(folder: Path, patterns: list[str]) -> None:
    for pattern in patterns:
        for path in _found(folder, pattern):
            os.utime(path, (0, 0))


def _shuffle_times(folder: Path, patterns: list[str]) -> None:
    """Give files new times in an order that has nothing to do with how they came about."""
    paths = [path for pattern in patterns for path in _found(folder, pattern)]
    for path in paths:
        order = int(hashlib.sha256(str(path.relative_to(folder)).encode()).hexdigest()[:6], 16)
        os.utime(path, (1_700_000_000, 1_700_000_000 + order))


# In the order in which they are made; `options` are arguments of the dry run.
_OPERATIONS: dict[str, Callable[[Path, Any], None]] = {
    "copy": _copy,
    "delete": _delete,
    "append": _append,
    "replace": _replace,
    "rename_module": _rename_module,
    "lock": _lock,
    "touch": _touch,
    "age": _age,
    "shuffle_times": _shuffle_times,
}
OPERATIONS = {"remove", "rename", "set", "reverse", "options", *_OPERATIONS}


def make(folder: Path, change: Mapping[str, Any]) -> None:
    """Make the operations of a change that concern files."""
    assert change.keys() <= OPERATIONS, change
    for name, operation in _OPERATIONS.items():
        if name in change:
            operation(folder, change[name])
