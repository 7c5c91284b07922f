"""Rosenblatt's perceptron: its decision and its rule of learning."""

from keras import ops

from kerasdl.activations import step
from kerasdl.ops.linear import affine


def perceptron(x, w, b):
    r"""Say 1 where the weighted sum reaches the threshold, 0 elsewhere.

    $$o = \mathrm{step}(x w + b), \qquad
      \mathrm{step}(z) = \begin{cases} 1 & z \ge 0 \\ 0 & z < 0 \end{cases}$$

    Args:
        x: Inputs (…, n).
        w: Weights (n, K): one column for each of the K perceptrons.
        b: Biases (K,).

    Returns:
        Tensor (…, K) of zeros and ones in the dtype of `x`.

    Source:
        Rosenblatt, 1958, The Perceptron.

    Example:
        >>> w, b = ops.array([[1.0], [1.0]]), ops.array([-1.5])
        >>> [float(o) for o in perceptron(ops.array([[1.0, 1.0], [0.0, 1.0]]), w, b)[:, 0]]
        [1.0, 0.0]
    """
    return step(affine(x, w, b))


def perceptron_update(x, y, w, b, alpha):
    r"""Learn from one example: move towards it, or away from it, if the answer was wrong.

    $$e = y - o, \qquad w \leftarrow w + \alpha\, x\, e, \qquad b \leftarrow b + \alpha\, e$$

    A right answer ($e = 0$) changes nothing. It is a step of gradient descent on $-e\, z$ with $e$
    held fixed; $o$ itself has no useful derivative.

    Args:
        x: One input (n,).
        y: Its K right answers, each 0 or 1 (K,).
        w: Weights (n, K).
        b: Biases (K,).
        alpha: Learning rate $\alpha > 0$. From weights of zero it scales $w$ and $b$ and changes
            no decision.

    Returns:
        `(w, b, e)`.

    Source:
        Rosenblatt, 1958; in this form Widrow and Lehr, 1990, 30 Years of Adaptive Neural Networks,
        equation 16.

    Example:
        >>> w, b, e = perceptron_update(
        ...     ops.array([2.0]), ops.array([0.0]), ops.array([[1.0]]), ops.array([0.0]), 0.5
        ... )
        >>> float(w[0, 0]), float(b[0]), float(e[0])
        (0.0, -0.5, -1.0)
    """
    o = perceptron(x[None, :], w, b)[0]  # (K,)
    e = y - o
    return w + alpha * x[:, None] * e[None, :], b + alpha * e, e


def perceptron_epoch(x, y, w, b, alpha):
    r"""Learn from every example once, in order.

    Args:
        x: Inputs (N, n).
        y: Right answers (N, K), zeros and ones.
        w: Weights (n, K).
        b: Biases (K,).
        alpha: Learning rate $\alpha > 0$.

    Returns:
        `(w, b, errors)`, where `errors` (K,) counts the wrong answers of each perceptron on the way
        ($\sum |e|$). If none was wrong, the weights are those that came, and more epochs change
        nothing.

    Source:
        Novikoff, 1962, On Convergence Proofs for Perceptrons: if some unit vector separates the
        classes with the margin $\gamma$ and no input is longer than $R$ (both with a 1 appended for
        the bias), there are at most $(R / \gamma)^2$ wrong answers in all epochs together, from
        weights of zero.

    Example:
        >>> x = ops.array([[-1.0], [1.0]], dtype="float32")
        >>> y = ops.array([[0.0], [1.0]], dtype="float32")
        >>> w, b, errors = perceptron_epoch(x, y, ops.zeros((1, 1)), ops.zeros((1,)), 1.0)
        >>> float(w[0, 0]), float(b[0]), float(errors[0])
        (1.0, -1.0, 1.0)
    """

    def learn(i, state):
        w, b, errors = state
        example = ops.take(x, i, axis=0), ops.take(y, i, axis=0)
        w, b, e = perceptron_update(*example, w, b, alpha)
        return w, b, errors + ops.abs(e)

    return ops.fori_loop(0, ops.shape(x)[0], learn, (w, b, ops.zeros_like(b)))
