"""The typeface of drawings. It ships with the project, so pictures are the same whatever fonts a machine has.

A font of a known family that is installed could be of another version, so this one has a name of its own: Batchlab
Sans, which is Liberation Sans renamed. Its widths are those of Arial and Helvetica, so a browser that shows an SVG with
one of these lays text out alike. Characters that it lacks (Chinese, say) are drawn with a font of the machine.
"""

from __future__ import annotations

import functools
from pathlib import Path

import vl_convert

# The files by SHA-256, because other files are other pictures, and the code of a drawing is what says so.
FILES = {
    "BatchlabSans-Regular.ttf": "39175ff02ac7890e7a717a9baa201b57cf1753c1d2f0c5a1707d5f8121468c90",
    "BatchlabSans-Bold.ttf": "cf803068673dc0ecbeec580e08af9f7827ca848f08e616efd1f8431a70e7d35e",
}
FOLDER = Path(__file__).resolve().parent / "fonts"


@functools.cache
def ready() -> frozenset[str]:
    """Make the typeface known to the converter; to be called before anything is drawn. Returns the files' digests."""
    vl_convert.register_font_directory(str(FOLDER))
    return frozenset(FILES.values())
