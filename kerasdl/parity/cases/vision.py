"""Cases of the Vision Transformer's own layers, which Keras has no counterpart for."""

import numpy as np

import kerasdl
from kerasdl.parity.case import FunctionCase, Input, LayerCase


def patch_embedding(weights, x, training):
    """Cut each picture into patches, flatten each, project it."""
    W, b = weights["kernel"], weights["bias"]
    B, H, width, _ = x.shape
    P_h, P_w = 2, 3
    y = np.zeros((B, (H // P_h) * (width // P_w), W.shape[1]))
    for n in range(B):
        patch = 0
        for i in range(0, H, P_h):
            for j in range(0, width, P_w):
                y[n, patch] = x[n, i : i + P_h, j : j + P_w].reshape(-1) @ W + b
                patch += 1
    return y


def class_token(weights, x, training):
    """Put the learned token before each sequence."""
    return np.array([[weights["token"][0, 0], *sequence] for sequence in x])


def position_embedding(weights, x, training):
    """Add to each step the learned vector of its position."""
    (table,) = weights.values()
    y = np.zeros(x.shape)
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            y[b, t] = x[b, t] + table[t]
    return y


def sinusoidal(weights, x, training):
    """Add sines and cosines of falling frequency, as in the paper."""
    _, T, d = x.shape
    y = np.array(x, dtype="float64")
    for pos in range(T):
        for k in range(d):
            angle = pos / 10_000 ** ((k - k % 2) / d)
            y[:, pos, k] += np.sin(angle) if k % 2 == 0 else np.cos(angle)
    return y


def feed_forward(weights, x, training):
    """Two dense layers at each step, ReLU between."""
    W_1, b_1, W_2, b_2 = weights.values()
    return np.maximum(x @ W_1 + b_1, 0) @ W_2 + b_2


def transformer_encoder(weights, x, training):
    """Self-attention and a feed-forward network, each with a residual and a normalisation."""
    W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = (
        value for name, value in weights.items() if "attention" in name and "norm" not in name
    )
    W_1, b_1, W_2, b_2 = (v for n, v in weights.items() if "feed_forward/" in n)
    norms = [v for n, v in weights.items() if n.endswith(("gamma", "beta"))]
    heads = []
    for h in range(W_q.shape[1]):
        q, k, v = (x @ W[:, h] + b[h] for W, b in ((W_q, b_q), (W_k, b_k), (W_v, b_v)))
        scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
        weights_h = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        heads.append((weights_h @ v) @ W_o[h])
    x = normalised(x + sum(heads) + b_o, *norms[:2])
    return normalised(x + np.maximum(x @ W_1 + b_1, 0) @ W_2 + b_2, *norms[2:])


def normalised(x, gamma, beta):
    """Layer normalisation with the encoder's epsilon."""
    mu, sigma_2 = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(sigma_2 + 1e-5) + beta


def resized_positions(E):
    """Interpolate a grid of 2 × 3 to 5 × 4 by Keys' cubic, pixel by pixel; the first row stays."""

    def k(t):
        if t < 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0

    moved = [E[0]]
    for a in range(5):
        for b in range(4):
            y, x = (a + 0.5) * 2 / 5 - 0.5, (b + 0.5) * 3 / 4 - 0.5
            total, weights = 0, 0
            for r in range(2):
                for c in range(3):
                    weight = k(abs(y - r)) * k(abs(x - c))
                    total, weights = total + weight * E[1 + 3 * r + c], weights + weight
            moved.append(total / weights)
    return np.array(moved)


def rollout(first, second):
    """Follow the attention of two layers, half of each token staying where it is."""
    B, heads, T, _ = first.shape
    R = np.zeros((B, T, T))
    for b in range(B):
        stay = np.eye(T)
        lower, upper = (stay + sum(A[b, n] for n in range(heads)) / heads for A in (first, second))
        R[b] = (upper / 2) @ (lower / 2)
    return R


def joined(patches):
    """Write each pixel of each patch where it belongs."""
    image = np.zeros((2, 4, 6, 3))
    for n in range(6):
        for i in range(2):
            for j in range(2):
                pixel = patches[:, n, (2 * i + j) * 3 : (2 * i + j) * 3 + 3]
                image[:, 2 * (n // 3) + i, 2 * (n % 3) + j] = pixel
    return image


def draw_boxes(rng, shape):
    """Draw boxes, some of them nearly alike."""
    corner = rng.integers(0, 3, (*shape[:-1], 2)) + rng.uniform(0, 0.4, (*shape[:-1], 2))
    return np.concatenate([corner, corner + rng.uniform(1, 2, corner.shape)], axis=-1)


def draw_whole_boxes(rng, shape):
    """Draw boxes of whole pixels, whose shares bfloat16 does not confuse with the threshold."""
    corner = rng.integers(0, 3, (*shape[:-1], 2))
    return np.concatenate([corner, corner + rng.integers(1, 4, corner.shape)], axis=-1)


def iou(p, q):
    """Divide the area that two boxes share by the area that they cover."""
    size = np.maximum(np.minimum(p[2:], q[2:]) - np.maximum(p[:2], q[:2]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (p, q)]
    return size[0] * size[1] / (sum(areas) - size[0] * size[1])


def suppressed(boxes):
    """Let a box stay if none that stays before it covers it."""
    stays = np.zeros(boxes.shape[:2])
    for b, picture in enumerate(boxes):
        for i, box in enumerate(picture):
            stays[b, i] = all(not stays[b, j] or iou(picture[j], box) <= 0.31 for j in range(i))
    return stays


def patch_detection(y_true, y_pred):
    """Add up entropy and error of the box, patch by patch."""
    losses = np.zeros(y_true.shape[:2])
    for b, n in np.ndindex(losses.shape):
        k, logits = int(y_true[b, n, 0]), y_pred[b, n, :3]
        losses[b, n] = np.log(np.exp(logits).sum()) - logits[k]
        if k > 0:
            losses[b, n] += 0.5 * np.abs(y_true[b, n, 1:] - y_pred[b, n, 3:]).sum() / (4 * 2)
    return losses


# Two heads of size 4: the scale 1/√4 is exact, while other roots are rounded as Keras rounds them.
SEQUENCE = Input((2, 5, 8), free=(0, 1))

CASES = [
    LayerCase(
        symbol="layers.PatchEmbedding",
        kwargs={"patch_size": (2, 3), "embed_dim": 4},
        inputs=(Input((2, 4, 6, 3)),),
        reference=patch_embedding,
    ),
    LayerCase(
        symbol="layers.ClassToken",
        kwargs={"initializer": "glorot_uniform"},
        inputs=(SEQUENCE,),
        masks=((2, 5),),
        reference=class_token,
    ),
    LayerCase(
        symbol="layers.PositionEmbedding",
        kwargs={"sequence_length": 9},
        inputs=(SEQUENCE,),
        masks=((2, 5),),
        reference=position_embedding,
    ),
    LayerCase(
        symbol="layers.SinusoidalPositionEncoding",
        inputs=(SEQUENCE,),
        masks=((2, 5),),
        reference=sinusoidal,
    ),
    LayerCase(
        symbol="layers.FeedForward",
        kwargs={"intermediate_dim": 7, "activation": "relu"},
        inputs=(SEQUENCE,),
        masks=((2, 5),),
        reference=feed_forward,
    ),
    LayerCase(
        symbol="layers.TransformerEncoder",
        kwargs={"intermediate_dim": 7, "num_heads": 2, "activation": "relu"},
        depth=2,
        inputs=(SEQUENCE,),
        masks=((2, 5),),
        reference=transformer_encoder,
    ),
    FunctionCase(
        symbol="ops.resize_positions",
        make=lambda k: lambda E: kerasdl.ops.resize_positions(E, (2, 3), (5, 4), 1),
        inputs=(Input((7, 4), free=()),),
        reference=resized_positions,
    ),
    FunctionCase(
        symbol="ops.attention_rollout",
        make=lambda k: lambda first, second: kerasdl.ops.attention_rollout([first, second]),
        inputs=(Input((2, 3, 5, 5), "probabilities"), Input((2, 3, 5, 5), "probabilities")),
        reference=rollout,
    ),
    FunctionCase(
        symbol="ops.join_patches",
        make=lambda k: lambda x: kerasdl.ops.join_patches(x, (4, 6), 2),
        inputs=(Input((2, 6, 12)),),
        reference=joined,
    ),
    FunctionCase(
        symbol="ops.box_iou",
        inputs=(Input((2, 4, 4), draw_boxes), Input((2, 3, 4), draw_boxes)),
        reference=lambda a, b: np.array(
            [[[iou(p, q) for q in b[i]] for p in a[i]] for i in range(len(a))]
        ),
    ),
    FunctionCase(
        symbol="ops.non_max_suppression",
        make=lambda k: (
            lambda x: kerasdl.ops.cast(kerasdl.ops.non_max_suppression(x, 0.31), x.dtype)
        ),
        inputs=(Input((3, 9, 4), draw_whole_boxes, differentiable=False),),
        reference=suppressed,
    ),
    FunctionCase(
        symbol="losses.patch_detection",
        kwargs={"box_weight": 0.5, "unit": 2.0},
        inputs=(Input((2, 5, 5), "integers", high=3, differentiable=False), Input((2, 5, 7))),
        reference=patch_detection,
    ),
    FunctionCase(
        symbol="losses.PatchDetection",
        make=lambda k: (
            lambda y_true, y_pred: kerasdl.losses.PatchDetection(0.5, 2.0, dtype=y_pred.dtype)(
                y_true, y_pred
            )
        ),
        inputs=(Input((2, 5, 5), "integers", high=3, differentiable=False), Input((2, 5, 7))),
        reference=lambda y_true, y_pred: patch_detection(y_true, y_pred).mean(),
    ),
]
