"""Multi-head attention against Keras' built-in: `make bench-attention`.

Self-attention of 8 heads of 64, plain, causal, and padded (the last quarter of every sequence, by
the mask that an `Embedding` or `Masking` before it leaves on its input). On TensorFlow ours, with
XLA and without, is held against the faster of the built-in's two.
`--only "causal 1,4096"` runs a single case.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from harness import LayerBench, main, summary, tensors
from keras import ops

from kerasdl.backend import set_mask

HEADS, SIZE = 8, 64
# batch, length
SIZES = [(32, 64), (8, 256), (4, 1024), (1, 4096), (1, 8192)]
KINDS = ("plain", "causal", "padded")
# What the comparison of a case may take in one mode, where three rounds do not take longer.
SECONDS = 10


class SelfAttention(keras.Layer):
    """Attention of a sequence to itself, causal or not, whose mask comes as a second input."""

    def __init__(self, k, causal, **arguments):
        super().__init__()
        self.attention = k.layers.MultiHeadAttention(HEADS, SIZE, **arguments)
        self.causal = causal

    def build(self, inputs_shape, **others):
        """Create the projections."""
        self.attention.build(inputs_shape, inputs_shape)

    def call(self, inputs, keep=None):
        """Attend."""
        if keep is not None:
            inputs = inputs + 0  # what carries the mask is not the benchmark's own tensor
            set_mask(inputs, keep)
        return self.attention(inputs, inputs, use_causal_mask=self.causal)


def case(kind, size, **arguments):
    """Return the comparison of a kind and size; `arguments` are those of the layer."""
    B, T = size

    def inputs():
        x = tensors((B, T, HEADS * SIZE))
        if kind != "padded":
            return x
        return [*x, ops.tile(ops.arange(T)[None] < T - T // 4, (B, 1))]

    return LayerBench(
        f"{kind} {B},{T}",
        lambda k: SelfAttention(k, kind == "causal", **arguments),
        inputs=inputs,
        against_the_faster=True,
        seconds=SECONDS,
        apart=T >= 8192 and keras.backend.backend() == "tensorflow",  # 10 GB each
    )


CASES = [case(kind, size) for size in SIZES for kind in KINDS]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run the cases whose name matches")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    arguments = parser.parse_args()
    summary(main("attention", CASES, arguments))
