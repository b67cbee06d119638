"""Texts of a campaign that quote its numbers, such as `Accuracy at B = {small}`."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from batchlab.errors import BatchlabError

_PLURAL = re.compile(r"^( (?:epoch|seed|update|draw|trial|example|sequence))s\b")


def fill(where: str, text: str, values: Mapping[str, Any]) -> str:
    """Return `text` with each `{name}` replaced by its value; `{{` and `}}` stand for braces.

    Counted words behind a 1 lose their plural: `{epochs} epochs` is `1 epoch`.

    Only plain names are understood: a format, an index or an attribute would let a text ask for anything.

    Raises:
        BatchlabError: A name is not defined, or the braces do not match.
    """
    filled, value = "", ""
    try:
        for literal, name, layout, conversion in string.Formatter().parse(text):
            filled += _PLURAL.sub(r"\1", literal) if value == "1" else literal
            if name is None:
                continue
            if layout or conversion or name not in values:
                raise BatchlabError(
                    f"{where}: {{{name}}} is not defined; allowed in texts: {', '.join(sorted(values))} in braces"
                    if not layout and not conversion
                    else f"{where}: {{{name}}} takes no format; write the name alone in its braces"
                )
            value = str(values[name])
            filled += value
    except ValueError as problem:
        raise BatchlabError(f"{where}: {problem}; write {{{{ and }}}} for braces that are meant as such") from None
    return filled
