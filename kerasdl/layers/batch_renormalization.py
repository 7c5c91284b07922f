"""What `BatchNormalization(renorm=True)` has beyond batch normalisation."""

from keras import ops as K

from kerasdl import ops
from kerasdl.ops.limits import maximum


def check_clipping(clipping) -> dict:
    """Return the bounds of the correction if they agree with each other.

    Raises:
        ValueError: If a key is unknown or a bound contradicts another.

    Example:
        >>> check_clipping({"rmax": 3.0})
        {'rmax': 3.0}
    """
    clipping = clipping or {}
    known = ["rmax", "rmin", "dmax"]
    if set(clipping) - set(known):
        raise ValueError(
            "Received invalid keys for `renorm_clipping` argument: "
            f"{clipping}. Supported values: {known}."
        )
    rmax, rmin, dmax = (clipping.get(key) for key in known)
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(
            "rmax should be greater than rmin in the `renorm_clipping` argument. "
            f"Received: rmax={rmax}, rmin={rmin}."
        )
    if dmax is not None and dmax < 0:
        raise ValueError(
            f"dmax should be non-negative in the `renorm_clipping` argument. Received: dmax={dmax}."
        )
    return clipping


class BatchRenormalization:
    """The averages that training corrects the batch towards, and the correction.

    Their momentum is not that of the averages for inference. Deviations are averaged, not
    variances, as in the paper.
    """

    def _add_averages(self, add):
        def deviation(shape, dtype=None):
            return K.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

        self.moving_stddev = add("moving_stddev", deviation, trainable=False)
        self.renorm_mean = add("renorm_mean", self.moving_mean_initializer, trainable=False)
        self.renorm_stddev = add("renorm_stddev", deviation, trainable=False)

    def _corrected(self, mean, variance, gamma, beta):
        r"""Return $\gamma r$ and $\gamma d + \beta$."""
        # No division by zero while the average is young.
        moving_deviation = K.cast(self.renorm_stddev, mean.dtype)
        r, d = ops.renormalization(
            mean,
            K.sqrt(variance + self.epsilon),
            K.cast(self.renorm_mean, mean.dtype),
            maximum(moving_deviation, K.sqrt(K.cast(self.epsilon, mean.dtype))),
            **self.renorm_clipping,
        )
        if gamma is not None:
            r, d = r * gamma, d * gamma
        return r, d if beta is None else d + beta

    def _follow_with_deviations(self, mean, variance):
        deviation = K.sqrt(variance + self.epsilon)
        self._move(self.renorm_mean, mean, self.renorm_momentum)
        self._move(self.renorm_stddev, deviation, self.renorm_momentum)
        self._move(self.moving_mean, mean, self.momentum)
        moved = self._move(self.moving_stddev, deviation, self.momentum)
        variance = moved * moved - self.epsilon
        self.moving_variance.assign(maximum(variance, 0.0))  # rounding
