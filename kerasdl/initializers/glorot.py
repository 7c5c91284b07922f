"""Glorot's initialisers: a compromise of signal and gradient."""

import keras

from kerasdl.initializers.scaling import NamedScaling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class GlorotUniform(NamedScaling):
    r"""Uniform weights whose variance keeps signals and gradients at the same scale.

    $$W \sim U(-r, r), \qquad r = \sqrt{\frac{6}{n_{in} + n_{out}}}, \qquad
      \mathrm{Var}[W] = \frac{r^2}{3} = \frac{2}{n_{in} + n_{out}}$$

    Signals ask for $1 / n_{in}$, gradients for $1 / n_{out}$; this is the compromise.

    Args:
        seed: Integer or `keras.random.SeedGenerator`. With an integer, every call gives the same
            values. `None` draws an integer once.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        Glorot and Bengio, 2010, equation 16.

    Example:
        >>> w = GlorotUniform(seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 2 / 300) < 5e-4
        True

    Differences from the paper and from Keras: none; same seed, same values as Keras.
    """

    _law = (1.0, "fan_avg", "uniform")


@_register
class GlorotNormal(NamedScaling):
    r"""Truncated normal weights with the variance of `GlorotUniform`.

    $$\mathrm{Var}[W] = \frac{2}{n_{in} + n_{out}}$$

    Args:
        seed: Integer, `keras.random.SeedGenerator` or `None`.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        Glorot and Bengio, 2010, equation 12.

    Example:
        >>> w = GlorotNormal(seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 2 / 300) < 5e-4
        True

    Differences from the paper: a normal law, its tails cut at two standard deviations.
    From Keras: none; same seed, same values.
    """

    _law = (1.0, "fan_avg", "truncated_normal")
