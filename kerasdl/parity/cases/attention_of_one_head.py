"""Cases of the attentions without heads and projections, and of their scores."""

import functools

import numpy as np

from kerasdl.parity.case import FunctionCase, Input, LayerCase
from kerasdl.parity.cases.attention import softmax

# Of two vectors (…, d), as the papers have them.
SCORES = {
    "dot": lambda w, q, k: w.get("scale", 1) * (q * k).sum(-1),
    "concat": lambda w, q, k: (
        w["concat_score_weight"] * np.tanh(w.get("scale", 1) * (q + k)).sum(-1)
    ),
    "additive": lambda w, q, k: (w.get("scale", 1) * np.tanh(q + k)).sum(-1),
}
RATE, STEPS = 0.3, 60


def pairwise(score, q, k):
    """Score each query (…, T, d) with each key (…, S, d), one pair after the other."""
    e = np.zeros((*q.shape[:-1], k.shape[-2]))
    for t, s in np.ndindex(*e.shape[-2:]):
        e[..., t, s] = score(q[..., t, :], k[..., s, :])
    return e


def attend(score, causal=False, scores=False):
    """Return the loop over queries and keys."""

    def reference(weights, query, value, *rest):  # the last is `training`
        key = rest[0] if len(rest) > 1 else value
        e = pairwise(functools.partial(SCORES[score], weights), query, key)
        keep = np.tril(np.ones(e.shape[-2:], bool)) if causal else True
        w = softmax(e, keep)
        return (w @ value, w) if scores else w @ value

    return reference


def dropped_weights(query, context):
    """Of equal scores and values of 1: the share of kept weights, scaled to the mean 1."""
    share_error = np.sqrt(RATE * (1 - RATE) / (context[..., 0].size * STEPS))
    deviation = np.sqrt(RATE / (1 - RATE) / STEPS)
    return {
        "share of dropped weights": (abs(1 - context.mean() * (1 - RATE) - RATE), 6 * share_error),
        "one draw for all features": (np.ptp(context, axis=-1).max(), 1e-5),
        # Of 200 contexts: a twentieth is one standard error.
        "a draw for each weight": (abs(context.std() / deviation - 1), 0.3),
    }


QUERY, KEY = Input((2, 5, 6), free=(0, 1)), Input((2, 7, 6), free=(0, 1))
VALUE = Input((2, 7, 3), free=(0, 1))
MASK, VALUE_MASK = (2, 5), (2, 7)
# No mask of the value beside the causal one: a first query whose first key is masked looks at
# nothing, where ours is 0 and Keras' the mean of the values (test_attention_layers.py).
CAUSAL, SCORED = {"use_causal_mask": True}, {"return_attention_scores": True}


def layer(name, score, label="", inputs=(QUERY, KEY), call=None, masks=None, **kwargs):
    """Return the case of a layer with these arguments."""
    call = call or {}
    return LayerCase(
        symbol=f"layers.{name}",
        label=label,
        inputs=inputs,
        call=call,
        masks=masks,
        kwargs=kwargs,
        as_list=True,
        reference=attend(score, "use_causal_mask" in call, "return_attention_scores" in call),
    )


def dropping(name):
    """Return the case of a layer that drops weights which are all equal."""
    zeros = Input((4, 50, 2), lambda rng, shape: np.zeros(shape), free=(0, 1))
    ones = Input((4, STEPS, 2), lambda rng, shape: np.ones(shape))
    return LayerCase(
        symbol=f"layers.{name}",
        label="dropout",
        inputs=(zeros, ones),
        kwargs={"dropout": RATE, "seed": 5},
        as_list=True,
        draws=dropped_weights,
    )


def of(name, score, **kwargs):
    """Return the cases that each score has."""
    mode = kwargs.get("score_mode", "")

    def label(*words):
        return ", ".join(filter(None, (mode, *words)))

    masks = (MASK, VALUE_MASK, VALUE_MASK)
    with_key = (QUERY, VALUE, KEY)
    own = label("key of its own", "scores")
    return [
        layer(name, score, label(), masks=masks[:2], **kwargs),
        layer(name, score, label("causal"), call=CAUSAL, **kwargs),
        layer(name, score, own, with_key, SCORED, masks, **kwargs),
    ]


PICTURES = (Input((2, 3, 5, 4), free=(0, 1, 2)), Input((2, 3, 6, 4), free=(0, 1, 2)))
CASES = [
    *of("Attention", "dot"),
    layer("Attention", "dot", "scale", masks=(MASK, VALUE_MASK), use_scale=True),
    layer("Attention", "dot", "further axes", PICTURES),
    dropping("Attention"),
    *of("Attention", "concat", score_mode="concat"),
    layer("Attention", "concat", "concat, scale", score_mode="concat", use_scale=True),
    *of("AdditiveAttention", "additive"),
    layer("AdditiveAttention", "additive", "no scale", use_scale=False),
    layer("AdditiveAttention", "additive", "further axes", PICTURES),
    dropping("AdditiveAttention"),
    FunctionCase(
        symbol="ops.dot_score",
        inputs=(QUERY, KEY, Input((), free=())),
        reference=lambda q, k, g: pairwise(lambda q, k: g * (q * k).sum(-1), q, k),
    ),
    FunctionCase(
        symbol="ops.concat_score",
        inputs=(QUERY, KEY, Input((), free=()), Input((), free=())),
        reference=lambda q, k, w, g: pairwise(lambda q, k: w * np.tanh(g * (q + k)).sum(-1), q, k),
    ),
    FunctionCase(
        symbol="ops.additive_score",
        inputs=(QUERY, KEY, Input((6,), free=())),
        reference=lambda q, k, v: pairwise(lambda q, k: np.tanh(q + k) @ v, q, k),
    ),
]
