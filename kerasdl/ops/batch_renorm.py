"""The correction of batch renormalisation."""

import math

from keras import ops

from kerasdl.ops.limits import clip


def renormalization(
    mean, deviation, moving_mean, moving_deviation, rmin=None, rmax=None, dmax=None
):
    r"""Work out how a batch's statistics differ from their moving averages.

    $$r = \mathrm{clip}_{[r_{min},\, r_{max}]} \left( \frac{\sigma_B}{\sigma} \right), \qquad
      d = \mathrm{clip}_{[-d_{max},\, d_{max}]} \left( \frac{\mu_B - \mu}{\sigma} \right)$$

    $\hat x = \frac{x - \mu_B}{\sigma_B} r + d$ is then normalised by the averages, as at inference,
    while the gradient still flows through $\mu_B$ and $\sigma_B$; $r$ and $d$ count as constants.

    Args:
        mean: $\mu_B$ of the batch (C,).
        deviation: $\sigma_B$ (C,).
        moving_mean: $\mu$ (C,).
        moving_deviation: $\sigma$ (C,).
        rmin: $r_{min}$, or `None` for no bound.
        rmax: $r_{max}$, or `None`.
        dmax: $d_{max}$, or `None`.

    Returns:
        $r$ and $d$ (C,), without gradients.

    Source:
        Ioffe, 2017, Batch Renormalization, algorithm 1.

    Example:
        >>> one = ops.array([1.0])
        >>> r, d = renormalization(3 * one, 4 * one, one, 2 * one, rmax=1.5)
        >>> float(r[0]), float(d[0])
        (1.5, 1.0)
    """
    r = deviation / moving_deviation
    d = (mean - moving_mean) / moving_deviation
    r = clip(r, -math.inf if rmin is None else rmin, math.inf if rmax is None else rmax)
    if dmax is not None:
        d = clip(d, -dmax, dmax)
    return ops.stop_gradient(r), ops.stop_gradient(d)
