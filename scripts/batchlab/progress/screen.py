"""Lines that stay, and in a terminal one at the bottom that is drawn again and again."""

from __future__ import annotations

import shutil
from typing import TextIO

_BAR = 20
_CLEAR = "\r\x1b[2K"


def bar(share: float, width: int = _BAR) -> str:
    """Return a bar of blocks, `share` of which are full."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "█" * full + "░" * (width - full)


def fitted(text: str, width: int) -> str:
    """Return a text that fits into so many columns."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


class Screen:
    """Writes to a stream.

    Args:
        stream: Where to; a live line is drawn only if it is a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.live = stream, stream.isatty()
        self._drawn = False

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self._stream.write(f"{_CLEAR if self._drawn else ''}{text}\n")
        self._stream.flush()
        self._drawn = False

    def draw(self, text: str) -> None:
        """Draw the live line; nothing where there is no terminal."""
        if self.live:
            # The cursor goes back to the left, so that what a job prints covers the line and begins none in its middle.
            self._stream.write(f"{_CLEAR}{fitted(text, shutil.get_terminal_size().columns - 1)}\r")
            self._stream.flush()
            self._drawn = True

    def clear(self) -> None:
        """Take the live line away."""
        if self._drawn:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._drawn = False
