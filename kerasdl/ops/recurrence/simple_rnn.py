r"""The simple recurrent network: its equation, forwards and backwards."""

import functools

from keras import ops

from kerasdl.activations import tanh
from kerasdl.ops.linear import product
from kerasdl.ops.recurrence.gates import by_hand
from kerasdl.ops.recurrence.over_time import Recurrence
from kerasdl.ops.recurrence.through_time import through_time


def simple_rnn(
    x,
    h_0,
    W,
    U,
    b=None,
    mask=None,
    go_backwards=False,
    return_sequences=True,
    training=True,
    activation=tanh,
):
    r"""Run a simple recurrent network along a sequence, its gradient derived by hand.

    $$h_t = g(x_t W + h_{t-1} U + b)$$

    Backwards $dz = dh \odot g'(z)$ and $dh_{t-1} = dz\, U^\top$; after the loop
    $dW = \sum_t x_t^\top dz_t$, $dU = \sum_t h_{t-1}^\top dz_t$, $db = \sum_t dz_t$,
    $dx_t = dz_t W^\top$. Over many steps $dh$ is multiplied with $U^\top$ again and again: it
    vanishes or explodes. docs/equations/recurrence.md derives each line.

    Args:
        x: Tensor (B, T, F).
        h_0: State (B, u) to start from.
        W: Kernel (F, u).
        U: Recurrent kernel (u, u).
        b: Bias (u,), or `None`.
        mask: Booleans (B, T), `True` where a step counts; elsewhere the state stays.
        go_backwards: Whether $t$ runs from $T$ down to 1.
        return_sequences: Whether $h_t$ of all steps is returned.
        training: Whether the way back is prepared. Without, nothing is kept, and a gradient that is
            asked for all the same is the automatic one.
        activation: $g$; one that `kerasdl.ops.recurrence.by_hand` knows.

    Returns:
        $h_1, \dots, h_T$ (B, T, u), each beside its input, or `None`; $h$ after the last step
        (B, u).

    Source:
        Elman, 1990, Finding Structure in Time. Goodfellow et al., 2016, Deep Learning, equations
        10.8 and 10.9.

    Example:
        >>> from kerasdl.activations import linear
        >>> x, zero, one = ops.ones((1, 3, 1)), ops.zeros((1, 1)), ops.ones((1, 1))
        >>> h, h_T = simple_rnn(x, zero, one, one, activation=linear)
        >>> [float(v) for v in h[0, :, 0]]
        [1.0, 2.0, 3.0]
    """
    recurrence = _recurrence(by_hand(activation))
    weights = [W, U] if b is None else [W, U, b]
    h, (h_T,) = through_time(
        recurrence, x, [h_0], weights, mask, go_backwards, return_sequences, training
    )
    return h, h_T


@functools.cache
def _recurrence(activation):
    g, dg = activation

    def prepare(W, U, *b):
        return [ops.concatenate([W, U], axis=0), ops.transpose(U), *b]

    def step(x_t, states, prepared):
        (h,), (K, _, *b) = states, prepared
        z = product(ops.concatenate([x_t, h], axis=-1), K)  # x W + h U
        h_t = g(z + b[0] if b else z)
        return [h_t], [h, h_t]

    def back(upstream, kept, prepared):
        (dh,), (_, h_t), U_T = upstream, kept, prepared[1]
        dz = dh * dg(h_t)
        return [dz], [product(dz, U_T)]

    def weight_gradients(x, kept, da, W, U, *b):
        (h, _), (dz,) = kept, da
        dW, dU = product(ops.transpose(x), dz), product(ops.transpose(h), dz)
        return product(dz, ops.transpose(W)), [dW, dU, *[ops.sum(dz, axis=0) for _ in b]]

    return Recurrence(prepare, step, back, 2, (1,), weight_gradients)
