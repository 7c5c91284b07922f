"""Attention: scores, masks, weighted sum.

Symbols: B examples, T queries, S keys, N heads, d size of a head.
"""

import math
import string

from keras import ops

from kerasdl.activations import tanh
from kerasdl.activations.fast_softmax import fast_softmax
from kerasdl.ops.linear import affine, product


def scaled_dot_product_attention(query, key, value, mask=None, scale=None, dropout=None):
    r"""Mix the values, each query weighting them by how well the keys match it.

    $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$

    Args:
        query: Tensor (B, T, N, d).
        key: Tensor (B, S, N, d).
        value: Tensor (B, S, N, d_v).
        mask: Booleans that broadcast to (B, N, T, S); True where a query may look at a key.
        scale: Factor on the scores; default $1/\sqrt{d}$.
        dropout: Function applied to the weights before the values are mixed, or `None`.

    Returns:
        The context (B, T, N, d_v) and the weights (B, N, T, S) before dropout. A query that may
        look at nothing gets weights 0 and context 0.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, equation 1.

    Example:
        >>> q = k = v = ops.ones((1, 2, 1, 4))
        >>> context, weights = scaled_dot_product_attention(q, k, v)
        >>> [float(w) for w in weights[0, 0, 0]]
        [0.5, 0.5]
    """
    query, key, value = map(ops.convert_to_tensor, (query, key, value))
    d = query.shape[-1]
    scale = 1 / math.sqrt(d) if scale is None else scale
    # Scaling Q costs T·d products, scaling the scores would cost T·S.
    scores = scores_of_heads(query * ops.cast(scale, query.dtype), key)
    weights = masked_softmax(scores, mask)  # (B, N, T, S)
    mixed = weights if dropout is None else dropout(weights)
    return context_of_heads(mixed, value), weights


def scores_of_heads(query, key):
    r"""Score the keys for the queries, each head on its own.

    $$S_n = Q_n K_n^\top$$

    As products of matrices, heads first, not as one einsum: on JAX, for eight heads and 256
    queries, attention takes 28 ms in place of 51 forwards and 97 in place of 104 with its gradient.

    Args:
        query: $Q$, tensor (B, T, N, d).
        key: $K$, tensor (B, S, N, d).

    Returns:
        $S$, (B, N, T, S).

    Example:
        >>> q, k = ops.ones((1, 2, 1, 4)), ops.ones((1, 3, 1, 4))
        >>> scores_of_heads(q, k)[0, 0].shape[1], float(scores_of_heads(q, k)[0, 0, 0, 0])
        (3, 4.0)
    """
    return product(_heads_first(query), ops.transpose(key, (0, 2, 3, 1)))


def context_of_heads(weights, value):
    r"""Mix the values, each head by its own weights.

    $$O_n = A_n V_n$$

    Args:
        weights: $A$, tensor (B, N, T, S).
        value: $V$, tensor (B, S, N, d_v).

    Returns:
        $O$, (B, T, N, d_v).

    Example:
        >>> A, V = ops.ones((1, 1, 2, 3)), ops.ones((1, 3, 1, 4))
        >>> tuple(context_of_heads(A, V).shape), float(context_of_heads(A, V)[0, 0, 0, 0])
        ((1, 2, 1, 4), 3.0)
    """
    return _heads_first(product(weights, _heads_first(value)))


def _heads_first(x):
    return ops.swapaxes(x, 1, 2)


def dot_score(query, key, scale=None):
    r"""Score every key by its dot product with every query.

    $$e_{ts} = g\, q_t^\top k_s$$

    Args:
        query: $q$, tensor (…, T, d).
        key: $k$, tensor (…, S, d).
        scale: $g$, a number; `None` for 1.

    Returns:
        The scores (…, T, S).

    Source:
        Luong et al., 2015, Effective Approaches to Attention-based Neural Machine Translation,
        equation 8, "dot".

    Example:
        >>> q, k = ops.array([[[1.0, 2.0]]]), ops.array([[[3.0, 4.0], [5.0, 6.0]]])
        >>> [float(e) for e in dot_score(q, k)[0, 0]]
        [11.0, 17.0]
    """
    q, k = ops.convert_to_tensor(query), ops.convert_to_tensor(key)
    if scale is not None:  # scaling q costs T·d products, scaling the scores would cost T·S
        q = q * ops.cast(scale, q.dtype)
    return product(q, ops.swapaxes(k, -2, -1))


def additive_score(query, key, v=None):
    r"""Score every key by a small network that reads it together with the query.

    $$e_{ts} = v^\top \tanh(q_t + k_s) = \sum_i v_i \tanh(q_{ti} + k_{si})$$

    (The paper's $v^\top \tanh(W s_t + U h_s)$, with $q_t = W s_t$ and $k_s = U h_s$: the
    projections are layers before this one.)

    Args:
        query: $q$, tensor (…, T, d).
        key: $k$, tensor (…, S, d).
        v: Vector (d,); `None` for ones.

    Returns:
        The scores (…, T, S).

    Source:
        Bahdanau et al., 2015, Neural Machine Translation by Jointly Learning to Align and
        Translate, appendix A.1.2.

    Example:
        >>> q, k = ops.array([[[100.0, 0.0]]]), ops.array([[[0.0, 0.0], [0.0, 100.0]]])
        >>> [float(e) for e in additive_score(q, k, v=ops.array([1.0, 2.0]))[0, 0]]
        [1.0, 3.0]
    """
    q, k = ops.convert_to_tensor(query), ops.convert_to_tensor(key)
    h = tanh(ops.expand_dims(q, -2) + ops.expand_dims(k, -3))  # (…, T, S, d)
    if v is None:
        return ops.sum(h, axis=-1)
    v = ops.expand_dims(ops.cast(v, h.dtype), -1)  # (d, 1)
    return ops.squeeze(affine(h, v), axis=-1)


def concat_score(query, key, weight=None, scale=None):
    r"""Score every key by a small network of one shared weight.

    $$e_{ts} = w \sum_i \tanh\big(g\,(q_{ti} + k_{si})\big)$$

    (The paper's $v^\top \tanh(W\,[q_t; k_s])$ with $W = g\,[I\; I]$ and $v = w\,(1, \dots, 1)$,
    as Keras has it: free matrices are layers before this one.)

    Args:
        query: $q$, tensor (…, T, d).
        key: $k$, tensor (…, S, d).
        weight: $w$, a number; `None` for 1.
        scale: $g$, a number; `None` for 1.

    Returns:
        The scores (…, T, S).

    Source:
        Luong et al., 2015, Effective Approaches to Attention-based Neural Machine Translation,
        equation 8, "concat".

    Example:
        >>> q, k = ops.array([[[100.0, 0.0]]]), ops.array([[[0.0, 0.0], [0.0, 100.0]]])
        >>> [float(e) for e in concat_score(q, k, weight=3.0)[0, 0]]
        [3.0, 6.0]
    """
    q, k = ops.convert_to_tensor(query), ops.convert_to_tensor(key)
    if scale is not None:  # (T + S)·d products instead of T·S·d for the sums
        g = ops.cast(scale, q.dtype)
        q, k = g * q, g * k
    e = additive_score(q, k)
    return e if weight is None else ops.cast(weight, e.dtype) * e


def masked_softmax(scores, mask=None, axis=-1):
    r"""Softmax over the positions that the mask keeps; the others get exactly 0.

    $$w_s = \frac{k_s\, e^{x_s - m}}{\sum_{s'} k_{s'}\, e^{x_{s'} - m}}, \qquad
      k_s \in \{0, 1\}, \quad m = \max_{s:\,k_s = 1} x_s$$

    Where nothing is kept the quotient is 0/0; it is defined as 0, so neither the value nor the
    gradient is ever NaN.

    Args:
        scores: Tensor $x$ of any shape.
        mask: Booleans $k$ that broadcast to `scores`, or `None` to keep everything.
        axis: Axis or axes over which the weights sum to 1.

    Returns:
        A tensor of the shape and dtype of `scores`.

    Example:
        >>> w = masked_softmax(ops.array([1.0, 1.0, 9.0]), ops.array([True, True, False]))
        >>> [float(v) for v in w]
        [0.5, 0.5, 0.0]
    """
    return fast_softmax(scores, mask, axis)


def causal_mask(T, S, offset=0):
    r"""Let query $t$ see the keys $s \le t + o$; without offset $o$ aligned at the top left.

    Args:
        T: Number of queries.
        S: Number of keys.
        offset: $o$, position of the first query among the keys: an integer, or integers (B, 1, 1)
            for a mask (B, T, S).

    Returns:
        Boolean tensor (T, S).

    Example:
        >>> ops.convert_to_numpy(causal_mask(2, 3)).tolist()
        [[True, False, False], [True, True, False]]
    """
    t = ops.expand_dims(ops.arange(T, dtype="int32"), 1) + offset
    s = ops.expand_dims(ops.arange(S, dtype="int32"), 0)
    return s <= t


def sliding_window_mask(T, S, window):
    r"""Let position $t$ see the positions with $|t - s| < w$.

    Args:
        T: Number of queries.
        S: Number of keys.
        window: $w$; 1 keeps only the position itself.

    Returns:
        Boolean tensor (T, S).

    Source:
        Beltagy et al., 2020, Longformer, section 3.1 (a symmetric band).

    Example:
        >>> int(ops.sum(ops.cast(sliding_window_mask(3, 3, 2), "int32")))
        7
    """
    t = ops.expand_dims(ops.arange(T, dtype="int32"), 1)
    s = ops.expand_dims(ops.arange(S, dtype="int32"), 0)
    return ops.abs(t - s) < window


def attention_equations(rank, attention_axes):
    """Return the two einsum equations of attention along any axes.

    For a projected query of shape (batch…, heads, size), the axes that attend are summed over
    between key and value; all others are carried along like a batch. For rank 4 and axis 1 these
    are the equations in `scaled_dot_product_attention`.

    Args:
        rank: Rank of the projected tensors, the head and size axes included.
        attention_axes: Axes that attend, counted in the projected tensors.

    Returns:
        `(scores equation, context equation)`: "query,key->scores" and "scores,value->context".

    Example:
        >>> attention_equations(4, (1,))
        ('abcd,aecd->acbe', 'acbe,aecd->abcd')
    """
    letters = iter(string.ascii_lowercase)
    query = [next(letters) for _ in range(rank)]
    key = [next(letters) if i in attention_axes else query[i] for i in range(rank)]
    carried = [query[i] for i in range(rank - 1) if i not in attention_axes]
    scores = carried + [query[i] for i in attention_axes] + [key[i] for i in attention_axes]
    q, k, s = "".join(query), "".join(key), "".join(scores)
    return f"{q},{k}->{s}", f"{s},{k}->{q}"
