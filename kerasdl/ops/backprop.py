r"""The dense network's forward pass and back-propagation, written out by hand.

Symbols as in the textbook: layer $l$ has weights $W^l$, bias $b^l$, weighted inputs $z^l$ and
activations $a^l$; $\delta^l = \partial L / \partial z^l$ is its error. One example is a row here,
so the products stand the other way round than for the textbook's column vectors. (They are written
with `@`, because `keras.ops.matmul` computes float64 in float32 on PyTorch.)
"""

from keras import ops

from kerasdl import activations as activation_functions
from kerasdl.ops.derivatives import (
    ACTIVATION_DERIVATIVES,
    JACOBIAN_PRODUCTS,
    LOSS_DERIVATIVES,
)

# Output activations and losses whose derivatives cancel to p - y.
_SHORT = {
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
}


def forward(x, weights, biases, activations):
    r"""Pass examples through a dense network and keep what back-propagation needs.

    $$a^0 = x, \qquad z^l = a^{l-1} W^l + b^l, \qquad a^l = g^l(z^l)$$

    Args:
        x: Inputs (B, n_0).
        weights: One $W^l$ $(n_{l-1}, n_l)$ a layer.
        biases: One $b^l$ $(n_l,)$ a layer.
        activations: One $g^l$ a layer: a name, or a pair of a name and its arguments.

    Returns:
        The lists $z^1 \dots z^L$ and $a^0 \dots a^L$.

    Source:
        Nielsen, 2015, Neural Networks and Deep Learning, chapter 2, equation 25.

    Example:
        >>> W, b = [ops.array([[2.0]])], [ops.array([1.0])]
        >>> zs, as_ = forward(ops.array([[1.0]]), W, b, ["relu"])
        >>> float(as_[-1][0, 0])
        3.0
    """
    _check_layers(weights, biases, activations)
    weights = [ops.convert_to_tensor(W) for W in weights]
    zs, as_ = [], [ops.convert_to_tensor(x)]
    for W, b, activation in zip(weights, biases, activations, strict=True):
        name, options = _named(activation)
        z = as_[-1] @ W + b
        zs.append(z)
        as_.append(activation_functions.get(name)(z, **options))
    return zs, as_


def backward(y, zs, as_, weights, activations, loss):
    r"""Send the error back through a dense network, layer by layer.

    $$\delta^L = \nabla_a L \odot g'(z^L), \qquad
      \delta^l = \left(\delta^{l+1} (W^{l+1})^\top\right) \odot g'(z^l)$$

    $$\frac{\partial L}{\partial W^l} = (a^{l-1})^\top \delta^l, \qquad
      \frac{\partial L}{\partial b^l} = \sum_{\text{examples}} \delta^l$$

    For softmax and other activations whose outputs share their inputs, the product with $g'$ is one
    with the Jacobian. For a sigmoid under the binary cross-entropy, and a softmax under the
    categorical, the two factors of $\delta^L$ cancel to $p - y$; that form is used, because it
    divides by no small probability.

    Args:
        y: Labels (B, n_L), or (B,) for the sparse cross-entropy.
        zs: $z^1 \dots z^L$ from `forward`.
        as_: $a^0 \dots a^L$ from `forward`.
        weights: One $W^l$ a layer.
        activations: One $g^l$ a layer: a name, or a pair of a name and its arguments.
        loss: Name of the loss, or a pair of a name and its arguments. $L$ is its mean over the
            batch (over the examples that `ignore_class` keeps).

    Returns:
        $\partial L / \partial W^l$ and $\partial L / \partial b^l$ as lists, and
        $\partial L / \partial x$.

    Raises:
        ValueError: If no derivative is known for an activation or the loss.

    Source:
        Rumelhart et al., 1986, Learning Representations by Back-Propagating Errors. Nielsen, 2015,
        chapter 2, equations BP1 to BP4.

    Example:
        >>> x, W, b = ops.array([[1.0]]), [ops.array([[2.0]])], [ops.array([1.0])]
        >>> zs, as_ = forward(x, W, b, ["linear"])
        >>> dW, db, dx = backward(ops.array([[0.0]]), zs, as_, W, ["linear"], "mean_squared_error")
        >>> float(dW[0][0, 0]), float(db[0][0]), float(dx[0, 0])
        (6.0, 6.0, 12.0)
    """
    weights = [ops.convert_to_tensor(W) for W in weights]
    delta = _output_error(y, zs[-1], as_[-1], activations[-1], loss)
    dW, db = [], []
    for layer in reversed(range(len(weights))):
        dW.append(ops.transpose(as_[layer]) @ delta)
        db.append(ops.sum(delta, axis=0))
        upstream = delta @ ops.transpose(weights[layer])
        if layer > 0:
            delta = _through(activations[layer - 1], zs[layer - 1], as_[layer], upstream)
    return dW[::-1], db[::-1], upstream


def gradients(x, y, weights, biases, activations, loss):
    r"""Forward pass and back-propagation in one.

    Args:
        x: Inputs (B, n_0).
        y: Labels.
        weights: One $W^l$ a layer.
        biases: One $b^l$ a layer.
        activations: One $g^l$ a layer.
        loss: Name of the loss, or a pair of a name and its arguments.

    Returns:
        What `backward` returns.

    Example:
        >>> x, W, b = ops.array([[1.0]]), [ops.array([[2.0]])], [ops.array([1.0])]
        >>> dW, db, dx = gradients(x, ops.array([[1.0]]), W, b, ["linear"], "mean_squared_error")
        >>> float(dW[0][0, 0])
        4.0
    """
    zs, as_ = forward(x, weights, biases, activations)
    return backward(y, zs, as_, weights, activations, loss)


def _output_error(y, z, a, activation, loss):
    """Return δ of the last layer, for the mean over the batch."""
    (g, g_options), (name, options) = _named(activation), _named(loss)
    if name not in LOSS_DERIVATIVES:
        raise ValueError(f"`loss` must be one of {sorted(LOSS_DERIVATIVES)}, received {name!r}.")
    count = z.shape[0]
    if options.get("ignore_class") is not None:
        count = ops.sum(ops.cast(ops.not_equal(y, options["ignore_class"]), a.dtype))
    derivative = LOSS_DERIVATIVES[name]
    if (g, name) in _SHORT and not g_options and not options.get("from_logits"):
        # δ = p - y: the derivative of the loss as a function of the logits z.
        return derivative(y, z, **{**options, "from_logits": True}) / count
    return _through(activation, z, a, derivative(y, a, **options)) / count


def _through(activation, z, a, upstream):
    """Return upstream · ∂a/∂z."""
    name, options = _named(activation)
    if name in JACOBIAN_PRODUCTS:
        return JACOBIAN_PRODUCTS[name](z, a, upstream, **options)
    if name in ACTIVATION_DERIVATIVES:
        return upstream * ACTIVATION_DERIVATIVES[name](z, a, **options)
    known = sorted([*ACTIVATION_DERIVATIVES, *JACOBIAN_PRODUCTS])
    raise ValueError(f"`activations` must be among {known}, received {name!r}.")


def _named(spec):
    return (spec, {}) if isinstance(spec, str) else spec


def _check_layers(weights, biases, activations):
    if not len(weights) == len(biases) == len(activations) > 0:
        raise ValueError(
            "`weights`, `biases` and `activations` must have one entry a layer, received "
            f"{len(weights)}, {len(biases)} and {len(activations)}."
        )
