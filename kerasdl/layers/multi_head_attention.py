"""Multi-head attention."""

import string

import keras

from kerasdl import regularizers
from kerasdl.layers.arguments import positive_integer
from kerasdl.layers.base_multi_head_attention import BaseMultiHeadAttention, check_lengths


@keras.saving.register_keras_serializable(package="kerasdl")
class MultiHeadAttention(BaseMultiHeadAttention):
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
        flash_attention: `None` chooses by size between the equation and blocks that do not keep
            the scores, with the same result; `False` always takes the equation, `True` blocks
            wherever they can be compiled: `kerasdl.layers.base_multi_head_attention` says when.
            As in Keras, `True` goes neither with dropout nor with `return_attention_scores`.
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
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            **kwargs,
        )
        self.num_heads = positive_integer("num_heads", num_heads)
        self.key_dim = positive_integer("key_dim", key_dim)
        self.value_dim = positive_integer("value_dim", key_dim if value_dim is None else value_dim)
        self._output_shape = _sizes(output_shape)
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.attention_axes = None if axes is None else tuple(axes)
        # Penalises the projections, as in Keras, hence not passed to `super().__init__`.
        self._activity_regularizer = regularizers.get(activity_regularizer)

    def build(self, query_shape, value_shape, key_shape=None):
        """Create the projections $W^Q, W^K, W^V, W^O$."""
        key_shape = value_shape if key_shape is None else key_shape
        check_lengths(value_shape, key_shape)
        N, d, d_v = self.num_heads, self.key_dim, self.value_dim
        self._query_dense = self._split_heads(query_shape, (N, d), "query")
        self._key_dense = self._split_heads(key_shape, (N, d), "key")
        if self.use_gate:
            self._gate_dense = self._split_heads(query_shape, (N, d_v), "gate", "sigmoid")
        self._value_dense = self._split_heads(value_shape, (N, d_v), "value")
        rank = len(query_shape) + 1  # of a projected tensor: (B, …, N, d)
        axes = range(1, rank - 2) if self.attention_axes is None else self.attention_axes
        self._build_attention(rank, (a % (rank - 1) for a in axes))
        self._output_dense = self._merge_heads(query_shape, "attention_output")

    def _merge_heads(self, query_shape, name):
        """Return "btnh,nhd->btd": sum over the heads."""
        sizes = self._output_shape or (query_shape[-1],)
        free = string.ascii_lowercase[: len(query_shape) - 1]
        out = string.ascii_uppercase[: len(sizes)]
        heads_shape = (*query_shape[:-1], self.num_heads, self.value_dim)
        return self._projection(
            f"{free}yz,yz{out}->{free}{out}", (*query_shape[1:-1], *sizes), out, heads_shape, name
        )

    def _penalty_on_projections(self):
        return self._activity_regularizer

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
        check_lengths(value_shape, value_shape if key_shape is None else key_shape)
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
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
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
