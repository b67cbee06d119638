"""The kinds of options that a built-in model may have, as annotations of its `build` function.

`build(input_shape, classes, *, hidden: Sizes = (512, 512), activation: Activation = "relu", dropout: Rate = 0.0)` says
which options there are, their kinds and their defaults. `Literal["a", "b"]` is a choice, and `Count | None` allows
null. To Python they are plain types; planning reads their names from the source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# The key of a model's settings that says how dropout draws its masks, where that is for each example.
MASKS, BY_EXAMPLE = "masks", "by_example"

# A list of integers of 1 or more.
Sizes = Sequence[int]
# The name of a Keras activation.
Activation = str
# 0 or more and less than 1.
Rate = float
# A number.
Number = float
# An integer of 1 or more.
Count = int
# True or false.
Flag = bool

# Keras' activations by name.
ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu"),
    *("hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu"),
    *("relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign"),
    *("sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of option.

    Attributes:
        name: The annotation.
        allowed: What its values are, for messages.
        accepts: Tells whether a value of a campaign is of this kind.
        number: Whether values are floating-point numbers.
        nullable: Whether null is allowed.
    """

    name: str
    allowed: str
    accepts: Callable[[Any], bool]
    number: bool = False
    nullable: bool = False

    def fits(self, value: Any) -> bool:
        """Tell whether a value of a campaign is possible."""
        return self.nullable if value is None else self.accepts(value)

    def exact(self, value: Any) -> Any:
        """Return the value as it identifies the model: 1 and 1.0 are one number."""
        return float(value) if self.number and value is not None else value


def is_number(value: Any) -> bool:
    """Tell whether a value of a campaign is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Tell whether a value of a campaign is an integer of 1 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_count, value))


KINDS = {
    kind.name: kind
    for kind in (
        Kind("Sizes", "a list of integers of 1 or more", _are_sizes),
        Kind("Activation", ", ".join(ACTIVATIONS), lambda value: value in ACTIVATIONS),
        Kind("Rate", "a rate, 0 or more and less than 1", lambda v: is_number(v) and 0 <= v < 1, number=True),
        Kind("Number", "a number", is_number, number=True),
        Kind("Count", "an integer of 1 or more", is_count),
        Kind("Flag", "true or false", lambda value: isinstance(value, bool)),
    )
}


def kind_of(annotation: ast.expr | None) -> Kind | None:
    """Return the kind that an annotation in a signature names; None for any other annotation."""
    match annotation:
        case ast.Name(id=name):
            return KINDS.get(name)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=chosen):
            return _choice(chosen.elts if isinstance(chosen, ast.Tuple) else [chosen])
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            kind = kind_of(left)
            return kind and Kind(
                f"{kind.name} | None", f"null or {kind.allowed}", kind.accepts, kind.number, nullable=True
            )
    return None


def _choice(words: Sequence[ast.expr]) -> Kind:
    allowed = tuple(ast.literal_eval(word) for word in words)
    return Kind("Literal", ", ".join(map(str, allowed)), lambda value: value in allowed)
