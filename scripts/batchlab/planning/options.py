"""Options of models and optimizers, held against the tables of what they have and of which kind each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.errors import BatchlabError, shown, unknown

# Keras' activations by name.
ACTIVATIONS = (
    *(
        "celu",
        "elu",
        "exponential",
        "gelu",
        "glu",
        "hard_shrink",
        "hard_sigmoid",
        "hard_silu",
        "hard_swish",
        "hard_tanh",
    ),
    *("leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu"),
    *("soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus"),
    *("swish", "tanh", "tanh_shrink", "threshold"),
)

# Options of which the default does not tell everything that they may be.
_WORDS = {"activation": ACTIVATIONS, "pooling": ("average", "max")}
_NULLABLE = frozenset({"weight_decay"})
_LISTS_OF_TEXT = frozenset({"exclude_layers"})
_COUNTS = frozenset({"ghost_batch", "ns_steps"})


def complete(
    where: str, settings: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]], kind: str
) -> dict[str, Any]:
    """Return `settings` with all defaults, so that a default written out and one left out are the same thing.

    Args:
        where: Path of the settings in the campaign.
        settings: `name`, and options.
        table: Name → option → default.
        kind: What the table lists: `model` or `optimizer`.

    Raises:
        BatchlabError: An unknown name or option, or a value of another kind than the option's default.
    """
    name = settings["name"]
    if name not in table:
        raise unknown(f"{where}.name", kind, name, table)
    defaults = table[name]
    options = dict(defaults)
    for key, value in settings.items():
        if key in ("name", "learning_rate"):
            continue
        if key not in defaults:
            raise unknown(where, f"option of {kind} {name}", key, defaults)
        if allowed := _fault(key, value, defaults[key]):
            raise BatchlabError(f"{where}.{key}: {shown(value)} is not possible; allowed: {allowed}")
        # 1 and 1.0 are one value to Keras, so they are one value here.
        options[key] = float(value) if isinstance(defaults[key], float) and isinstance(value, int) else value
    return {"name": name, **options}


def _fault(key: str, value: Any, default: Any) -> str | None:
    """Return what is allowed instead of `value`, or nothing if it is of the option's kind."""
    if value is None and (default is None or key in _NULLABLE):
        return None
    if key in _WORDS:
        return None if value in _WORDS[key] else ", ".join(_WORDS[key])
    if key == "dropout":
        return None if _is_number(value) and 0 <= value < 1 else "a rate, 0 or more and less than 1"
    null = "null or " if default is None or key in _NULLABLE else ""
    if key in _LISTS_OF_TEXT:
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return None if fits else f"{null}a list of texts"
    if key in _COUNTS:
        return None if _is_count(value) else f"{null}an integer of 1 or more"
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(default, list):
        fits = isinstance(value, list) and all(map(_is_count, value))
        return None if fits else f"a list of integers of 1 or more, such as {default}"
    return None if _is_number(value) else f"{null}a number"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
