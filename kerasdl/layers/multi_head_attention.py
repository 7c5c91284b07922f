"""Multi-head attention."""

import math
import string

import keras

from kerasdl import constraints, initializers, ops, regularizers
from kerasdl.backend import set_mask
from kerasdl.layers.arguments import positive_integer, rate
from kerasdl.layers.dropout import Dropout
from kerasdl.layers.einsum_dense import EinsumDense


@keras.saving.register_keras_serializable(package="kerasdl")
class MultiHeadAttention(keras.Layer):
    r"""Several attentions side by side, each in its own projection of the input.

    $$\begin{aligned}
      \mathrm{head}_n &= \mathrm{softmax}\left(
          \frac{(Q W^Q_n + b^Q_n)(K W^K_n + b^K_n)^\top}{\sqrt{d}}\right) (V W^V_n + b^V_n) \\
      \mathrm{MultiHead}(Q, K, V) &= \sum_n \mathrm{head}_n\, W^O_n + b^O
    \end{aligned}$$

    (Summing $\mathrm{head}_n W^O_n$ is the paper's $\mathrm{Concat}(\mathrm{head}_1, \dots) W^O$.)

    Args:
        num_heads: N.
        key_dim: Size $d$ of a head's queries and keys.
        value_dim: Size of a head's values; default `key_dim`.
        dropout: Share of attention weights dropped while training.
        use_bias: Whether the projections have biases.
        output_shape: Size(s) of the output without batch and time; default the query's.
        attention_axes: Axes that attend to each other; default all but batch and features.
        sliding_window: Look only at positions nearer than this; `None` for all.
        flash_attention: Accepted for Keras' sake; the result does not depend on it. As in Keras,
            `True` goes neither with dropout nor with `return_attention_scores`.
        kernel_initializer: Initialiser of the kernels $W$.
        bias_initializer: Initialiser of the biases $b$.
        kernel_regularizer: Penalty on the kernels.
        bias_regularizer: Penalty on the biases.
        activity_regularizer: Penalty on the output of each projection.
        kernel_constraint: Projection of the kernels after each update.
        bias_constraint: Projection of the biases after each update.
        use_gate: Multiply each head by a sigmoid gate computed from the query.
        seed: Seed of the dropout.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        query: Tensor (B, T, D_q).
        value: Tensor (B, S, D_v).
        key: Tensor (B, S, D_k); default `value`.
        query_mask: Booleans (B, T); positions that are no queries. Default: the tensor's own mask.
        value_mask: Booleans (B, S), likewise.
        key_mask: Booleans (B, S), likewise.
        attention_mask: Booleans that broadcast to (B, N, T, S), with the head axis left out if of
            rank 3. All masks are AND-ed; True means look.
        return_attention_scores: Also return the weights (B, N, T, S).
        training: Whether to drop.
        use_causal_mask: Let no query look at later keys.

    Returns:
        Tensor (B, T, D_q), with the query's mask, or this and the weights.

    Raises:
        ValueError: If an argument is out of its range, or key and value differ in length.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, section 3.2.2.

    Example:
        >>> layer = MultiHeadAttention(num_heads=2, key_dim=4)
        >>> x = keras.ops.ones((1, 3, 8))
        >>> y, weights = layer(x, x, return_attention_scores=True)
        >>> tuple(y.shape), tuple(weights.shape)
        ((1, 3, 8), (1, 2, 3, 3))

    Differences from Keras: a query that may look at nothing gets context 0 on every path (Keras
    averages the values on its fused path); an explicit `query_mask` is honoured; the symbolic
    shape of the weights is (B, N, T, S) also when T and S differ; the masks of the inputs stay
    where they are.
    """

    def __init__(
        self,
        num_heads,
        key_dim,
        value_dim=None,
        dropout=0.0,
        use_bias=True,
        output_shape=None,
        attention_axes=None,
        sliding_window=None,
        flash_attention=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        use_gate=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = positive_integer("num_heads", num_heads)
        self.key_dim = positive_integer("key_dim", key_dim)
        self.value_dim = positive_integer("value_dim", key_dim if value_dim is None else value_dim)
        self.dropout = rate("dropout", dropout)
        if flash_attention and dropout > 0:
            raise ValueError(
                "Dropout is not supported when flash attention is enabled. Received: "
                f"flash_attention={flash_attention}, dropout={dropout}."
            )
        self.use_bias = use_bias
        self._output_shape = _sizes(output_shape)
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.attention_axes = None if axes is None else tuple(axes)
        if sliding_window is not None:
            positive_integer("sliding_window", sliding_window)
        self._sliding_window = sliding_window
        self._flash_attention = flash_attention
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        # Penalises the projections, as in Keras, hence not passed to `super().__init__`.
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.use_gate = use_gate
        self.seed = seed
        self.supports_masking = True

    def build(self, query_shape, value_shape, key_shape=None):
        """Create the projections $W^Q, W^K, W^V, W^O$."""
        key_shape = value_shape if key_shape is None else key_shape
        _check_lengths(value_shape, key_shape)
        N, d, d_v = self.num_heads, self.key_dim, self.value_dim
        self._query_dense = self._split_heads(query_shape, (N, d), "query")
        self._key_dense = self._split_heads(key_shape, (N, d), "key")
        if self.use_gate:
            self._gate_dense = self._split_heads(query_shape, (N, d_v), "gate", "sigmoid")
        self._value_dense = self._split_heads(value_shape, (N, d_v), "value")
        rank = len(query_shape) + 1  # of a projected tensor: (B, …, N, d)
        axes = range(1, rank - 2) if self.attention_axes is None else self.attention_axes
        self.attention_axes = tuple(a % (rank - 1) for a in axes)
        self._scores_equation, self._context_equation = ops.attention_equations(
            rank, self.attention_axes
        )
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy, seed=self.seed)
        self._output_dense = self._merge_heads(query_shape, "attention_output")

    def _split_heads(self, shape, sizes, name, activation=None):
        """Return "btd,dnh->btnh" for an input of this shape: one projection a head."""
        *free, d = string.ascii_lowercase[: len(shape)]
        free = "".join(free)
        return self._projection(
            f"{free}{d},{d}yz->{free}yz", (*shape[1:-1], *sizes), "yz", shape, name, activation
        )

    def _merge_heads(self, query_shape, name):
        """Return "btnh,nhd->btd": sum over the heads."""
        sizes = self._output_shape or (query_shape[-1],)
        free = string.ascii_lowercase[: len(query_shape) - 1]
        out = string.ascii_uppercase[: len(sizes)]
        heads_shape = (*query_shape[:-1], self.num_heads, self.value_dim)
        return self._projection(
            f"{free}yz,yz{out}->{free}{out}", (*query_shape[1:-1], *sizes), out, heads_shape, name
        )

    def _projection(self, equation, output_shape, bias_axes, input_shape, name, activation=None):
        # The sizes of time axes may change from call to call: they follow from the input.
        free = len(input_shape) - (1 if name != "attention_output" else 2) - 1
        projection = EinsumDense(
            equation,
            output_shape=(None,) * free + tuple(output_shape[free:]),
            activation=activation,
            bias_axes=bias_axes if self.use_bias else None,
            kernel_initializer=initializers.fresh_copy(self.kernel_initializer),
            bias_initializer=initializers.fresh_copy(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        projection.supports_masking = True  # inputs may carry masks; the scores apply them
        projection.build(input_shape)
        return projection

    def call(
        self,
        query,
        value,
        key=None,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        use_causal_mask=False,
    ):
        """Project, attend, merge the heads."""
        key = value if key is None else key
        mask = self._combined_mask(
            query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
        )
        Q = self._query_dense(query)  # (B, T, N, d)
        K = self._key_dense(key)  # (B, S, N, d)
        V = self._value_dense(value)  # (B, S, N, d_v)

        context, weights = self._compute_attention(Q, K, V, mask, training, return_attention_scores)
        if self.use_gate:
            context = context * self._gate_dense(query)
        output = self._output_dense(context)  # (B, T, D)
        if query_mask is not None:
            set_mask(output, query_mask)
        return (output, weights) if return_attention_scores else output

    def _compute_attention(
        self,
        query,
        key,
        value,
        attention_mask=None,
        training=None,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        r"""Compute $\mathrm{softmax}(Q K^\top / \sqrt{d})\, V$ of each head; to be overridden.

        As in Keras, the mask of `call` is complete: `use_causal_mask` is for calls from elsewhere.

        Returns:
            The context (B, T, N, d_v) and the weights (B, N, T, S).
        """
        if self._flash_attention and return_attention_scores:
            raise ValueError(
                "Returning attention scores is not supported when flash attention is enabled. "
                "Please disable flash attention to access attention scores."
            )
        if use_causal_mask:
            T, S = keras.ops.shape(query)[1], keras.ops.shape(key)[1]
            causal = keras.ops.expand_dims(ops.causal_mask(T, S), 0)
            attention_mask = self._both(causal, attention_mask)
        scale = keras.ops.cast(1 / math.sqrt(self.key_dim), query.dtype)
        scores = keras.ops.einsum(self._scores_equation, query * scale, key)  # (B, N, T, S)
        time_axes = tuple(range(-len(self.attention_axes), 0))
        mask = self._with_head_axis(attention_mask, scores)
        weights = ops.masked_softmax(scores, mask, time_axes)
        mixed = self._dropout_layer(weights, training=training)
        return keras.ops.einsum(self._context_equation, mixed, value), weights

    def _combined_mask(
        self, query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
    ):
        """AND of everything that forbids a query to look at a key, or None."""
        T, S = keras.ops.shape(query)[1], keras.ops.shape(value)[1]
        parts = []
        if query_mask is not None:
            parts.append(keras.ops.expand_dims(keras.ops.cast(query_mask, "bool"), -1))  # (B, T, 1)
        for mask in (value_mask, key_mask):
            if mask is not None:
                parts.append(keras.ops.expand_dims(keras.ops.cast(mask, "bool"), -2))  # (B, 1, S)
        if use_causal_mask:
            parts.append(keras.ops.expand_dims(ops.causal_mask(T, S), 0))  # (1, T, S)
        if self._sliding_window is not None:
            window = ops.sliding_window_mask(T, S, self._sliding_window)
            parts.append(keras.ops.expand_dims(window, 0))
        combined = None
        for part in parts:
            combined = part if combined is None else keras.ops.logical_and(combined, part)
        return self._both(combined, attention_mask)

    def _both(self, mask, attention_mask):
        """AND of a mask (B, T, S) and one with or without the head axis, each may be None."""
        if attention_mask is None:
            return mask
        attention_mask = keras.ops.cast(attention_mask, "bool")
        if mask is None:
            return attention_mask
        return keras.ops.logical_and(self._with_head_axis(mask, attention_mask), attention_mask)

    def _with_head_axis(self, mask, other):
        """Give `mask` the head axis (and batch axes before it) that `other` has and it lacks."""
        if mask is None:
            return None
        while len(mask.shape) < len(other.shape):
            mask = keras.ops.expand_dims(mask, -2 * len(self.attention_axes) - 1)
        return mask

    @property
    def query_dense(self):
        """The layer that projects the queries."""
        return self._query_dense

    @property
    def key_dense(self):
        """The layer that projects the keys."""
        return self._key_dense

    @property
    def value_dense(self):
        """The layer that projects the values."""
        return self._value_dense

    @property
    def output_dense(self):
        """The layer that mixes the heads."""
        return self._output_dense

    def compute_output_shape(self, query_shape, value_shape, key_shape=None):
        """Return (B, T, D_q) or what `output_shape` asked for."""
        _check_lengths(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *(self._output_shape or query_shape[-1:]))

    def compute_output_spec(self, query, value, key=None, return_attention_scores=False, **kwargs):
        """Return the symbolic output, and the weights (B, N, T, S) if asked for."""
        shape = self.compute_output_shape(query.shape, value.shape)
        output = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        axes = self.attention_axes
        carried = [n for i, n in enumerate(query.shape[:-1]) if i not in axes]
        T, S = [query.shape[a] for a in axes], [value.shape[a] for a in axes]
        weights = keras.KerasTensor((*carried, self.num_heads, *T, *S), dtype=self.compute_dtype)
        return output, weights

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
            "sliding_window": self._sliding_window,
            "flash_attention": self._flash_attention,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "use_gate": self.use_gate,
            "seed": self.seed,
        }


def _sizes(output_shape):
    if isinstance(output_shape, int):
        return (output_shape,)
    if output_shape is not None and not isinstance(output_shape, list | tuple):
        raise ValueError(
            f"Invalid `output_shape`: it must be an integer or a tuple of them, received "
            f"{output_shape!r}."
        )
    return output_shape and tuple(output_shape)


def _check_lengths(value_shape, key_shape):
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise ValueError(
            "`key` and `value` must have the same length: all axes but the last must be equal, "
            f"received key of shape {tuple(key_shape)} and value of shape {tuple(value_shape)}."
        )
