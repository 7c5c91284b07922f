"""The affine map, on which every network here is built."""

import functools
import math

import keras
from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import is_sparse, joins_rows


def affine(x, W, b=None):
    r"""Weighted sum of the inputs plus a bias.

    $$z = x W + b, \qquad z_j = \sum_i x_i W_{ij} + b_j$$

    (The textbook's $z = W a + b$ for column vectors, written for one example a row.)

    Args:
        x: Tensor (…, n_in).
        W: Kernel (n_in, n_out).
        b: Bias (n_out,), or `None`.

    Returns:
        Tensor (…, n_out).

    Example:
        >>> from keras import ops
        >>> z = affine(ops.array([[1.0, 2.0]]), ops.array([[3.0], [4.0]]), ops.array([0.5]))
        >>> float(z[0, 0])
        11.5
    """
    if len(x.shape) <= 2 or is_sparse(x) or not joins_rows(x):
        z = product(x, W)
        return z if b is None else add_bias(z, b)
    # All axes but the last as rows of one matrix: one product for the whole batch, and a bias that
    # TensorFlow adds within it.
    n_in, n_out = W.shape
    z = affine(ops.reshape(x, (-1, n_in)), W, b)
    return ops.reshape(z, (*ops.shape(x)[:-1], n_out))


def product(x, W):
    """Multiply two tensors as matrices.

    `keras.ops.matmul`, but float64 stays float64 on PyTorch, where that one computes in float32.

    Args:
        x: Tensor (…, n, k).
        W: Tensor (…, k, m).

    Returns:
        Tensor (…, n, m).

    Example:
        >>> from keras import ops
        >>> float(product(ops.array([[1.0, 2.0]]), ops.array([[3.0], [4.0]]))[0, 0])
        11.0
    """
    if any(standardize_dtype(t.dtype) != "float64" for t in (x, W)):
        return ops.matmul(x, W)
    x, W = (t.value if isinstance(t, keras.Variable) else t for t in (x, W))
    return x @ W


def add_bias(z, b):
    """Add a bias to what a product or a convolution gave.

    Not `z + b`: TensorFlow computes `keras.ops.add` of a bias within the operation before it. But
    float64 stays float64 on JAX and PyTorch, where `keras.ops.add` computes in float32.

    Args:
        z: Tensor (…, n).
        b: Bias (n,).

    Returns:
        Tensor (…, n).

    Example:
        >>> from keras import ops
        >>> [float(v) for v in add_bias(ops.zeros((1, 2)), ops.array([1.0, 2.0]))[0]]
        [1.0, 2.0]
    """
    if "float64" in (standardize_dtype(z.dtype), standardize_dtype(b.dtype)):
        return z + b
    return ops.add(z, b)


def low_rank_adaptation(W, A, B, alpha=None):
    r"""Add an update of low rank to a weight.

    $$W' = W + \frac{\alpha}{r} A B$$

    Args:
        W: Weight (…, n).
        A: Factor (…, r).
        B: Factor (r, n).
        alpha: $\alpha$, the strength of the update; `None` for $r$, that is for $W + A B$.

    Returns:
        Tensor (…, n).

    Source:
        Hu et al., 2021, LoRA: Low-Rank Adaptation of Large Language Models, section 4.1.

    Example:
        >>> from keras import ops
        >>> W, A, B = ops.zeros((2, 2)), ops.array([[1.0], [2.0]]), ops.array([[3.0, 4.0]])
        >>> [[float(w) for w in row] for row in low_rank_adaptation(W, A, B, alpha=2)]
        [[6.0, 8.0], [12.0, 16.0]]
    """
    r = A.shape[-1]
    return ops.add(W, ((r if alpha is None else alpha) / r) * product(A, B))


def einsum_affine(equation, x, W, b=None):
    r"""Weighted sum over the axes that an equation names, plus a bias.

    $$z_{\dots j \dots} = \sum_{i} x_{\dots i \dots} W_{i j} + b_j, \qquad
      \text{e.g. "btd,dnh->btnh"}$$

    Where the summed axes are the last ones of `x`, in any order of the kernel, this is one product
    of two matrices; else it is left to `keras.ops.einsum`.

    Args:
        equation: `"input,kernel->output"`, one letter an axis, `...` at the start or the end.
        x: Tensor with the axes of the first term.
        W: Kernel with the axes of the second.
        b: Bias that broadcasts against the result, or `None`.

    Returns:
        Tensor with the axes of the third term.

    Example:
        >>> from keras import ops
        >>> tuple(einsum_affine("btd,dnh->btnh", ops.ones((2, 3, 4)), ops.ones((4, 5, 6))).shape)
        (2, 3, 5, 6)
    """
    product = as_product(equation, len(x.shape))
    if product is None or not joins_rows(x):
        z = ops.einsum(equation, x, W)
        return z if b is None else add_bias(z, b)
    kept, order, summed = product
    if order != tuple(range(len(order))):
        W = ops.transpose(W, order)
    sums, outs = W.shape[:summed], W.shape[summed:]
    shape = (*ops.shape(x)[:kept], *outs)
    x = ops.reshape(x, (-1, math.prod(sums)))
    W = ops.reshape(W, (math.prod(sums), math.prod(outs)))
    if b is not None and tuple(b.shape) == tuple(outs):
        return ops.reshape(affine(x, W, ops.reshape(b, (-1,))), shape)
    z = ops.reshape(affine(x, W), shape)
    return z if b is None else add_bias(z, b)


@functools.cache
def as_product(equation, rank):
    """Find out whether an equation is a product of matrices without moving an axis of the input.

    Args:
        equation: `"input,kernel->output"`.
        rank: Number of axes of the input.

    Returns:
        How many leading axes are kept, the order of the kernel's axes, summed ones first, and how
        many these are; or `None`.

    Raises:
        ValueError: If the equation names fewer or more axes of the input than there are.

    Example:
        >>> as_product("btnh,nhd->btd", 4)
        (2, (0, 1, 2), 2)
        >>> as_product("btd,nhd->btnh", 3)
        (2, (2, 0, 1), 1)
        >>> as_product("bdt,dn->bnt", 3) is None
        True
    """
    terms, output = equation.replace(" ", "").split("->")
    inputs, kernel = terms.split(",")
    if inputs.endswith("...") or "..." in kernel:
        return None
    # The axes behind leading dots are kept in front.
    hidden = "." * (rank - len(inputs.replace("...", "")))
    inputs, output = inputs.replace("...", hidden), output.replace("...", hidden)
    if len(inputs) != rank:
        raise ValueError(
            f"`equation` {equation!r} names {len(inputs)} input axes, the input has {rank}."
        )
    summed = [letter for letter in inputs if letter in kernel]
    kept = len(inputs) - len(summed)
    outs = list(output[kept:])
    is_product = (
        inputs == output[:kept] + "".join(summed)
        and sorted(summed + outs) == sorted(kernel)
        and len(set(kernel)) == len(kernel)
    )
    if not is_product:
        return None
    return kept, tuple(kernel.index(letter) for letter in summed + outs), len(summed)
