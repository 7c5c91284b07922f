"""Keras layers, each computing its equation from `kerasdl.ops`.

`from kerasdl import layers` replaces `from keras import layers`: same constructor arguments,
weights, masks and files. Names not written here yet are Keras' own (see `kerasdl.builtins`);
`OURS` lists those that are written from their equations.
"""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.layers.class_token import ClassToken
from kerasdl.layers.dense import Dense
from kerasdl.layers.dropout import Dropout
from kerasdl.layers.einsum_dense import EinsumDense
from kerasdl.layers.feed_forward import FeedForward
from kerasdl.layers.layer_normalization import LayerNormalization
from kerasdl.layers.multi_head_attention import MultiHeadAttention
from kerasdl.layers.patch_embedding import PatchEmbedding
from kerasdl.layers.position_embedding import PositionEmbedding
from kerasdl.layers.sinusoidal_position_encoding import SinusoidalPositionEncoding
from kerasdl.layers.transformer_encoder import TransformerEncoder

OURS = (
    ClassToken,
    Dense,
    Dropout,
    EinsumDense,
    FeedForward,
    LayerNormalization,
    MultiHeadAttention,
    PatchEmbedding,
    PositionEmbedding,
    SinusoidalPositionEncoding,
    TransformerEncoder,
)

__getattr__ = fall_back_to(keras.layers, __name__)
