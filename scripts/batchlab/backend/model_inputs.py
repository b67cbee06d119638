"""What a model takes: numbers of the configured precision, or integers such as those of tokens, as they are stored."""

from __future__ import annotations

from typing import Any

from batchlab.backend.runtime import float_type, keras


def takes_integers(model: Any) -> bool:
    """Tell whether a model asks for integers, as `keras.Input(shape, dtype="int32")` does; they are not scaled then."""
    inputs = getattr(model, "inputs", None) or ()
    return any(keras.backend.is_int_dtype(each.dtype) for each in inputs)


def input_type(model: Any) -> str:
    """Return the type of the numbers that a model is given."""
    return "int32" if takes_integers(model) else float_type()
