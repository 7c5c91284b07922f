r"""Adaptive pooling: a fixed number of windows for an axis of any size.

Of $m$ windows over $n$ numbers, window $i$ holds

$$W_i = \big[\lfloor i n / m \rfloor,\; \lceil (i + 1) n / m \rceil \big)$$

Number $j$ is in window $i$ exactly if $i$ is in window $j$ of $n$ windows over $m$ numbers: what
goes back from the windows to the numbers is a sum over the same windows with $n$ and $m$ exchanged.

Computed axis by axis, on tensors (N, n, M) whose middle axis is pooled.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kerasdl.backend import with_gradient
from kerasdl.ops.pooling import along, check_data_format, in_floats, per_axis


class Windows(NamedTuple):
    """The windows over one axis.

    Attributes:
        at: Positions of the numbers in each window, (m, F), F those of the largest one. Behind the
            end of a window its last number stands again.
        inside: Whether the position is within the window, (m, F); `None` if all are.
        size: How many are, (m, 1).
    """

    at: Any
    inside: Any
    size: Any

    @classmethod
    def over(cls, n, m):
        """Work out `m` windows over `n` numbers; either may be known only at run time.

        Example:
            >>> Windows.over(5, 3).at.tolist()
            [[0, 1, 1], [1, 2, 3], [3, 4, 4]]
        """
        known = isinstance(n, int) and isinstance(m, int)
        arange = functools.partial((np if known else ops).arange, dtype="int32")
        i = arange(m)[:, None]
        start, end = i * n // m, -(-(i + 1) * n // m)
        size = end - start
        F = int(size.max()) if known else -(-n // m) + 1
        at = start + arange(F)[None, :]
        if known and (size == F).all():
            return cls(at, None, size)
        last = end - 1
        return cls((np if known else ops).where(at > last, last, at), at <= last, size)

    def gather(self, x):
        """Return the numbers of each window, (N, m, F, M)."""
        known = isinstance(self.at, np.ndarray)
        if known and np.array_equal(self.at.ravel(), np.arange(x.shape[1])):  # side by side
            return ops.reshape(x, (-1, *self.at.shape, ops.shape(x)[2]))
        return ops.take(x, self.at, axis=1)

    def sum(self, values):
        """Add up numbers that were gathered, (N, m, M)."""
        if self.inside is not None:
            inside = ops.convert_to_tensor(self.inside)[:, :, None]
            values = ops.where(inside, values, ops.zeros_like(values))
        return ops.sum(values, axis=2)


def adaptive_average_pooling(x, output_size, data_format=None):
    r"""Take the mean of each of a given number of windows.

    $$y_{b,i,c} = \frac{1}{|W_i|} \sum_{j \in W_i} x_{b,j,c}, \qquad
      \frac{\partial L}{\partial x_j} = \sum_{i:\, j \in W_i}
      \frac{1}{|W_i|} \frac{\partial L}{\partial y_i}$$

    with $W_i = [\lfloor i n / m \rfloor, \lceil (i + 1) n / m \rceil)$, likewise along each axis.

    Args:
        x: Tensor (B, spatial…, C), or (B, C, spatial…) for `"channels_first"`. One to three
            spatial axes. Half precision is summed in float32, integers are averaged in
            `keras.config.floatx()`.
        output_size: $m$: an integer, or one for each spatial axis.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor (B, m…, C), or (B, C, m…).

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        He et al., 2015, Spatial pyramid pooling in deep convolutional networks, section 2.2, with
        the mean in place of the maximum.

    Example:
        >>> x = ops.reshape(ops.arange(5.0), (1, 5, 1))
        >>> [float(v) for v in adaptive_average_pooling(x, 3)[0, :, 0]]
        [0.5, 2.0, 3.5]

    Differences from the paper: its section 2.3 spaces windows of one size evenly instead; here
    every number is in a window. From Keras: the sizes may be unknown in a graph of TensorFlow.
    """
    return _pool(in_floats(functools.partial(_each_axis, _average)), x, output_size, data_format)


def adaptive_max_pooling(x, output_size, data_format=None):
    r"""Take the largest number of each of a given number of windows.

    $$y_{b,i,c} = \max_{j \in W_i} x_{b,j,c}, \qquad
      \frac{\partial L}{\partial x_j} = \sum_{i:\, j = \mathrm{argmax}_i}
      \frac{\partial L}{\partial y_i}$$

    with $W_i$ as for `adaptive_average_pooling`. Of several equal numbers the first of the window,
    row by row, gets the gradient.

    Args, returns and raises as for `adaptive_average_pooling`.

    Source:
        He et al., 2015, Spatial pyramid pooling in deep convolutional networks, section 2.2.

    Example:
        >>> x = ops.reshape(ops.arange(5.0), (1, 5, 1))
        >>> [float(v) for v in adaptive_max_pooling(x, 3)[0, :, 0]]
        [1.0, 3.0, 4.0]

    Differences from Keras: the sizes may be unknown in a graph of TensorFlow. Of equal numbers in
    two dimensions Keras prefers the first column on TensorFlow and JAX, the first row on PyTorch.
    """
    return _pool(functools.partial(_each_axis, _max), x, output_size, data_format)


def _average(x, m):
    n = ops.shape(x)[1]
    windows, back = Windows.over(n, m), Windows.over(m, n)

    @with_gradient
    def pool(x):
        size = ops.cast(windows.size, x.dtype)
        y = windows.sum(windows.gather(x)) / size
        return y, lambda dy: (back.sum(back.gather(dy / size)),)

    return pool(x)


def _max(x, m):
    n = ops.shape(x)[1]
    windows, back = Windows.over(n, m), Windows.over(m, n)

    @with_gradient
    def pool(x):
        values = windows.gather(x)
        y = ops.max(values, axis=2)

        def backward(dy):
            at = ops.convert_to_tensor(windows.at)[:, :, None]
            is_max = ops.equal(values, ops.expand_dims(y, 2))
            first = ops.min(ops.where(is_max, at, ops.cast(n, "int32")), axis=2)  # (N, m, M)
            j = ops.reshape(ops.arange(n, dtype="int32"), (-1, 1, 1))
            hit = ops.equal(back.gather(first), j)
            sent = back.gather(dy)
            return (back.sum(ops.where(hit, sent, ops.zeros_like(sent))),)

        return y, backward

    return pool(x)


def _each_axis(function, x, output_size):
    # Columns before rows: then the first maximum of all is the first row's first.
    for axis in range(len(x.shape) - 2, 0, -1):
        m = output_size[axis - 1]
        x = along(axis, m, functools.partial(function, m=m), x)
    return x


def _pool(function, x, output_size, data_format):
    """Bring the channels to the end, pool, bring them back."""
    x = ops.convert_to_tensor(x)
    d = len(x.shape) - 2
    if d not in (1, 2, 3):
        raise ValueError(
            "`x` must have one to three axes besides batch and channels, received the shape "
            f"{tuple(x.shape)}."
        )
    m = per_axis("output_size", output_size, d)
    if check_data_format(data_format) == "channels_last":
        return function(x, m)
    return ops.moveaxis(function(ops.moveaxis(x, 1, -1), m), -1, 1)
