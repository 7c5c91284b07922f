"""Pooling: one number for each window of each channel.

Computed axis by axis (see `kerasdl.ops.sliding`), with gradients derived by hand, and held to the
definitions in `kerasdl.ops.pooling_equations`.
"""

import functools
import math
import operator

import keras
import numpy as np
from keras import ops

from kerasdl.backend import fuse, joins_loops, with_gradient
from kerasdl.ops.first_maximum import first_maximum, send_back
from kerasdl.ops.limits import maximum
from kerasdl.ops.sliding import (
    Slide,
    copies_are_quick,
    lay_back,
    maximum_over,
    mean_in_float64,
    pool_axis,
    pool_regions,
    pool_tiles,
    repeat_tiles,
    sum_back,
    sum_back_regions,
    tap,
)


def max_pooling(x, pool_size, strides=None, padding="valid", data_format=None):
    r"""Take the largest number of each window; see `max_pooling_equation`.

    $$\frac{\partial L}{\partial x_j} = \sum_{i:\, j = \mathrm{argmax}_i}
      \frac{\partial L}{\partial y_i}$$

    Of several equal numbers the first of the window, row by row, gets the gradient.

    Args:
        x: Tensor (B, spatial…, C), or (B, C, spatial…) for `"channels_first"`. One to three
            spatial axes.
        pool_size: $F$: an integer, or one for each spatial axis.
        strides: $s$, likewise; `pool_size` if `None`.
        padding: `"valid"`, only windows within the input, or `"same"`, $\lceil L / s \rceil$
            windows.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor (B, positions…, C), or (B, C, positions…).

    Raises:
        ValueError: If an argument is out of its range, or the window does not fit the input.

    Source:
        Zhou & Chellappa, 1988, Computation of optical flow using a neural network. Goodfellow et
        al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = ops.reshape(ops.arange(16.0), (1, 4, 4, 1))
        >>> [float(v) for v in ops.reshape(max_pooling(x, 2), (-1,))]
        [5.0, 7.0, 13.0, 15.0]

    Differences from Keras: float64 in three dimensions works on TensorFlow, too.
    """
    return _pool(_max, x, pool_size, strides, padding, data_format)


def average_pooling(x, pool_size, strides=None, padding="valid", data_format=None):
    r"""Take the mean of each window; see `average_pooling_equation`.

    $$\frac{\partial L}{\partial x_j} = \sum_{i:\, j \in \text{window } i}
      \frac{1}{n_i} \frac{\partial L}{\partial y_i}$$

    Args, returns and raises as for `max_pooling`. Half precision is summed in float32, integers are
    averaged in `keras.config.floatx()`.

    Source:
        LeCun et al., 1998, Gradient-based learning applied to document recognition, section II.A.
        Goodfellow et al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = ops.reshape(ops.arange(16.0), (1, 4, 4, 1))
        >>> [float(v) for v in ops.reshape(average_pooling(x, 2), (-1,))]
        [2.5, 4.5, 10.5, 12.5]

    Differences from the paper: no trainable factor and bias behind the mean. From Keras: with
    `"same"`, Keras on PyTorch repeats the border where it must pad one side more than the other,
    and averages over the repetition.
    """
    return _pool(in_floats(_average), x, pool_size, strides, padding, data_format)


def l2_norm_pooling(x, pool_size, strides=None, padding="valid", data_format=None):
    r"""Take the Euclidean length of each window; see `l2_norm_pooling_equation`.

    $$\frac{\partial L}{\partial x_j} = x_j \sum_{i:\, j \in \text{window } i}
      \frac{1}{y_i} \frac{\partial L}{\partial y_i}$$

    A window of zeros sends back 0 (the equation has no derivative there).

    Args, returns and raises as for `max_pooling`. Half precision is summed in float32, integers in
    `keras.config.floatx()`.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 9.3. Sermanet et al., 2012, Convolutional
        neural networks applied to house numbers digit classification (Lp pooling with P = 2).

    Example:
        >>> x = ops.reshape(ops.array([3.0, 4.0, 0.0, 0.0]), (1, 4, 1))
        >>> [float(v) for v in l2_norm_pooling(x, 2)[0, :, 0]]
        [5.0, 0.0]

    Differences from the paper: the taps have equal weights, there Gaussian ones.
    """
    return _pool(in_floats(_l2_norm), x, pool_size, strides, padding, data_format)


def _max(x, slides, whole):
    dtype = keras.utils.standardize_dtype(x.dtype)
    lowest = -math.inf if "float" in dtype else np.iinfo(dtype).min
    # Columns before rows: then the first maximum of all is the first row's first.
    slides = slides[::-1]

    @with_gradient
    def pool(x):
        y = fuse(lambda x: maxima(x, slides), x)

        def send(x, dy):
            return send_back(dy, first_maximum(x, slides[::-1]), slides[::-1])

        def backward(x, y, dy):
            # The maxima of the columns, of the columns' rows, ...
            seen = [x]
            for one in slides[:-1]:
                seen.append(maxima(seen[-1], [one]))
            for (axis, slide), x_a in zip(reversed(slides), reversed(seen), strict=True):
                dy = along(axis, slide.L, functools.partial(_max_back, slide), x_a, y, dy)
                y = x_a
            return dy

        return y, lambda dy: (fuse(send, x, dy) if whole else fuse(backward, x, y, dy),)

    def maxima(x, slides):
        taps = math.prod(slide.F for _, slide in slides)
        larger = maximum_over(x.shape[-1], taps) if whole else maximum
        return _pool_windows(x, slides, whole, larger, ops.max, lowest)

    return pool(x)


def _max_back(slide, x, y, dy):
    """Send what each window got to the first tap that saw the maximum."""
    nothing, left, parts = ops.zeros_like(dy), dy, []
    for k in range(slide.F - 1):
        hit = ops.equal(tap(x, slide, k), y)
        if not slide.known or k < slide.p:  # may see outside before the first number
            hit = ops.logical_and(hit, slide.inside(k)[:, None])
        parts.append(ops.where(hit, left, nothing))
        left = ops.where(hit, nothing, left)
    return lay_back([*parts, left], slide)


def _average(x, slides, whole):
    def mean(x):
        counts = [_taps_inside(slide) for _, slide in slides]
        if whole and keras.backend.backend() != "jax" and all(isinstance(n, int) for n in counts):
            n = math.prod(counts)
            if mean_in_float64(x.shape[-1], n):
                return ops.cast(_sum(ops.cast(x, "float64") / n, slides, whole), x.dtype)
        return _divide(_sum(x, slides, whole), slides)

    @with_gradient
    def pool(x):
        y = fuse(mean, x)
        return y, lambda dy: (fuse(lambda dy: _sum_back(_divide(dy, slides), slides, whole), dy),)

    return pool(x)


def _l2_norm(x, slides, whole):
    @with_gradient
    def pool(x):
        y = fuse(lambda x: ops.sqrt(_sum(ops.square(x), slides, whole)), x)

        def backward(x, y, dy):
            zero = ops.equal(y, 0)
            ratio = ops.where(zero, ops.zeros_like(y), dy / ops.where(zero, ops.ones_like(y), y))
            return x * _sum_back(ratio, slides, whole)

        return y, lambda dy: (fuse(backward, x, y, dy),)

    return pool(x)


def _sum(x, slides, whole):
    # `keras.ops.add` takes a window of one position for a bias, which fails for no examples.
    return _pool_windows(x, slides, whole, operator.add, ops.sum, 0)


def _pool_windows(x, slides, whole, combine, reduce, fill):
    """Combine what each window sees: all axes at once if `whole`, else axis by axis."""
    if whole:
        # JAX reduces faster than it joins slices, XLA in TensorFlow the other way round.
        if keras.backend.backend() == "jax" and all(slide.tiles for _, slide in slides):
            return pool_tiles(x, slides, reduce)
        return pool_regions(x, slides, combine)
    for axis, slide in slides:
        pool = functools.partial(pool_axis, slide=slide, combine=combine, reduce=reduce, fill=fill)
        x = along(axis, slide.n, pool, x)
    return x


def _sum_back(dy, slides, whole):
    if whole:
        if keras.backend.backend() != "jax" and copies_are_quick(dy.shape[-1], slides):
            return repeat_tiles(dy, slides)
        return sum_back_regions(dy, slides)
    for axis, slide in slides:
        dy = along(axis, slide.L, functools.partial(sum_back, slide=slide), dy)
    return dy


def _divide(total, slides):
    """Divide by the number of taps inside the input, window by window."""
    counts = [_taps_inside(slide) for _, slide in slides]
    if all(isinstance(n, int) for n in counts):
        return total / math.prod(counts)
    positions = [slide.n for _, slide in slides]
    n = ops.ones((*positions, 1), dtype=total.dtype)
    for axis, count in enumerate(counts):
        if not isinstance(count, int):
            count = ops.reshape(count, [-1] + [1] * (len(counts) - axis))
        n = n * ops.cast(count, total.dtype)
    # One long axis: broadcasting over a leading axis alone is the quick case.
    C = ops.shape(total)[-1]
    n = ops.reshape(ops.broadcast_to(n, (*positions, C)), (1, -1))
    shape = ops.shape(total)
    return ops.reshape(ops.reshape(total, (-1, math.prod(shape[1:]))) / n, (-1, *shape[1:]))


def _taps_inside(slide):
    if not slide.known:
        start = ops.arange(slide.n, dtype="int32") * slide.s - slide.p
        return ops.minimum(start + slide.F, slide.L) - ops.maximum(start, 0)
    start = np.arange(slide.n) * slide.s - slide.p
    count = np.minimum(start + slide.F, slide.L) - np.maximum(start, 0)
    return int(count[0]) if (count == count[0]).all() else count


def along(axis, size, function, *tensors):
    """Apply a function of (N, L, M) to one axis of tensors.

    Args:
        axis: The axis.
        size: How many numbers the function leaves of it.
        function: Takes tensors of three axes and returns one.
        *tensors: Tensors that differ in the size of that axis only.

    Returns:
        A tensor of the same rank.

    Example:
        >>> y = along(2, 1, lambda x: ops.sum(x, axis=1, keepdims=True), ops.ones((2, 3, 4)))
        >>> tuple(y.shape)
        (2, 3, 1)
    """
    shape = ops.shape(tensors[0])
    M = math.prod(shape[axis + 1 :])
    y = function(*(ops.reshape(x, (-1, ops.shape(x)[axis], M)) for x in tensors))
    return ops.reshape(y, (-1, *shape[1:axis], size, *shape[axis + 1 :]))


def _pool(function, x, pool_size, strides, padding, data_format):
    """Bring the channels to the end, hand the windows of each axis over, bring them back."""
    x = ops.convert_to_tensor(x)
    d = len(x.shape) - 2
    if d not in (1, 2, 3):
        raise ValueError(
            "`x` must have one to three axes besides batch and channels, received the shape "
            f"{tuple(x.shape)}."
        )
    F = per_axis("pool_size", pool_size, d)
    s = F if strides is None else per_axis("strides", strides, d)
    first = check_data_format(data_format) == "channels_first"
    if first:
        x = ops.moveaxis(x, 1, -1)
    sizes = ops.shape(x)[1:-1]
    slides = [(a, Slide.over(*w, padding)) for a, w in enumerate(zip(sizes, F, s), start=1)]
    if any(slide.known and slide.n <= 0 for _, slide in slides):
        raise ValueError(
            "Computed output size would be zero or negative: `pool_size` must fit the input, "
            f"received pool_size={F}, strides={s}, padding={padding!r} for the spatial sizes "
            f"{sizes}."
        )
    whole = joins_loops(x) and all(slide.known and slide.F <= 5 for _, slide in slides)
    y = function(x, slides, whole)
    return ops.moveaxis(y, -1, 1) if first else y


def per_axis(name, value, d, smallest=1):
    """Return an integer, or one for each of `d` axes, as a tuple.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> per_axis("strides", 2, 3)
        (2, 2, 2)
    """
    values = (value,) * d if isinstance(value, int) else value
    fits = isinstance(values, tuple | list) and len(values) == d
    if not fits or not all(isinstance(v, int | np.integer) and v >= smallest for v in values):
        raise ValueError(
            f"The `{name}` argument must be a tuple of {d} integers >= {smallest}, or one such "
            f"integer. Received {name}={value!r}"
        )
    return tuple(int(v) for v in values)


def check_data_format(data_format):
    """Return where the channels stand; `None` is `keras.config.image_data_format()`.

    Raises:
        ValueError: Saying what else came.

    Example:
        >>> check_data_format("channels_first")
        'channels_first'
    """
    if data_format is None:
        return keras.config.image_data_format()
    found = str(data_format).lower()
    if found not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format!r}"
        )
    return found


def in_floats(function):
    """Compute half precision in float32 and integers in `keras.config.floatx()`.

    Example:
        >>> y = in_floats(lambda x: x / 2)(ops.array([1], dtype="int32"))
        >>> float(y[0])
        0.5
    """

    @functools.wraps(function)
    def in_their_floats(x, *settings):
        dtype = keras.utils.standardize_dtype(x.dtype)
        if dtype in ("float16", "bfloat16"):
            return ops.cast(function(ops.cast(x, "float32"), *settings), dtype)
        if "float" not in dtype:
            x = ops.cast(x, keras.config.floatx())
        return function(x, *settings)

    return in_their_floats
