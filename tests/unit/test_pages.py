"""Generated pages are what the declarations say, and the command that writes them is named."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from batchlab.pages import between_markers, rendered

PAGES = rendered()


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_a_page_is_what_it_is_made_from(path: Path) -> None:
    there = path.read_text(encoding="utf-8").splitlines()
    wanted = PAGES[path].splitlines()
    difference = "\n".join(difflib.unified_diff(there, wanted, str(path), "as declared", lineterm=""))
    assert not difference, f"run `make docs`; the difference is\n{difference}"


def test_only_what_lies_between_markers_is_written() -> None:
    page = "before\n<!-- keys: make docs -->\nold\n\nlines\n<!-- end -->\nafter <!-- end -->\n"
    expected = "before\n<!-- keys: make docs -->\nnew\n<!-- end -->\nafter <!-- end -->\n"
    assert between_markers(page, {"keys": "\nnew\n"}) == expected
    assert between_markers(expected, {"keys": "new"}) == expected


@pytest.mark.parametrize("blocks", [{}, {"others": ""}, {"keys": "", "others": ""}])
def test_a_block_without_a_place_is_an_error(blocks: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        between_markers("<!-- keys: make docs -->\n<!-- end -->", blocks)
