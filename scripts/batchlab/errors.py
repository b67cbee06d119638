"""The one exception that is shown to a person as a single line."""

# What remains of an over-long message: its beginning, which names the place, and its end, which names the way out.
_ENDS = 1500


class BatchlabError(Exception):
    """A problem that the user can fix: the message names the cause and the way out.

    Raised for wrong configuration, damaged or missing files and unreachable hosts. Everything else is a defect
    of the program and keeps its traceback.

    Args:
        message: Becomes one printable line, whatever names and values of the user it quotes.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def one_line(text: str) -> str:
    """Return `text` as one printable line: no line ends, no control characters, and shortened in the middle."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= 2 * _ENDS else f"{line[:_ENDS]} … {line[-_ENDS:]}"
