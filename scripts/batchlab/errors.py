"""The one exception that is shown to a person as a single line, and how its messages quote values and names."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

# What remains of an over-long message: its beginning, which names the place, and its end, which names the way out.
_ENDS = 1500


class BatchlabError(Exception):
    """A problem that the user can fix: the message names the cause and the way out.

    Raised for wrong configuration, damaged or missing files and unreachable hosts. Anything else that stops a job is
    told in one line too, but its traceback stays in the job's log.

    Args:
        message: Becomes one printable line, whatever names and values of the user it quotes.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def one_line(text: str) -> str:
    """Return `text` as one printable line: no line ends, colours or control characters, shortened in the middle."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in plain).split())
    return line if len(line) <= 2 * _ENDS else f"{line[:_ENDS]} … {line[-_ENDS:]}"


def shown(value: object) -> str:
    """Return a value of the configuration as messages quote it: in one short line."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) < 60 else f"{text[:57]}…"


def nearest(name: object, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `name` was probably meant to be, or `None` if none is close."""
    return next(iter(difflib.get_close_matches(str(name)[:100], list(names), n=1)), None)


def unknown(where: str, kind: str, name: object, allowed: Iterable[str]) -> BatchlabError:
    """Return the error for a name that is not among `allowed`, with the nearest one as a hint.

    Args:
        where: Path of the name in the campaign.
        kind: What the name stands for, such as `study`.
        name: The name that was given.
        allowed: The names that exist.
    """
    names = sorted(allowed)
    close = nearest(name, names)
    hint = f"did you mean {close!r}? " if close else ""
    return BatchlabError(f"{where}: unknown {kind} {shown(name)}; {hint}allowed: {', '.join(names) or 'none'}")
