"""A text as a sequence of tokens, and how it is cut into examples.

Standard library only: planning and the job that reads the text cut it alike.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError

# Tokens of an example of running text where the campaign names no number.
LENGTH = 128
# Tokens of a line from which on examples of that length are more likely a mistake than meant.
_LONGEST = 4096
# Unseen characters that a message names.
_NAMED = 5


@dataclass(frozen=True)
class Text:
    """A text that has been cut.

    Attributes:
        path: The file.
        pieces: The whole text, or its lines in the order in which they are dealt to the parts, each with the end of a
            line before it and after it. Bytes if these are the tokens.
        length: Tokens of an example, and of its targets.
        examples: Number of examples.
        by_line: Whether each line is an example.
        skipped: Lines that are empty.
    """

    path: Path
    pieces: Sequence[str | bytes]
    length: int
    examples: int
    by_line: bool
    skipped: int = 0

    def first(self, examples: int) -> Sequence[str | bytes]:
        """Return the tokens of so many examples from the first on, with the targets of the last one."""
        if self.by_line:
            return self.pieces[:examples]
        return [self.pieces[0][: examples * self.length + 1]]

    @property
    def left_over(self) -> int:
        """Tokens at the end of running text that are too few for an example."""
        return 0 if self.by_line else len(self.pieces[0]) - 1 - self.examples * self.length


def cut(path: Path, options: Mapping[str, Any]) -> Text:
    """Return a text as it is cut by the options of the format.

    Raises:
        BatchlabError: A text that cannot be decoded, is too short, or has a line longer than an example.
    """
    text = _content(path, options)
    length = options.get("length")
    if options.get("by", "position") == "line":
        return _lines(path, text, length, options.get("split_seed", 0))
    length = length or LENGTH
    examples = (len(text) - 1) // length
    if examples < 3:
        raise BatchlabError(
            f"{path}: holds {len(text)} tokens, which is less than three examples of length {length}; say a smaller "
            "length, or give a longer text"
        )
    return Text(path, [text], length, examples, False)


def _content(path: Path, options: Mapping[str, Any]) -> str | bytes:
    """Return the content with one sign for the end of a line."""
    content = path.read_bytes()
    if options["tokens"] == "bytes":
        return content
    marked = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding = options.get("encoding") or ("utf-16" if marked else "utf-8-sig")
    try:
        text = content.decode(encoding)
    except LookupError:
        raise BatchlabError(
            f"{path}: encoding = {encoding!r} is unknown; utf-8, cp1252 and latin-1 are usual"
        ) from None
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise BatchlabError(
            f"{path}: is not text in {encoding.replace('utf-8-sig', 'UTF-8')} (line {line}); name its encoding, such "
            "as encoding: cp1252, or say tokens: bytes"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(path: Path, text: str | bytes, length: int | None, seed: int) -> Text:
    """Return the lines of a text, in an order that the seed and a line's number decide."""
    end: Any = "\n" if isinstance(text, str) else b"\n"
    whole: Any = text
    lines = whole.split(end)
    if not lines[-1]:
        lines.pop()
    numbers = [number for number, line in enumerate(lines) if line]
    if len(numbers) < 3:
        raise BatchlabError(f"{path}: holds {len(numbers)} lines; at least three are needed for the three parts")
    longest = max(numbers, key=lambda number: len(lines[number]))
    needed = len(lines[longest]) + 1
    if needed > (length or _LONGEST):
        raise BatchlabError(
            f"{path}: line {longest + 1} has {needed} tokens with its end, more than length = {length or _LONGEST}; "
            f"say length: {needed}, cut the line, or say by: position"
        )
    numbers.sort(key=lambda number: hashlib.blake2b(f"{seed} {number}".encode(), digest_size=16).digest())
    pieces = [end + lines[number] + end for number in numbers]
    return Text(path, pieces, length or needed, len(numbers), True, len(lines) - len(numbers))


def tokens_in(text: Text, examples: int, options: Mapping[str, Any]) -> int:
    """Return the number of different tokens that a model needs: those of the training examples.

    Args:
        text: The text.
        examples: Training examples, which are the first ones.
        options: Options of the format.

    Raises:
        BatchlabError: The other examples have characters that no training example has, and nothing is said about them.
    """
    if options["tokens"] == "bytes":
        return 256
    known: set[Any] = set().union(*text.first(examples))
    if options.get("unseen") == "replace":
        return len(known) + 1
    unseen: set[Any] = set().union(*text.first(text.examples)) - known
    if unseen:
        named = ", ".join(repr(sign) for sign in sorted(unseen)[:_NAMED]) + (", …" if len(unseen) > _NAMED else "")
        raise BatchlabError(
            f"{text.path}: {len(unseen)} characters occur in no training example ({named}); say unseen: replace (one "
            "more token stands for them), or tokens: bytes"
        )
    return len(known)
