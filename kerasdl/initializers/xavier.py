r"""Xavier's initialiser as it is taught: one over the number of incoming units.

"Xavier" names two different variances, after the same first author:

| name | variance | keeps |
| --- | --- | --- |
| `XavierNormal`, `XavierUniform` (courses, Caffe) | $1 / n_{in}$ | the scale of the signal |
| `GlorotNormal`, `GlorotUniform` (the paper, PyTorch's `xavier_normal_`) | $2 / (n_{in} + n_{out})$ | a compromise of signal and gradient |

They agree where $n_{in} = n_{out}$. `LecunNormal` and `LecunUniform` have the variance of the first
row too; they were there before, for the same reason. Both are for activations that are about linear
at 0 (tanh; sigmoid, whose slope there is 1/4). ReLU needs twice as much: `HeNormal`.
"""  # noqa: E501 - a table

import keras

from kerasdl.initializers.scaling import NamedScaling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class XavierNormal(NamedScaling):
    r"""Normal weights for tanh and sigmoid: the signal keeps its variance from layer to layer.

    $$W \sim N\left(0, \frac{1}{n_{in}}\right), \qquad
      \mathrm{Var}\Big[\sum_{i=1}^{n_{in}} W_i x_i\Big] =
      n_{in} \cdot \frac{1}{n_{in}} \cdot \mathrm{E}[x^2] = \mathrm{E}[x^2]$$

    Args:
        seed: Integer, `keras.random.SeedGenerator` or `None`.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        Glorot and Bengio, 2010, equation 10 (the condition on the signals alone).

    Example:
        >>> w = XavierNormal(seed=1)((400, 100))
        >>> abs(float(keras.ops.var(w)) - 1 / 400) < 1e-4
        True

    Differences from the paper: its equation 12 adds the condition on the gradients and arrives at
    2 / (n_in + n_out), which is `GlorotNormal`. From `LecunNormal`: the variance is the same, the
    tails are not cut. Keras has no initialiser of this name; it equals
    `VarianceScaling(1.0, "fan_in", "untruncated_normal")`.
    """

    _law = (1.0, "fan_in", "untruncated_normal")


@_register
class XavierUniform(NamedScaling):
    r"""Uniform weights with the variance of `XavierNormal`.

    $$W \sim U(-r, r), \qquad r = \sqrt{\frac{3}{n_{in}}}, \qquad
      \mathrm{Var}[W] = \frac{1}{n_{in}}$$

    Args:
        seed: Integer, `keras.random.SeedGenerator` or `None`.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        Jia et al., 2014, Caffe (`XavierFiller`); the condition is Glorot and Bengio's, 2010,
        equation 10.

    Example:
        >>> w = XavierUniform(seed=1)((400, 100))
        >>> abs(float(keras.ops.var(w)) - 1 / 400) < 1e-4
        True

    Differences from `GlorotUniform`: $n_{in}$ alone. From `LecunUniform`: the name; same seed, same
    values.
    """

    _law = (1.0, "fan_in", "uniform")
