"""Pages of the manual that are made from declarations and data.

A module with a function `rendered`, which returns path → text, is a page of `make docs`; it is found by looking here.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def rendered() -> dict[Path, str]:
    """Return path → text of all generated pages, each as it should be now."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    modules = (importlib.import_module(f"batchlab.pages.{name}") for name in names)
    return {path: text for module in modules if hasattr(module, "rendered") for path, text in module.rendered().items()}


def between_markers(page: str, blocks: dict[str, str]) -> str:
    """Return a page whose blocks between `<!-- NAME: make docs -->` and `<!-- end -->` have new content.

    Args:
        page: The page; its prose around the blocks stays.
        blocks: Name → Markdown.

    Raises:
        KeyError: A block has no place on the page, or a place no block.
    """
    places = re.findall(r"<!-- (\w+): make docs -->", page)
    if set(places) != set(blocks):
        raise KeyError(f"blocks {sorted(blocks)} and places {sorted(places)} differ")
    return re.sub(
        r"<!-- (\w+): make docs -->\n.*?<!-- end -->",
        lambda found: f"<!-- {found[1]}: make docs -->\n{blocks[found[1]].strip()}\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)
