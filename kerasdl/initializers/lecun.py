"""LeCun's initialisers: the signal keeps its variance."""

import keras

from kerasdl.initializers.scaling import NamedScaling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class LecunNormal(NamedScaling):
    r"""Truncated normal weights that keep the variance of the signal.

    $$\mathrm{Var}[W] = \frac{1}{n_{in}}$$

    Args:
        seed: Integer, `keras.random.SeedGenerator` or `None`.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        LeCun et al., 1998, Efficient BackProp, equation 16; Klambauer et al., 2017, for SELU.

    Example:
        >>> w = LecunNormal(seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 1 / 200) < 5e-4
        True

    Differences from the paper: the tails are cut at two standard deviations (the variance is the
    paper's). From Keras: none; same seed, same values.
    """

    _law = (1.0, "fan_in", "truncated_normal")


@_register
class LecunUniform(NamedScaling):
    r"""Uniform weights with the variance of `LecunNormal`.

    $$W \sim U(-r, r), \qquad r = \sqrt{\frac{3}{n_{in}}}, \qquad
      \mathrm{Var}[W] = \frac{1}{n_{in}}$$

    Args:
        seed: Integer, `keras.random.SeedGenerator` or `None`.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        LeCun et al., 1998, Efficient BackProp, section 4.6.

    Example:
        >>> w = LecunUniform(seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 1 / 200) < 5e-4
        True

    Differences from the paper and from Keras: none; same seed, same values as Keras.
    """

    _law = (1.0, "fan_in", "uniform")
