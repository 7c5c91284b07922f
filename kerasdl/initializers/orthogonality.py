"""Weights that neither stretch nor shrink."""

import math

import keras
from keras import ops

from kerasdl.initializers.random import RandomInitializer


@keras.saving.register_keras_serializable(package="kerasdl")
class Orthogonal(RandomInitializer):
    r"""An orthogonal matrix, drawn so that none is likelier than another.

    $$A_{ij} \sim N(0, 1), \qquad A = Q R, \qquad W = g\, Q\, \mathrm{diag}(\mathrm{sign}(R_{ii})),
      \qquad W^\top W = g^2 I$$

    The signs make $Q$ unique, and so uniform over the orthogonal matrices; the factorisation alone
    chooses them as its algorithm likes. With fewer rows than columns the rows are orthogonal
    instead. A weight of higher rank is a matrix (all axes but the last, the last).

    Args:
        gain: $g$, the length of each column.
        seed: Integer, `keras.random.SeedGenerator` or `None`.

    Raises:
        ValueError: If the weight has fewer than two axes.

    Source:
        Saxe et al., 2014, Exact Solutions to the Nonlinear Dynamics of Learning, section 2.
        The signs: Mezzadri, 2007, How to Generate Random Matrices, section 4.

    Example:
        >>> w = Orthogonal(seed=1)((5, 3))
        >>> round(float(keras.ops.sum(w[:, 0] ** 2)), 5), round(float(keras.ops.sum(w**2)), 5)
        (1.0, 3.0)

    Differences from the paper: the signs. From Keras: none; same seed, same values.
    """

    def __init__(self, gain=1.0, seed=None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape, dtype=None):
        """Draw a tensor of the given shape."""
        if len(shape) < 2:
            raise ValueError(
                "`Orthogonal` initialises weights of two axes or more, received "
                f"shape={tuple(shape)} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        dtype = keras.backend.standardize_dtype(dtype)
        # No backend factorises a matrix of bfloat16, and Q would not be orthogonal in it.
        wide = "float32" if dtype in ("float16", "bfloat16") else dtype
        A = keras.random.normal(tall, dtype=wide, seed=self.seed)
        Q, R = ops.qr(A)
        W = Q * ops.sign(ops.diag(R))
        if rows < columns:
            W = ops.transpose(W)
        return ops.cast(self.gain * ops.reshape(W, shape), dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "gain": self.gain}
