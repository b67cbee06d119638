"""Where the project's own files are, wherever it is used from."""

from __future__ import annotations

from pathlib import Path

LIBRARY = Path(__file__).resolve().parent
SCRIPTS = LIBRARY.parent
PROJECT = SCRIPTS.parent
