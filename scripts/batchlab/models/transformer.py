"""A small transformer that predicts the next token at each place: pre-norm blocks of causal attention.

The form is that of GPT-2 (Radford et al. 2019): learnt positions, layer normalisation before attention and before the
two dense layers (Xiong et al. 2020), GELU, and a normalisation before the logits.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchlab.backend.runtime import keras
from batchlab.declarations.model_options import Count, Rate
from batchlab.errors import BatchlabError
from batchlab.models.parts.token_places import Positions

layers = keras.layers


def build(
    input_shape: Sequence[int],
    classes: int,
    *,
    width: Count = 64,
    heads: Count = 4,
    blocks: Count = 2,
    dropout: Rate = 0.0,
) -> keras.Model:
    """Build `blocks` blocks of `heads` heads on vectors of `width` numbers; `dropout` follows each half of a block."""
    if len(input_shape) != 1:
        raise BatchlabError(
            f"model transformer: needs sequences of tokens, but the data set's examples have shape {tuple(input_shape)}"
        )
    if width % heads:
        raise BatchlabError(f"model transformer: width {width} is no multiple of heads {heads}; choose one that is")
    tokens = keras.Input(input_shape, dtype="int32", name="tokens")
    hidden = Positions(name="positions")(layers.Embedding(classes, width, name="embedding")(tokens))
    for number in range(1, blocks + 1):
        normed = layers.LayerNormalization(name=f"attention_norm_{number}")(hidden)
        attention = layers.MultiHeadAttention(heads, width // heads, name=f"attention_{number}")
        hidden = _added(hidden, attention(normed, normed, use_causal_mask=True), dropout, f"attention_{number}")
        normed = layers.LayerNormalization(name=f"dense_norm_{number}")(hidden)
        wide = layers.Dense(4 * width, activation="gelu", name=f"wide_{number}")(normed)
        hidden = _added(hidden, layers.Dense(width, name=f"narrow_{number}")(wide), dropout, f"dense_{number}")
    hidden = layers.LayerNormalization(name="norm")(hidden)
    return keras.Model(tokens, layers.Dense(classes, name="logits")(hidden), name="transformer")


def _added(hidden: keras.KerasTensor, change: keras.KerasTensor, dropout: float, name: str) -> keras.KerasTensor:
    """Return what a half of a block adds to its inputs, some of it left out in training."""
    if dropout:
        change = layers.Dropout(dropout, name=f"{name}_dropout")(change)
    return layers.Add(name=f"{name}_added")([hidden, change])
