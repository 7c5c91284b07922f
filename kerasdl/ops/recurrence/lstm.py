r"""Long short-term memory: its equations, forwards and backwards."""

import functools

from keras import ops

from kerasdl.activations import sigmoid, tanh
from kerasdl.ops.linear import product
from kerasdl.ops.recurrence.gates import by_hand, cuts, of_gates, to_gates
from kerasdl.ops.recurrence.over_time import Recurrence
from kerasdl.ops.recurrence.through_time import through_time


def lstm_step(z, c, activation=tanh, recurrent_activation=sigmoid):
    r"""One step of an LSTM from its pre-activations, gate by gate.

    With $z = x_t W + h_{t-1} U + b$, cut into four:

    $$i = \sigma(z_i), \quad f = \sigma(z_f), \quad \tilde c = \tanh(z_c), \quad o = \sigma(z_o)$$
    $$c_t = f \odot c_{t-1} + i \odot \tilde c, \qquad h_t = o \odot \tanh(c_t)$$

    Args:
        z: Pre-activations (B, 4u), in the order $i, f, c, o$.
        c: Cell state $c_{t-1}$ (B, u).
        activation: In place of tanh.
        recurrent_activation: In place of $\sigma$.

    Returns:
        $h_t$, $c_t$ (B, u), and the gates $i$, $f$, $\tilde c$, $o$ (B, u) in a tuple.

    Source:
        Hochreiter and Schmidhuber, 1997, Long Short-Term Memory; the forget gate from Gers et al.,
        2000, Learning to Forget.

    Example:
        >>> h, c, gates = lstm_step(ops.zeros((1, 4)), ops.ones((1, 1)))
        >>> float(c[0, 0]), float(gates[1][0, 0])
        (0.5, 0.5)
    """
    z_i, z_f, z_c, z_o = ops.split(z, 4, axis=-1)
    i = recurrent_activation(z_i)
    f = recurrent_activation(z_f)
    c_tilde = activation(z_c)
    o = recurrent_activation(z_o)
    c_t = f * c + i * c_tilde
    h_t = o * activation(c_t)
    return h_t, c_t, (i, f, c_tilde, o)


def lstm(
    x,
    h_0,
    c_0,
    W,
    U,
    b=None,
    mask=None,
    go_backwards=False,
    return_sequences=True,
    training=True,
    activation=tanh,
    recurrent_activation=sigmoid,
):
    r"""Run an LSTM along a sequence, with back-propagation through time derived by hand.

    Forwards `lstm_step`. Backwards, with $g = \tanh$, from what the later steps hand down:

    $$\begin{aligned}
      do &= dh \odot g(c_t), \qquad dc \mathrel{+}= dh \odot o \odot g'(c_t) \\
      di &= dc \odot \tilde c, \quad df = dc \odot c_{t-1}, \quad d\tilde c = dc \odot i \\
      dz &= [\, di \odot \sigma'_i,\; df \odot \sigma'_f,\; d\tilde c \odot g'_c,\;
             do \odot \sigma'_o \,] \\
      dh_{t-1} &= dz\, U^\top, \qquad dc_{t-1} = dc \odot f
    \end{aligned}$$

    and after the loop $dW = \sum_t x_t^\top dz_t$, $dU = \sum_t h_{t-1}^\top dz_t$,
    $db = \sum_t dz_t$, $dx_t = dz_t W^\top$. docs/equations/recurrence.md derives each line.

    Args:
        x: Tensor (B, T, F).
        h_0: Hidden state (B, u) to start from.
        c_0: Cell state (B, u) to start from.
        W: Kernel (F, 4u), in the order $i, f, c, o$.
        U: Recurrent kernel (u, 4u).
        b: Bias (4u,), or `None`.
        mask: Booleans (B, T), `True` where a step counts; elsewhere the states stay.
        go_backwards: Whether $t$ runs from $T$ down to 1.
        return_sequences: Whether $h_t$ of all steps is returned.
        training: Whether the way back is prepared. Without, nothing is kept, and a gradient that is
            asked for all the same is the automatic one.
        activation: $g$; one that `kerasdl.ops.recurrence.by_hand` knows.
        recurrent_activation: $\sigma$; likewise.

    Returns:
        $h_1, \dots, h_T$ (B, T, u), each beside its input, or `None`; $h$ and $c$ after the last
        step (B, u).

    Source:
        Graves and Schmidhuber, 2005, Framewise Phoneme Classification with Bidirectional LSTM,
        appendix A.

    Example:
        >>> x, zero = ops.ones((1, 3, 2)), ops.zeros((1, 1))
        >>> h, h_T, c_T = lstm(x, zero, zero, ops.zeros((2, 4)), ops.zeros((1, 4)))
        >>> tuple(h.shape), float(h_T[0, 0])
        ((1, 3, 1), 0.0)
    """
    activations = by_hand(activation), by_hand(recurrent_activation)
    recurrence = _recurrence(*activations, cuts(4, x, W, U))
    weights = [W, U] if b is None else [W, U, b]
    how = (mask, go_backwards, return_sequences, training)
    h, (h_T, c_T) = through_time(recurrence, x, [h_0, c_0], weights, *how)
    return h, h_T, c_T


@functools.cache
def _recurrence(activation, recurrent_activation, kernels):
    (g, dg), (s, ds) = activation, recurrent_activation

    def prepare(W, U, *b):
        K = of_gates(ops.concatenate([W, U], axis=0), kernels)
        return [K, ops.transpose(U), *b]

    def step(x_t, states, prepared):
        (h, c), (K, _, *b) = states, prepared
        z = to_gates(ops.concatenate([x_t, h], axis=-1), K, *b)  # x W + h U + b, (B, 4u)
        h_t, c_t, (i, f, c_tilde, o) = lstm_step(z, c, g, s)
        return [h_t, c_t], [h, c, i, f, c_tilde, o, g(c_t)]

    def back(upstream, kept, prepared):
        (dh, dc), (_, c, i, f, c_tilde, o, g_c) = upstream, kept  # (B, u) each
        U_T = prepared[1]
        do = dh * g_c
        dc = dc + dh * o * dg(g_c)
        di, df, dc_tilde = dc * c_tilde, dc * c, dc * i
        dz = ops.concatenate([di * ds(i), df * ds(f), dc_tilde * dg(c_tilde), do * ds(o)], axis=-1)
        return [dz], [product(dz, U_T), dc * f]

    def weight_gradients(x, kept, da, W, U, *b):
        (h, *_), (dz,) = kept, da  # of all T steps and B examples: (TB, u), (TB, 4u)
        dW, dU = product(ops.transpose(x), dz), product(ops.transpose(h), dz)
        return product(dz, ops.transpose(W)), [dW, dU, *[ops.sum(dz, axis=0) for _ in b]]

    return Recurrence(prepare, step, back, 7, (4,), weight_gradients)
