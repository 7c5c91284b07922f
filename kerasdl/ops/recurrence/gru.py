r"""Gated recurrent unit: its equations, forwards and backwards."""

import functools

from keras import ops

from kerasdl.activations import sigmoid, tanh
from kerasdl.ops.linear import product
from kerasdl.ops.recurrence.gates import by_hand, cuts, of_gates, to_gates
from kerasdl.ops.recurrence.over_time import Recurrence
from kerasdl.ops.recurrence.through_time import through_time


def gru_step(a_x, a_h, h, activation=tanh, recurrent_activation=sigmoid):
    r"""One step of a GRU that resets after the product, gate by gate.

    With $a^x = x_t W + b^x$ and $a^h = h_{t-1} U + b^h$, each cut into three:

    $$z = \sigma(a^x_z + a^h_z), \qquad r = \sigma(a^x_r + a^h_r), \qquad
      \tilde h = \tanh(a^x_h + r \odot a^h_h)$$
    $$h_t = z \odot h_{t-1} + (1 - z) \odot \tilde h$$

    Args:
        a_x: Pre-activations $a^x$ (B, 3u), in the order $z, r, h$.
        a_h: Pre-activations $a^h$ (B, 3u).
        h: State $h_{t-1}$ (B, u).
        activation: In place of tanh.
        recurrent_activation: In place of $\sigma$.

    Returns:
        $h_t$ (B, u), and $z$, $r$, $\tilde h$ (B, u) in a tuple.

    Source:
        Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder, with the reset
        gate after the product as cuDNN has it.

    Example:
        >>> h, gates = gru_step(ops.zeros((1, 3)), ops.zeros((1, 3)), ops.ones((1, 1)))
        >>> float(h[0, 0])
        0.5
    """
    x_z, x_r, x_h = ops.split(a_x, 3, axis=-1)
    h_z, h_r, h_h = ops.split(a_h, 3, axis=-1)
    z = recurrent_activation(x_z + h_z)
    r = recurrent_activation(x_r + h_r)
    h_tilde = activation(x_h + r * h_h)
    h_t = z * h + (1 - z) * h_tilde
    return h_t, (z, r, h_tilde)


def gru_step_reset_before(a_x, h, U, activation=tanh, recurrent_activation=sigmoid):
    r"""One step of a GRU that resets before the product, as the paper has it.

    $$z = \sigma(a^x_z + h_{t-1} U_z), \qquad r = \sigma(a^x_r + h_{t-1} U_r), \qquad
      \tilde h = \tanh(a^x_h + (r \odot h_{t-1})\, U_h)$$
    $$h_t = z \odot h_{t-1} + (1 - z) \odot \tilde h$$

    Args:
        a_x: Pre-activations $x_t W + b$ (B, 3u), in the order $z, r, h$.
        h: State $h_{t-1}$ (B, u), or a tuple of it as each of the three products sees it (with
            dropout) behind the state itself.
        U: Recurrent kernel (u, 3u).
        activation: In place of tanh.
        recurrent_activation: In place of $\sigma$.

    Returns:
        $h_t$ (B, u), and $z$, $r$, $\tilde h$ (B, u) in a tuple.

    Source:
        Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder, equations 5 to
        8.

    Example:
        >>> h, gates = gru_step_reset_before(ops.zeros((1, 3)), ops.ones((1, 1)), ops.zeros((1, 3)))
        >>> float(h[0, 0])
        0.5
    """
    h, h_for_z, h_for_r, h_for_h = h if isinstance(h, tuple) else (h, h, h, h)
    x_z, x_r, x_h = ops.split(a_x, 3, axis=-1)
    U_z, U_r, U_h = ops.split(U, 3, axis=-1)
    z = recurrent_activation(x_z + product(h_for_z, U_z))
    r = recurrent_activation(x_r + product(h_for_r, U_r))
    h_tilde = activation(x_h + product(r * h_for_h, U_h))
    h_t = z * h + (1 - z) * h_tilde
    return h_t, (z, r, h_tilde)


def gru(
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
    recurrent_activation=sigmoid,
    reset_after=True,
):
    r"""Run a GRU along a sequence, with back-propagation through time derived by hand.

    Forwards `gru_step`. Backwards, with $q = a^h_h$:

    $$\begin{aligned}
      dz &= dh \odot (h_{t-1} - \tilde h), \qquad d\tilde h = dh \odot (1 - z) \\
      da_h &= d\tilde h \odot g'_h, \qquad dr = da_h \odot q, \qquad
      da_z = dz \odot \sigma'_z, \qquad da_r = dr \odot \sigma'_r \\
      da^x &= [da_z, da_r, da_h], \qquad da^h = [da_z, da_r, da_h \odot r] \\
      dh_{t-1} &= dh \odot z + da^h\, U^\top
    \end{aligned}$$

    and after the loop $dW = \sum_t x_t^\top da^x_t$, $dU = \sum_t h_{t-1}^\top da^h_t$. Where the
    reset comes before the product, $v = da_h\, U_h^\top$ is the gradient of $r \odot h_{t-1}$:
    $dr = v \odot h_{t-1}$, and $dh_{t-1} = dh \odot z + v \odot r + [da_z, da_r]\,
    [U_z, U_r]^\top$. docs/equations/recurrence.md derives each line.

    Args:
        x: Tensor (B, T, F).
        h_0: State (B, u) to start from.
        W: Kernel (F, 3u), in the order $z, r, h$.
        U: Recurrent kernel (u, 3u).
        b: Bias (2, 3u), those of $a^x$ and of $a^h$; (3u,) with `reset_after=False`; or `None`.
        mask: Booleans (B, T), `True` where a step counts; elsewhere the state stays.
        go_backwards: Whether $t$ runs from $T$ down to 1.
        return_sequences: Whether $h_t$ of all steps is returned.
        training: Whether the way back is prepared. Without, nothing is kept, and a gradient that is
            asked for all the same is the automatic one.
        activation: $g$; one that `kerasdl.ops.recurrence.by_hand` knows.
        recurrent_activation: $\sigma$; likewise.
        reset_after: Whether the reset gate acts after the product with $U$ (as cuDNN) or before it
            (as the paper).

    Returns:
        $h_1, \dots, h_T$ (B, T, u), each beside its input, or `None`; $h$ after the last step
        (B, u).

    Source:
        Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder, section 2.3.

    Example:
        >>> x, zero = ops.ones((1, 3, 2)), ops.zeros((1, 1))
        >>> h, h_T = gru(x, zero, ops.zeros((2, 3)), ops.zeros((1, 3)))
        >>> tuple(h.shape), float(h_T[0, 0])
        ((1, 3, 1), 0.0)
    """
    activations = by_hand(activation), by_hand(recurrent_activation)
    if reset_after:
        recurrence = _reset_after(*activations, cuts(3, x, W, U))
    else:
        recurrence = _reset_before(*activations)
    weights = [W, U] if b is None else [W, U, b]
    h, (h_T,) = through_time(
        recurrence, x, [h_0], weights, mask, go_backwards, return_sequences, training
    )
    return h, h_T


@functools.cache
def _reset_after(activation, recurrent_activation, kernels):
    (g, dg), (s, ds) = activation, recurrent_activation

    def prepare(W, U, *b):
        both = [of_gates(W, kernels), of_gates(U, kernels)]
        return [*both, ops.transpose(U), *(ops.unstack(b[0], 2) if b else [])]

    def step(x_t, states, prepared):
        (h,), (W, U, _, *b) = states, prepared
        a_x, a_h = to_gates(x_t, W, *b[:1]), to_gates(h, U, *b[1:])
        h_t, (z, r, h_tilde) = gru_step(a_x, a_h, h, g, s)
        return [h_t], [h, z, r, h_tilde, ops.split(a_h, 3, axis=-1)[2]]

    def back(upstream, kept, prepared):
        (dh,), (h, z, r, h_tilde, q), U_T = upstream, kept, prepared[2]
        da_h = dh * (1 - z) * dg(h_tilde)
        da_z = dh * (h - h_tilde) * ds(z)
        da_r = da_h * q * ds(r)
        da = ops.concatenate([da_z, da_r, da_h * r], axis=-1)  # of a^h
        return [da, da_h], [dh * z + product(da, U_T)]

    def weight_gradients(x, kept, da, W, U, *b):
        (h, *_), (da_recurrent, da_h) = kept, da
        u = da_h.shape[-1]
        da_x = ops.concatenate([da_recurrent[:, : 2 * u], da_h], axis=-1)
        dW, dU = product(ops.transpose(x), da_x), product(ops.transpose(h), da_recurrent)
        db = [ops.stack([ops.sum(da_x, axis=0), ops.sum(da_recurrent, axis=0)]) for _ in b]
        return product(da_x, ops.transpose(W)), [dW, dU, *db]

    return Recurrence(prepare, step, back, 5, (3, 1), weight_gradients)


@functools.cache
def _reset_before(activation, recurrent_activation):
    (g, dg), (s, ds) = activation, recurrent_activation

    def prepare(W, U, *b):
        u = U.shape[0]
        return [W, U, ops.transpose(U[:, : 2 * u]), ops.transpose(U[:, 2 * u :]), *b]

    def step(x_t, states, prepared):
        (h,), (W, U, _, _, *b) = states, prepared
        a_x = product(x_t, W)
        h_t, (z, r, h_tilde) = gru_step_reset_before(a_x + b[0] if b else a_x, h, U, g, s)
        return [h_t], [h, z, r, h_tilde]

    def back(upstream, kept, prepared):
        (dh,), (h, z, r, h_tilde), (_, _, U_zr_T, U_h_T, *_) = upstream, kept, prepared
        da_h = dh * (1 - z) * dg(h_tilde)
        v = product(da_h, U_h_T)  # of r ⊙ h
        da_zr = ops.concatenate([dh * (h - h_tilde) * ds(z), v * h * ds(r)], axis=-1)
        da = ops.concatenate([da_zr, da_h], axis=-1)
        return [da], [dh * z + v * r + product(da_zr, U_zr_T)]

    def weight_gradients(x, kept, da, W, U, *b):
        (h, _, r, _), (da,) = kept, da
        u = h.shape[-1]
        dU = [
            product(ops.transpose(h), da[:, : 2 * u]),
            product(ops.transpose(r * h), da[:, 2 * u :]),
        ]
        dW = product(ops.transpose(x), da)
        db = [ops.sum(da, axis=0) for _ in b]
        return product(da, ops.transpose(W)), [dW, ops.concatenate(dU, axis=-1), *db]

    return Recurrence(prepare, step, back, 4, (3,), weight_gradients)
