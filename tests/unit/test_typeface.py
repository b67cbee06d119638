"""Pictures are the same whatever fonts a machine has."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from batchlab.charts import theme, typeface
from batchlab.paths import SCRIPTS

# Draws a figure with words in both weights; prints the digest of each format.
PROGRAM = """
import hashlib, sys
from batchlab.charts import export, theme
words = {"values": [{"word": "Illicit widths, Μικρά μ → √2", "y": 1}, {"word": "WWW", "y": 2}]}
font = {"config": {"font": sys.argv[1], "title": {"font": sys.argv[1]}}} if sys.argv[1:] else {"config": theme.config()}
svg = export.to_svg({
    "data": words, "mark": "bar", "title": "Title in bold: Δ ≥ 0.1",
    "encoding": {"x": {"field": "y", "type": "quantitative"}, "y": {"field": "word", "type": "nominal"}}, **font,
}, "" if sys.argv[1:] else "source")
for drawn in (svg.encode(), export.to_png(svg), export.to_pdf(svg)):
    print(hashlib.sha256(drawn).hexdigest())
"""


def named(font: bytes, family: str) -> bytes:
    """Return a font under another name: a table of names with two entries, at the end of the file."""
    count = struct.unpack(">H", font[4:6])[0]
    text = family.encode("utf-16-be")
    # Family and PostScript name, both at the beginning of the text.
    entries = (struct.pack(">HHHHHH", 3, 1, 0x409, number, len(text), 0) for number in (1, 6))
    names = struct.pack(">HHH", 0, 2, 30) + b"".join(entries) + text
    for entry in range(12, 12 + 16 * count, 16):
        if font[entry : entry + 4] == b"name":
            place = struct.pack(">II", len(font), len(names))
            return font[: entry + 8] + place + font[entry + 16 :] + names
    raise AssertionError("no table of names")


@pytest.fixture(scope="module")
def other_fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a font that says to be each of the families that a drawing names, with other letters: bold ones."""
    home = tmp_path_factory.mktemp("home")
    (home / ".local/share/fonts").mkdir(parents=True)
    bold = (typeface.FOLDER / "BatchlabSans-Bold.ttf").read_bytes()
    for family in ("Liberation Sans", "Arial", "Helvetica", "Made Up"):
        (home / f".local/share/fonts/{family}.ttf").write_bytes(named(bold, family))
    return home


def drawn(home: Path, *family: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *family],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS), "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


def test_pictures_do_not_depend_on_the_fonts_of_the_machine(tmp_path: Path, other_fonts: Path) -> None:
    assert drawn(other_fonts) == drawn(tmp_path)


def test_the_other_fonts_would_be_seen(tmp_path: Path, other_fonts: Path) -> None:
    here, there = drawn(tmp_path, "Made Up"), drawn(other_fonts, "Made Up")
    assert here[1] != there[1] and here[2] != there[2]


def test_the_typeface_is_named_first_and_is_the_one_whose_digest_is_part_of_the_code() -> None:
    assert theme.FONT.startswith("Batchlab Sans, ")
    fonts = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in typeface.FOLDER.glob("*.ttf")}
    assert fonts == typeface.FILES
