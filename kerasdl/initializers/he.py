"""He's initialisers, for ReLU."""

import keras

from kerasdl.initializers.scaling import NamedScaling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class HeNormal(NamedScaling):
    r"""Truncated normal weights for ReLU, which halves the mean square of what it lets through.

    $$\mathrm{Var}[W] = \frac{2}{n_{in}}$$

    Args:
        seed: Integer, `keras.random.SeedGenerator` or `None`.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        He et al., 2015, Delving Deep into Rectifiers, equation 10.

    Example:
        >>> w = HeNormal(seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 2 / 200) < 5e-4
        True

    Differences from the paper: the tails are cut at two standard deviations (the variance is the
    paper's). From Keras: none; same seed, same values.
    """

    _law = (2.0, "fan_in", "truncated_normal")


@_register
class HeUniform(NamedScaling):
    r"""Uniform weights with the variance of `HeNormal`.

    $$W \sim U(-r, r), \qquad r = \sqrt{\frac{6}{n_{in}}}, \qquad
      \mathrm{Var}[W] = \frac{2}{n_{in}}$$

    Args:
        seed: Integer, `keras.random.SeedGenerator` or `None`.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        He et al., 2015, Delving Deep into Rectifiers, equation 10.

    Example:
        >>> w = HeUniform(seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 2 / 200) < 5e-4
        True

    Differences from the paper: a uniform law. From Keras: none; same seed, same values.
    """

    _law = (2.0, "fan_in", "uniform")
