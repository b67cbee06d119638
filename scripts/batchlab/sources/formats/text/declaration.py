"""Text as sequences of characters or bytes: what planning knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.declarations.options import OPTIONAL, REQUIRED, Choice, Count, Text
from batchlab.declarations.source import FileShape, Format
from batchlab.sources.formats.text.cutting import cut, tokens_in
from batchlab.sources.keys import SPLIT_SEED

BY = Choice(
    "by",
    "`position`: examples and parts follow one another in the text; `line`: each line is an example, lines are "
    "drawn for the parts, and shorter ones are filled up with tokens of weight 0",
    "position",
    words=("position", "line"),
)


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Cut the text and count its characters."""
    text = cut(path, options)
    return FileShape(
        text.examples,
        None,
        (text.length,),
        0,
        targets="tokens",
        ordered=True,
        tokens_in=lambda examples: tokens_in(text, examples, options),
    )


FORMAT = Format(
    summary="text, of which the next character or byte is learnt (with the key `tokens`)",
    suffixes=(".txt", ".text", ".md"),
    chosen_by="tokens",
    without=("standardise", "split_seed"),
    options=(
        Choice(
            "tokens",
            "what a token of a text is: `characters` (those of the training part) or `bytes` (256)",
            REQUIRED,
            words=("characters", "bytes"),
        ),
        Count("length", "tokens of an example; 128, or those of the longest line", OPTIONAL, most=2**16),
        BY,
        Choice(
            "unseen",
            "characters that no training example has: `refuse`, or `replace` them by one more token",
            "refuse",
            words=("refuse", "replace"),
        ),
        Text("encoding", "encoding of the text; without it UTF-8, or UTF-16 if it begins with its mark", OPTIONAL),
        SPLIT_SEED,
    ),
    inspect=inspect,
)
