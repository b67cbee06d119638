"""The tables of docs/data.md, generated from the declarations of published sets and formats.

Run `make docs` after a declaration has been added or changed.
"""

from __future__ import annotations

from pathlib import Path

from batchlab.declarations import find
from batchlab.declarations.options import OPTIONAL, REQUIRED, Choice, Option
from batchlab.declarations.source import Published
from batchlab.pages import between_markers, markdown_table
from batchlab.paths import PROJECT
from batchlab.sources import keys
from batchlab.sources.settings import resolve

PAGE = PROJECT / "docs" / "data.md"


def published_table() -> str:
    """Return the table of published sets."""
    rows = []
    for name, source in find.published().items():
        sizes = resolve({"name": name}).shape
        numbers = (sizes.examples_train, sizes.examples_validation, sizes.examples_test)
        cells = (
            f"`{name}`",
            " × ".join(map(str, source.input_shape)),
            str(source.classes),
            _published(source),
            " / ".join(f"{number:,}" for number in numbers),
            source.licence,
        )
        rows.append(cells)
    head = ("name", "shape", "classes", "published train / test", "default train / validation / test", "licence")
    return markdown_table(head, rows)


def _published(source: Published) -> str:
    if not source.examples_test:
        return f"{source.examples_train:,} in one pool"
    return f"{source.examples_train:,} / {source.examples_test:,}"


def formats_table() -> str:
    """Return the table of formats that users' files come in."""
    forms = [form for form in find.formats().values() if form.suffixes]
    rows = [(", ".join(_ending(suffix) for suffix in form.suffixes), form.summary) for form in forms]
    return markdown_table(("file", "what it holds"), rows)


def _ending(suffix: str) -> str:
    return "a folder" if suffix == "/" else f"`{suffix}`"


def keys_table() -> str:
    """Return the table of keys: which published sets and files accept each, its meaning and its default."""
    accepted: dict[str, list[tuple[str, Option]]] = {option.name: [] for option in keys.COMMON}
    for name, source in find.published().items():
        for option in keys.of_published(source):
            accepted.setdefault(option.name, []).append((name, option))
    for form in find.formats().values():
        for option in keys.of_file(form) if form.suffixes else ():
            accepted.setdefault(option.name, []).append((_ending(form.suffixes[0]).strip("`"), option))
    everybody = len(find.published()) + sum(bool(form.suffixes) for form in find.formats().values())
    rows = []
    for name, uses in accepted.items():
        users = "all" if len(uses) == everybody else ", ".join(user for user, _ in uses)
        defaults: dict[str, list[str]] = {}
        for user, option in uses:
            defaults.setdefault(_default(option), []).append(user)
        rows.append((f"`{name}`", users, _meaning(uses[0][1]), _defaults(defaults)))
    return markdown_table(("key", "for", "meaning", "default"), rows)


def _meaning(option: Option) -> str:
    words = f": {', '.join(f'`{word}`' for word in option.words)}" if isinstance(option, Choice) else ""
    return option.meaning + words


def _default(option: Option) -> str:
    if option.default is REQUIRED:
        return "required"
    if option.default is OPTIONAL or option.default is None:
        return "none"
    if isinstance(option.default, tuple):
        return ", ".join(f"`{item}`" if item else "an empty cell" for item in option.default)
    return f"`{str(option.default).lower() if isinstance(option.default, bool) else option.default}`"


def _defaults(defaults: dict[str, list[str]]) -> str:
    if len(defaults) == 1:
        return next(iter(defaults))
    return "; ".join(f"{value} ({', '.join(users)})" for value, users in defaults.items())


def rendered() -> dict[Path, str]:
    """Return the page with the text that it should have."""
    tables = {"published": published_table(), "formats": formats_table(), "keys": keys_table()}
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), tables)}
