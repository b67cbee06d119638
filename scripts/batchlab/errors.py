"""The one exception that is shown to a person as a single line."""

import re

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
