"""Tiny Shakespeare: parts of his plays in one file, of which the next character is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.options import Count
from batchlab.declarations.source import FileShape, Published, RemoteFile
from batchlab.errors import BatchlabError
from batchlab.sources.formats.text.declaration import BY

_CHARACTERS, _DIFFERENT = 1_115_394, 65
# Lines that are not empty, and characters of the longest one with its end.
_LINES, _LONGEST = 32_777, 64
_LENGTH = 128


def sizes(options: Mapping[str, Any]) -> FileShape:
    """Return the sizes that the length of an example gives, or that the lines have.

    Raises:
        BatchlabError: A line is longer than an example.
    """
    length = options["length"]
    if options["by"] == "line":
        if length < _LONGEST:
            raise BatchlabError(f"data set 'tiny_shakespeare': length = {length} is less than a line; say {_LONGEST}")
        length = _LONGEST if length == _LENGTH else length
        return FileShape(_LINES, None, (length,), _DIFFERENT, targets="tokens", ordered=True)
    return FileShape((_CHARACTERS - 1) // length, None, (length,), _DIFFERENT, targets="tokens", ordered=True)


SOURCE = Published(
    title="Tiny Shakespeare",
    input_shape=(_LENGTH,),
    classes=_DIFFERENT,
    examples_train=(_CHARACTERS - 1) // _LENGTH,
    examples_test=0,  # one text, whose end is the test set
    scale=1,
    validation=0.05,
    test=0.05,
    layout="text",
    options={"tokens": "characters"},
    files=(RemoteFile("input.txt", archive_sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),),
    mirrors=(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",
        "https://github.com/karpathy/char-rnn/raw/master/data/tinyshakespeare/",
    ),
    licence="public domain",
    citation="A. Karpathy (2015), The unreasonable effectiveness of recurrent neural networks",
    keys=(
        Count("length", "characters of an example", _LENGTH, most=2**16),
        BY,
    ),
    inspect=sizes,
    targets="tokens",
)
