"""Losses of distributions and counts: Kullback-Leibler divergence and Poisson likelihood."""

import keras
from keras import ops

from kerasdl.losses.base import as_tensors, mean, register
from kerasdl.ops.limits import clip


@register
def kl_divergence(y_true, y_pred):
    r"""Kullback-Leibler divergence: what it costs to take one distribution for another.

    $$\ell = \sum_k y_k \log \frac{y_k}{p_k}$$

    Args:
        y_true: Distribution $y$ (…, classes).
        y_pred: Distribution $p$ (…, classes).

    Returns:
        Tensor (…): one loss for each example, 0 where the two agree.

    Source:
        Kullback and Leibler, 1951. Goodfellow et al., 2016, Deep Learning, equation 3.50.

    Example:
        >>> round(float(kl_divergence([1.0, 0.0], [0.5, 0.5])), 4)
        0.6931
    """
    y, p = as_tensors(y_true, y_pred)
    epsilon = keras.config.epsilon()
    y, p = clip(y, epsilon, 1), clip(p, epsilon, 1)
    return ops.sum(y * ops.log(y / p), axis=-1)


@register
def poisson(y_true, y_pred):
    r"""Negative log-likelihood of counts, up to what does not depend on the prediction.

    $$\ell = \frac{1}{n} \sum_{i=1}^{n} \hat y_i - y_i \log(\hat y_i + \epsilon)$$

    Args:
        y_true: Counts $y$ (…, n).
        y_pred: Rates $\hat y$ (…, n), positive.

    Returns:
        Tensor (…): one loss for each example.

    Source:
        McCullagh and Nelder, 1989, Generalized Linear Models, chapter 6.

    Example:
        >>> round(float(poisson([1.0], [1.0])), 4)
        1.0
    """
    y, p = as_tensors(y_true, y_pred)
    return mean(p - y * ops.log(p + keras.config.epsilon()))
