r"""Derivatives of activations and losses, derived by hand as the textbook does.

`ACTIVATION_DERIVATIVES[name](z, a, **options)` is $g'(z)$ of an activation that treats each number
by itself; $a = g(z)$ is given, since many derivatives are shortest in it.
`JACOBIAN_PRODUCTS[name](z, a, v, **options)` is $v^\top \partial a / \partial z$ of one whose
outputs depend on several inputs.
`LOSS_DERIVATIVES[name](y, p, **options)` is $\nabla_p \ell$ of each example's loss.
"""

import math

import keras
from keras import ops

from kerasdl.activations import sigmoid as sigma
from kerasdl.activations import softmax, softplus, tanh
from kerasdl.backend import constant


def _inside(z, low, high):
    """Return 1 where low < z < high, else 0."""
    return ops.cast(ops.logical_and(z > low, z < high), z.dtype)


def _step_up(z, at=0.0):
    return ops.cast(z > at, z.dtype)


def _relu(z, a, negative_slope=0.0, max_value=None, threshold=0.0):
    slope = constant(negative_slope, z.dtype)
    derivative = ops.where(z > threshold, ops.ones_like(z), slope * ops.ones_like(z))
    if max_value is not None:
        derivative = ops.where(z >= max_value, ops.zeros_like(z), derivative)
    return derivative


def _gelu(z, a, approximate=False):
    if approximate:  # u = √(2/π) (z + c z³), a = z (1 + tanh u) / 2
        c, root = constant(0.044715, z.dtype), math.sqrt(2 / math.pi)
        t = tanh(root * (z + c * z * z * z))
        return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * root * (1 + 3 * c * z * z)
    r = constant(math.sqrt(1 / 2), z.dtype)  # Φ(z) + z φ(z)
    density = 2 / math.sqrt(math.pi) * ops.exp(-((r * z) ** 2)) * r
    return 0.5 * (1 + ops.erf(r * z)) + 0.5 * z * density


def _mish(z, a):
    t = tanh(softplus(z))
    return t + z * (1 - t * t) * sigma(z)


def _exponential_unit(z, scale, depth, width):
    negative = depth / width * ops.exp(ops.where(z > 0, ops.zeros_like(z), z) / width)
    return ops.where(z > 0, scale * ops.ones_like(z), negative)


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

ACTIVATION_DERIVATIVES = {
    "linear": lambda z, a: ops.ones_like(z),
    "step": lambda z, a: ops.zeros_like(z),
    "exponential": lambda z, a: a,
    "relu": _relu,
    "leaky_relu": lambda z, a, negative_slope=0.2: _relu(z, a, negative_slope),
    "relu6": lambda z, a: _inside(z, 0, 6),
    "threshold": lambda z, a, threshold, default_value: _step_up(z, threshold),
    "hard_shrink": lambda z, a, threshold=0.5: _step_up(ops.abs(z), threshold),
    "soft_shrink": lambda z, a, threshold=0.5: _step_up(ops.abs(z), threshold),
    "sigmoid": lambda z, a: a * (1 - a),
    "log_sigmoid": lambda z, a: sigma(-z),
    "tanh": lambda z, a: 1 - a * a,
    "tanh_shrink": lambda z, a: (z - a) * (z - a),  # z - a = tanh z
    "softsign": lambda z, a: 1 / ops.square(1 + ops.abs(z)),
    "hard_sigmoid": lambda z, a: _inside(z, -3, 3) / 6,
    "sparse_sigmoid": lambda z, a: _inside(z, -1, 1) / 2,
    "hard_tanh": lambda z, a: _inside(z, -1, 1),
    "softplus": lambda z, a: sigma(z),
    "squareplus": lambda z, a, b=4: 0.5 * (1 + z / ops.sqrt(z * z + b)),
    "sparse_plus": lambda z, a: _step_up(z, 1) + _inside(z, -1, 1) * (z + 1) / 2,
    "elu": lambda z, a, alpha=1.0: _exponential_unit(z, 1.0, alpha, 1.0),
    "selu": lambda z, a: _exponential_unit(z, _SELU_SCALE, _SELU_SCALE * _SELU_ALPHA, 1.0),
    "celu": lambda z, a, alpha=1.0: _exponential_unit(z, 1.0, alpha, alpha),
    "gelu": _gelu,
    "silu": lambda z, a: sigma(z) * (1 + z * (1 - sigma(z))),
    "swish": lambda z, a: sigma(z) * (1 + z * (1 - sigma(z))),
    "hard_silu": lambda z, a: _step_up(z, 3) + _inside(z, -3, 3) * (2 * z + 3) / 6,
    "mish": _mish,
}


def _softmax(z, a, v, axis=-1):
    # ∂a_k/∂z_j = a_k ([j = k] - a_j)
    return a * (v - ops.sum(v * a, axis=axis, keepdims=True))


def _log_softmax(z, a, v, axis=-1):
    # ∂a_k/∂z_j = [j = k] - p_j, with p = e^a
    return v - ops.exp(a) * ops.sum(v, axis=axis, keepdims=True)


def _sparsemax(z, a, v, axis=-1):
    # ∂a_k/∂z_j = [j, k ∈ S] ([j = k] - 1/|S|), with the support S = {k : a_k > 0}
    support = ops.cast(a > 0, a.dtype)
    size = ops.sum(support, axis=axis, keepdims=True)
    return support * (v - ops.sum(support * v, axis=axis, keepdims=True) / size)


def _glu(z, a, v, axis=-1):
    # a = u σ(s): ∂a/∂u = σ(s), ∂a/∂s = u σ(s) (1 - σ(s))
    u, s = ops.split(z, 2, axis=axis)
    gate = sigma(s)
    return ops.concatenate([v * gate, v * u * gate * (1 - gate)], axis=axis)


JACOBIAN_PRODUCTS = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "sparsemax": _sparsemax,
    "glu": _glu,
}


def _signs(y):
    """Return labels -1 and 1; labels that are all 0 or 1 are read so."""
    binary = ops.all(ops.logical_or(ops.equal(y, 0), ops.equal(y, 1)))
    return ops.where(binary, 2 * y - 1, y)


def _hinge(y, p):
    y = _signs(y)
    return -y * _step_up(1 - y * p) / p.shape[-1]


def _squared_hinge(y, p):
    y = _signs(y)
    margin = 1 - y * p
    return -2 * y * margin * _step_up(margin) / p.shape[-1]


def _categorical_hinge(y, p):
    wrong = (1 - y) * p
    strongest = ops.max(wrong, axis=-1, keepdims=True)
    active = _step_up(strongest - ops.sum(y * p, axis=-1, keepdims=True) + 1)
    return active * (ops.cast(wrong == strongest, p.dtype) * (1 - y) - y)


def _huber(y, p, delta=1.0):
    e = p - y
    return ops.where(ops.abs(e) <= delta, e, delta * ops.sign(e)) / p.shape[-1]


def _percentage(y, p):
    scale = ops.abs(y)
    scale = ops.where(scale > keras.config.epsilon(), scale, keras.config.epsilon())
    return 100 * ops.sign(p - y) / scale / p.shape[-1]


def _logarithmic(y, p):
    epsilon = keras.config.epsilon()
    p, y = (ops.where(v > epsilon, v, epsilon) for v in (p, y))
    error = ops.log1p(p) - ops.log1p(y)
    return _step_up(p, epsilon) * 2 * error / (1 + p) / p.shape[-1]


def _cosine(y, p):
    norm = ops.sqrt(ops.sum(p * p, axis=-1, keepdims=True))
    u = y / ops.sqrt(ops.sum(y * y, axis=-1, keepdims=True))
    v = p / norm
    return (v * ops.sum(u * v, axis=-1, keepdims=True) - u) / norm


def _clipped(p):
    """Return probabilities in [ε, 1 - ε], and the derivative of that: 1 where nothing was cut."""
    epsilon = keras.config.epsilon()
    not_cut = _inside(p, epsilon, 1 - epsilon)
    return not_cut * p + (1 - not_cut) * 0.5, not_cut  # ½ stands for what is cut: times 0 below


def _kl_divergence(y, p):
    epsilon = keras.config.epsilon()
    y = ops.where(y > epsilon, y, epsilon)
    not_cut = _inside(p, epsilon, 1)
    return -y * not_cut / (p * not_cut + (1 - not_cut))


def _binary_crossentropy(y, p, from_logits=False, label_smoothing=0.0):
    y = y * (1 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        return (sigma(p) - y) / p.shape[-1]
    p, not_cut = _clipped(p)
    return not_cut * (p - y) / (p * (1 - p)) / p.shape[-1]


def _categorical_crossentropy(y, p, from_logits=False, label_smoothing=0.0):
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[-1]
    if from_logits:
        return softmax(p) * ops.sum(y, axis=-1, keepdims=True) - y
    total = ops.sum(p, axis=-1, keepdims=True)
    share = p / total
    safe, not_cut = _clipped(share)
    d_share = -y / safe * not_cut
    return (d_share - ops.sum(d_share * share, axis=-1, keepdims=True)) / total


def one_hot(y, classes, dtype):
    """Return rows with a 1 at the label."""
    hit = ops.equal(ops.arange(classes), ops.expand_dims(ops.cast(y, "int32"), -1))
    return ops.cast(hit, dtype)


def _sparse_categorical_crossentropy(y, p, from_logits=False, ignore_class=None):
    target = one_hot(y, p.shape[-1], p.dtype)
    if from_logits:
        derivative = softmax(p) - target
    else:  # ℓ = log Σ q - log q_y, with q = p cut to [ε, 1 - ε]
        safe, not_cut = _clipped(p)
        epsilon = keras.config.epsilon()
        q = not_cut * p + (1 - not_cut) * (epsilon + _step_up(p, 0.5) * (1 - 2 * epsilon))
        derivative = not_cut * (1 / ops.sum(q, axis=-1, keepdims=True) - target / safe)
    if ignore_class is not None:
        keep = ops.expand_dims(ops.not_equal(y, ignore_class), -1)
        derivative = ops.where(keep, derivative, ops.zeros_like(derivative))
    return derivative


LOSS_DERIVATIVES = {
    "mean_squared_error": lambda y, p: 2 * (p - y) / p.shape[-1],
    "mean_absolute_error": lambda y, p: ops.sign(p - y) / p.shape[-1],
    "mean_absolute_percentage_error": _percentage,
    "mean_squared_logarithmic_error": _logarithmic,
    "cosine_similarity": _cosine,
    "huber": _huber,
    "log_cosh": lambda y, p: tanh(p - y) / p.shape[-1],
    "hinge": _hinge,
    "squared_hinge": _squared_hinge,
    "categorical_hinge": _categorical_hinge,
    "kl_divergence": _kl_divergence,
    "poisson": lambda y, p: (1 - y / (p + keras.config.epsilon())) / p.shape[-1],
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
    "sparse_categorical_crossentropy": _sparse_categorical_crossentropy,
}
