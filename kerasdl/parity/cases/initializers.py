"""Cases of the initialisers. Variances are those of the equations, for a kernel (30, 50)."""

import numpy as np

from kerasdl.parity.case import InitializerCase

SHAPE = (30, 50)
IN, OUT = SHAPE


def drawn(name, variance, label="", **kwargs):
    """Return the case of an initialiser that draws."""
    return InitializerCase(
        symbol=f"initializers.{name}",
        label=label,
        kwargs={"seed": 3, **kwargs},
        shape=SHAPE,
        variance=variance,
    )


def fixed(name, reference, shape=SHAPE, **kwargs):
    """Return the case of an initialiser that draws nothing."""
    return InitializerCase(
        symbol=f"initializers.{name}", kwargs=kwargs, shape=shape, reference=reference
    )


CASES = [
    drawn("GlorotUniform", 2 / (IN + OUT)),
    drawn("GlorotNormal", 2 / (IN + OUT)),
    drawn("HeUniform", 2 / IN),
    drawn("HeNormal", 2 / IN),
    drawn("LecunUniform", 1 / IN),
    drawn("LecunNormal", 1 / IN),
    drawn("XavierUniform", 1 / IN),
    drawn("XavierNormal", 1 / IN),
    drawn("VarianceScaling", 3 / OUT, scale=3.0, mode="fan_out", distribution="uniform"),
    drawn("RandomNormal", 0.2**2, stddev=0.2),
    drawn("RandomUniform", 0.5**2 / 12, minval=-0.25, maxval=0.25),
    # A normal distribution cut at two standard deviations keeps 0.7737 of its variance.
    drawn("TruncatedNormal", 0.7737413 * 0.2**2, stddev=0.2),
    drawn("Orthogonal", None, gain=1.5),
    fixed("Zeros", np.zeros),
    fixed("Ones", np.ones),
    fixed("Constant", lambda shape: np.full(shape, 2.5), value=2.5),
    fixed("Identity", lambda shape: 1.5 * np.eye(*shape), gain=1.5),
]
