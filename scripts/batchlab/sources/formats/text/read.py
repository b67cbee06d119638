"""Read a text as sequences of tokens, each with the token that follows it as its target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.sources.contents import Array, Contents
from batchlab.sources.formats.text.cutting import Text, cut


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return tokens (examples, length) and the tokens that follow them; of lines also weights, 0 where they are filled.

    Characters are numbered in the order in which they first occur, so that those of the training part come first.

    Args:
        paths: One file.
        options: Complete options of the format.
    """
    (path,) = paths
    text = cut(path, options)
    numbers, names = _numbered(text)
    replaces = options["unseen"] == "replace" and options["tokens"] == "characters"
    if not text.by_line:
        used = text.examples * text.length
        pool = numbers[:used].reshape(-1, text.length), numbers[1 : used + 1].reshape(-1, text.length)
        return Contents(pool, class_names=names, told=_told(text, options, used), replaces=replaces)
    sizes = np.array([len(piece) - 1 for piece in text.pieces])
    filled = np.arange(text.length) < sizes[:, None]
    x, y = (np.zeros(filled.shape, np.int32) for _ in range(2))
    # Of each piece, all tokens but the last are inputs, and all but the first are targets.
    ends = np.cumsum(sizes + 1)
    x[filled], y[filled] = np.delete(numbers, ends - 1), np.delete(numbers, ends - sizes - 1)
    told = _told(text, options, int(sizes.sum()))
    weights = {"pool": filled.astype(np.float32)}
    return Contents((x, y), class_names=names, told=told, weights=weights, replaces=replaces)


def _numbered(text: Text) -> tuple[Array, tuple[str, ...]]:
    """Return the tokens of all pieces as numbers, one piece after the other, and the characters that they stand for."""
    first = text.pieces[0]
    if isinstance(first, bytes):
        return np.frombuffer(b"".join(text.pieces), np.uint8).astype(np.int32), ()  # type: ignore[arg-type]
    points = np.frombuffer("".join(text.pieces).encode("utf-32-le", "surrogatepass"), "<u4")  # type: ignore[arg-type]
    known, places, found = np.unique(points, return_index=True, return_inverse=True)
    by_occurrence = np.argsort(places)
    number = np.empty(len(known), np.int32)
    number[by_occurrence] = np.arange(len(known))
    return number[found.reshape(-1)], tuple(map(chr, known[by_occurrence]))


def _told(text: Text, options: Mapping[str, Any], targets: int) -> tuple[tuple[str, str], ...]:
    """Return what was understood, as (what, text) for people."""
    total = sum(map(len, text.pieces))
    told = [("Tokens", f"{options['tokens']}; {total:,} in the text, {targets:,} of them targets")]
    if text.by_line:
        share = 1 - targets / (text.examples * text.length)
        each = f"{text.examples:,}, drawn for the parts, each an example"
        told.append(("Lines", f"{each}; {share:.1%} of the tokens fill up shorter ones"))
        if text.skipped:
            told.append(("Left out", f"{text.skipped:,} empty lines"))
    else:
        told.append(("Cut", f"every {text.length} tokens, parts by position"))
        if text.left_over:
            told.append(("Left out", f"{text.left_over} tokens at the end, too few for an example"))
    return tuple(told)
