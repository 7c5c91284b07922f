"""Cases of the Transformer: positions, tied embedding, decoder layer."""

import numpy as np

from kerasdl.parity.case import FunctionCase, Input, LayerCase
from kerasdl.parity.cases.attention import attend
from kerasdl.parity.cases.vision import normalised


def turned(x, positions=None):
    """Turn feature i and i + d/2 of each step by t · 10,000^(−2i/d), pair by pair."""
    d = x.shape[-1]
    y = np.zeros(x.shape)
    for t in range(x.shape[1]):
        for i in range(d // 2):
            angle = (t if positions is None else positions[t]) * 10_000 ** (-2 * i / d)
            a, b = x[:, t, ..., i], x[:, t, ..., i + d // 2]
            y[:, t, ..., i] = np.cos(angle) * a - np.sin(angle) * b
            y[:, t, ..., i + d // 2] = np.sin(angle) * a + np.cos(angle) * b
    return y


def decoder(rotary=False, first=False):
    """Return the three parts, one head after the other."""

    def attention(weights, name, x, m, causal):
        W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = (
            w for path, w in weights.items() if path.startswith(f"{name}/")
        )
        T, S = x.shape[1], m.shape[1]
        keep = np.tril(np.ones((T, S), bool)) if causal else True
        y = b_o
        for h in range(W_q.shape[1]):
            q, k, v = (
                s @ W[:, h] + b[h] for s, W, b in ((x, W_q, b_q), (m, W_k, b_k), (m, W_v, b_v))
            )
            if rotary and causal:
                q, k = turned(q), turned(k)
            y = y + attend(q, k, v, keep) @ W_o[h]
        return y

    def reference(weights, x, *memory_and_training):
        *memory, _ = memory_and_training

        def feed_forward(x):
            W_1, b_1, W_2, b_2 = (w for n, w in weights.items() if n.startswith("feed_forward/"))
            return np.maximum(x @ W_1 + b_1, 0) @ W_2 + b_2

        def part(x, name, f):
            norm = [w for path, w in weights.items() if path.startswith(f"{name}_norm/")]
            return x + f(normalised(x, *norm)) if first else normalised(x + f(x), *norm)

        x = part(x, "self_attention", lambda x: attention(weights, "self_attention", x, x, True))
        for m in memory:
            x = part(
                x,
                "cross_attention",
                lambda x, m=m: attention(weights, "cross_attention", x, m, False),
            )
        return part(x, "feed_forward", feed_forward)

    return reference


# Two heads of size 4: the scale 1/√4 is exact, while other roots are rounded as Keras rounds them.
SEQUENCE, MEMORY = Input((2, 5, 8), free=(0, 1)), Input((2, 7, 6), free=(0, 1))
DECODER = {"intermediate_dim": 16, "num_heads": 2}
WORDS = Input((2, 5), values="integers", high=7, free=(0, 1), differentiable=False)

CASES = [
    LayerCase(
        symbol="layers.TransformerDecoder",
        kwargs=DECODER,
        inputs=(SEQUENCE, MEMORY),
        reference=decoder(),
        depth=2,
    ),
    LayerCase(
        symbol="layers.TransformerDecoder",
        label="normalised first, rotary, no encoder",
        kwargs=DECODER | {"normalize_first": True, "rotary": True},
        inputs=(SEQUENCE,),
        reference=decoder(rotary=True, first=True),
        depth=2,
    ),
    LayerCase(
        symbol="layers.RotaryEmbedding",
        inputs=(SEQUENCE,),
        reference=lambda w, x, training: turned(x),
    ),
    LayerCase(
        symbol="layers.RotaryEmbedding",
        label="heads, from position 3",
        call={"start_index": 3},
        inputs=(Input((2, 5, 3, 4), free=(0, 1)),),
        reference=lambda w, x, training: turned(x, range(3, 8)),
    ),
    FunctionCase(
        symbol="ops.rotary_embedding",
        inputs=(Input((2, 5, 3, 4)),),
        reference=turned,
    ),
    LayerCase(
        symbol="layers.ReversibleEmbedding",
        kwargs={"input_dim": 7, "output_dim": 3, "mask_zero": True},
        inputs=(WORDS,),
    ),
    LayerCase(
        symbol="layers.ReversibleEmbedding",
        label="reversed",
        kwargs={"input_dim": 7, "output_dim": 3},
        call={"reverse": True},
        inputs=(Input((2, 5, 3), free=(0, 1)),),
    ),
    LayerCase(
        symbol="layers.ReversibleEmbedding",
        label="reversed, not tied, soft cap",
        kwargs={"input_dim": 7, "output_dim": 3, "tie_weights": False, "logit_soft_cap": 2.0},
        call={"reverse": True},
        inputs=(Input((2, 5, 3), free=(0, 1)),),
    ),
]
