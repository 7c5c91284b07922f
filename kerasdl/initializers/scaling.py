r"""Weights whose variance depends on how many units they connect.

A unit's input $z = \sum_{i=1}^{n_{in}} W_i x_i$ has the variance $n_{in}\, \mathrm{Var}[W]\,
\mathrm{E}[x^2]$. Going back, the gradient has $n_{out}\, \mathrm{Var}[W]$ of the next layer's. Each
class below keeps one of the two, or something between, from growing or vanishing with depth.
"""

import math

import keras

from kerasdl.initializers.fans import compute_fans
from kerasdl.initializers.random import RandomInitializer

# Standard deviation of N(0, 1) once its tails beyond ±2 are cut: √(1 − 4 φ(2) / (2 Φ(2) − 1)).
_TRUNCATED_STDDEV = 0.87962566103423978

_FANS = {
    "fan_in": lambda n_in, n_out: n_in,
    "fan_out": lambda n_in, n_out: n_out,
    "fan_avg": lambda n_in, n_out: (n_in + n_out) / 2,
}
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


@keras.saving.register_keras_serializable(package="kerasdl")
class VarianceScaling(RandomInitializer):
    r"""Weights of a variance that shrinks with the number of units they connect.

    $$\mathrm{Var}[W] = \frac{s}{n}, \qquad
      n = n_{in}, \quad n_{out} \quad\text{or}\quad \frac{n_{in} + n_{out}}{2}$$

    Uniform weights are drawn from $U(-r, r)$ with $r = \sqrt{3 s / n}$, because
    $\mathrm{Var}[U(-r, r)] = r^2 / 3$. Truncated normal weights are drawn with a standard deviation
    that is larger by 1 / 0.8796, because cutting the tails takes that much away.

    Args:
        scale: $s > 0$.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`: which $n$.
        distribution: `"truncated_normal"` (or `"normal"`), `"untruncated_normal"` or `"uniform"`.
        seed: Integer, `keras.random.SeedGenerator` or `None` (see `RandomInitializer`).
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Raises:
        ValueError: If an argument is none of these.

    Source:
        He et al., 2015, Delving Deep into Rectifiers, section 2.2, for the derivation.

    Example:
        >>> w = VarianceScaling(2.0, "fan_out", "uniform", seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 2 / 100) < 1e-3
        True

    Differences from Keras: none; same seed, same values.
    """

    def __init__(
        self,
        scale=1.0,
        mode="fan_in",
        distribution="truncated_normal",
        seed=None,
        input_axes=None,
        output_axes=None,
    ):
        super().__init__(seed)
        if scale <= 0:
            raise ValueError(f"Argument `scale` must be positive float, received {scale!r}.")
        if mode not in _FANS:
            raise ValueError(f"Invalid `mode` argument: {mode!r}, expected one of {list(_FANS)}.")
        name = str(distribution).lower()
        name = "truncated_normal" if name == "normal" else name
        if name not in _DISTRIBUTIONS:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution!r}, expected one of "
                f"{list(_DISTRIBUTIONS)}."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = name
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape, dtype=None):
        """Draw a tensor of the given shape."""
        fans = compute_fans(shape, self.input_axes, self.output_axes)
        n = max(1.0, _FANS[self.mode](*fans))
        variance = self.scale / n
        if self.distribution == "uniform":
            r = math.sqrt(3 * variance)
            return keras.random.uniform(shape, -r, r, dtype=dtype, seed=self.seed)
        sigma = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return keras.random.normal(shape, 0.0, sigma, dtype=dtype, seed=self.seed)
        sigma = sigma / _TRUNCATED_STDDEV
        return keras.random.truncated_normal(shape, 0.0, sigma, dtype=dtype, seed=self.seed)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class NamedScaling(VarianceScaling):
    """A scale, a mode and a distribution that have a name."""

    _law: tuple[float, str, str]

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self._law, seed, input_axes, output_axes)

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        return {name: config[name] for name in ("seed", "input_axes", "output_axes")}
