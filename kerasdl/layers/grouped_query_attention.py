"""Attention whose heads of queries share heads of keys and values."""

import keras

from kerasdl import regularizers
from kerasdl.layers.arguments import positive_integer
from kerasdl.layers.base_multi_head_attention import BaseMultiHeadAttention, check_lengths


@keras.saving.register_keras_serializable(package="kerasdl")
class GroupQueryAttention(BaseMultiHeadAttention):
    r"""Multi-head attention in which a group of query heads shares a head of keys and values.

    With $G = N / N_{kv}$ heads in a group, head $n$ looks through the keys and values of group
    $g = \lfloor n / G \rfloor$:

    $$\begin{aligned}
      \mathrm{head}_n &= \mathrm{softmax}\left(
          \frac{(Q W^Q_n + b^Q_n)(K W^K_g + b^K_g)^\top}{\sqrt{d}}\right) (V W^V_g + b^V_g) \\
      y &= \sum_n \mathrm{head}_n\, W^O_n + b^O
    \end{aligned}$$

    $N_{kv} = N$ is `MultiHeadAttention`, $N_{kv} = 1$ multi-query attention.

    Args:
        head_dim: Size $d$ of a head.
        num_query_heads: N.
        num_key_value_heads: $N_{kv}$; must divide N.
        dropout: Share of attention weights dropped while training.
        use_bias: Whether the projections have biases.
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
        Ainslie et al., 2023, GQA: Training Generalized Multi-Query Transformer Models from
        Multi-Head Checkpoints, section 2.2.

    Example:
        >>> layer = GroupQueryAttention(head_dim=4, num_query_heads=6, num_key_value_heads=2)
        >>> x = keras.ops.ones((1, 3, 8))
        >>> y, weights = layer(x, x, return_attention_scores=True)
        >>> tuple(y.shape), tuple(weights.shape)
        ((1, 3, 8), (1, 6, 3, 3))

    Differences from Keras: a query that may look at nothing gets context 0 on every path.
    """

    def __init__(
        self,
        head_dim,
        num_query_heads,
        num_key_value_heads,
        dropout=0.0,
        use_bias=True,
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
        self.head_dim = positive_integer("head_dim", head_dim)
        self.num_query_heads = positive_integer("num_query_heads", num_query_heads)
        self.num_key_value_heads = positive_integer("num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                "`num_query_heads` must be divisible by `num_key_value_heads`, received "
                f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}."
            )
        self.activity_regularizer = regularizers.get(activity_regularizer)

    @property
    def sliding_window(self):
        """Look only at positions nearer than this."""
        return self._sliding_window

    def build(self, query_shape, value_shape, key_shape=None):
        """Create the projections $W^Q, W^K, W^V, W^O$."""
        key_shape = value_shape if key_shape is None else key_shape
        N, N_kv, d = self.num_query_heads, self.num_key_value_heads, self.head_dim
        self._query_dense = self._split_heads(query_shape, (N, d), "query")
        self._key_dense = self._split_heads(key_shape, (N_kv, d), "key")
        if self.use_gate:
            self._gate_dense = self._split_heads(query_shape, (N, d), "gate", "sigmoid")
        self._value_dense = self._split_heads(value_shape, (N_kv, d), "value")
        self._build_attention(4, (1,))
        self._output_dense = self._projection(
            "abyz,yzA->abA",
            query_shape[1:],
            "A",
            (*query_shape[:-1], N, d),
            "attention_output",
        )

    def _penalty_on_projections(self):
        return self.activity_regularizer

    def _for_each_query_head(self, x):
        """Return (B, S, N, d) of (B, S, N_kv, d)."""
        return keras.ops.repeat(x, self.num_query_heads // self.num_key_value_heads, axis=2)

    def _attend(self, Q, K, V, mask, training, return_attention_scores):
        """Call `_compute_attention` as Keras does: here it is not told of the scores."""
        return self._compute_attention(Q, K, V, attention_mask=mask, training=training)

    def compute_output_shape(self, query_shape, value_shape, key_shape=None):
        """Return the shape of the query, (B, T, D)."""
        if query_shape[-1] != value_shape[-1]:
            raise ValueError(
                "`query` and `value` must have the same number of features, i.e. their last axes "
                f"must be equal, received query of shape {tuple(query_shape)} and value of shape "
                f"{tuple(value_shape)}."
            )
        check_lengths(value_shape, value_shape if key_shape is None else key_shape)
        return query_shape

    def compute_output_spec(self, query, value, key=None, return_attention_scores=False, **kwargs):
        """Return the symbolic output, and the weights (B, N, T, S) if asked for."""
        shape = self.compute_output_shape(
            query.shape, value.shape, None if key is None else key.shape
        )
        output = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        B, T, S = query.shape[0], query.shape[1], value.shape[1]
        weights = keras.KerasTensor((B, self.num_query_heads, T, S), dtype=self.compute_dtype)
        return output, weights

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
