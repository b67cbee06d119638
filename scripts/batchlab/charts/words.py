"""How figures write values, names and titles.

Only characters of Liberation Sans are used: another font for one sign would change the look of the whole title.
"""

from __future__ import annotations

from typing import Any

from batchlab.declarations.columns import Column

_SIGNS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ᵢ∝", "0123456789i~")


def plain(text: str) -> str:
    """Return text in the signs of Liberation Sans."""
    return text.replace("‖₂", "‖").replace("‖", "||").translate(_SIGNS)


def capital(text: str) -> str:
    """Return the text, in plain signs, with a capital first letter if it starts with a word."""
    text = plain(text)
    word = len(text) > 1 and text[1].isalpha()
    return text[:1].upper() + text[1:] if word else text


def number_text(value: float) -> str:
    """Return a number in its usual short form."""
    return f"{value:,.10g}" if abs(value) >= 10_000 else f"{value:.6g}"


def value_text(column: Column, value: Any) -> str:
    """Return one value of a grouping column in words: 64 of `batch_size` → `B = 64`."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return plain(column.words.get(value, value))
    return f"{column.sign or column.name.replace('_', ' ') + ' '}{number_text(float(value))}"
