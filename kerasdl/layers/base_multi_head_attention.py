"""What the attentions of several heads share: masks, the choice of a form, merging the heads."""

import math
import string

import keras

from kerasdl import constraints, initializers, ops, regularizers
from kerasdl.backend import compiles_loops, has_accelerator, has_attention_kernels, set_mask
from kerasdl.layers.arguments import positive_integer, rate
from kerasdl.layers.dropout import Dropout
from kerasdl.layers.einsum_dense import EinsumDense
from kerasdl.ops.attention import context_of_heads, scores_of_heads
from kerasdl.ops.block_attention import block_attention
from kerasdl.ops.normalization import at_least_float32

# From so many scores of a head on, blocks are taken. With 8 heads of 64 on two cores they are level
# with the equation or faster from 1,024 queries and keys on, slower at 256 in a TensorFlow graph.
BLOCKS_FROM = 512 * 512
# The same where they are kernels of a GPU: 0.14 ms a training step in place of 0.17 at 64.
KERNELS_FROM = 64 * 64


class BaseMultiHeadAttention(keras.Layer):
    r"""Base of the layers that project, attend with each head and merge the heads.

    A subclass creates the projections `_query_dense`, `_key_dense`, `_value_dense`,
    `_output_dense` and, with `use_gate`, `_gate_dense`, and calls `_build_attention`.

    The context is computed by the equation (`kerasdl.ops.attention`), or in blocks that do not
    keep the scores (`kerasdl.ops.block_attention`, the same numbers). Blocks are taken where they
    can be compiled (in a TensorFlow graph and under `jax.jit`), T and S are known, no weights are
    dropped and none are asked for: on a CPU if T S ≥ `BLOCKS_FROM`; on a GPU if it has kernels for
    them (`kerasdl.backend.has_attention_kernels`), there is no mask of pairs, and
    T S ≥ `KERNELS_FROM`. `flash_attention=False` always takes the equation, which can also be
    differentiated twice; `True` takes blocks of any size and on any device, where they can be
    compiled. `keras.config.disable_flash_attention()` makes `False` the default.
    """

    def __init__(
        self,
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
    ):
        super().__init__(**kwargs)
        self.dropout = rate("dropout", dropout)
        if flash_attention and dropout > 0:
            raise ValueError(
                "Dropout is not supported when flash attention is enabled. Received: "
                f"flash_attention={flash_attention}, dropout={dropout}."
            )
        self.use_bias = use_bias
        if sliding_window is not None:
            positive_integer("sliding_window", sliding_window)
        self._sliding_window = sliding_window
        if flash_attention is None and keras.config.is_flash_attention_enabled() is False:
            flash_attention = False
        self._flash_attention = flash_attention
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.use_gate = use_gate
        self.seed = seed
        self.supports_masking = True

    def _build_attention(self, rank, attention_axes):
        """Prepare the attention of projected tensors of a rank, (B, …, N, d)."""
        self.attention_axes = tuple(attention_axes)
        self._attends_along_time = rank == 4 and self.attention_axes == (1,)
        self._scores_equation, self._context_equation = ops.attention_equations(
            rank, self.attention_axes
        )
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy, seed=self.seed)

    def _split_heads(self, shape, sizes, name, activation=None):
        """Return "btd,dnh->btnh" for an input of this shape: one projection a head."""
        *free, d = string.ascii_lowercase[: len(shape)]
        free = "".join(free)
        return self._projection(
            f"{free}{d},{d}yz->{free}yz", (*shape[1:-1], *sizes), "yz", shape, name, activation
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
            activity_regularizer=self._penalty_on_projections(),
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        projection.supports_masking = True  # inputs may carry masks; the scores apply them
        projection.build(input_shape)
        return projection

    def _penalty_on_projections(self):
        """Return the regulariser of the projections' outputs."""
        raise NotImplementedError

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
        if self._flash_attention and return_attention_scores:
            raise ValueError(
                "Returning attention scores is not supported when flash attention is enabled. "
                "Please disable flash attention to access attention scores."
            )
        key = value if key is None else key
        Q = self._query_dense(query)  # (B, T, N, d)
        K = self._for_each_query_head(self._key_dense(key))  # (B, S, N, d)
        V = self._for_each_query_head(self._value_dense(value))  # (B, S, N, d_v)
        Q, K = self._with_positions(Q, K)
        weights = None
        masks_pairs = attention_mask is not None or self._sliding_window is not None
        if self._takes_blocks(Q, K, V, masks_pairs, training, return_attention_scores):
            context = self._attend_in_blocks(
                Q, K, V, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
            )
        else:
            mask = self._combined_mask(
                query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
            )
            context, weights = self._attend(Q, K, V, mask, training, return_attention_scores)
        if self.use_gate:
            context = context * self._gate_dense(query)
        output = self._output_dense(context)  # (B, T, D)
        if query_mask is not None:
            set_mask(output, query_mask)
        return (output, weights) if return_attention_scores else output

    def _for_each_query_head(self, x):
        """Return (B, S, N, d) for keys or values that several heads may share."""
        return x

    def _with_positions(self, Q, K):
        """Return queries and keys that tell where they stand; here the input has told it."""
        return Q, K

    def _takes_blocks(self, Q, K, V, masks_pairs, training, return_attention_scores):
        overridden = type(self)._compute_attention is not BaseMultiHeadAttention._compute_attention
        drops = self.dropout > 0 and training is not False
        if overridden or drops or return_attention_scores or len(Q.shape) != 4:
            return False
        if self._flash_attention is False or self.attention_axes != (1,):
            return False
        T, S = Q.shape[1], K.shape[1]
        if T is None or S is None or not compiles_loops(Q, K, V):
            return False
        if self._flash_attention:
            return True
        if has_accelerator():
            kernels = not masks_pairs and has_attention_kernels(Q, K, V)
            return kernels and T * S >= KERNELS_FROM
        return T * S >= BLOCKS_FROM

    def _attend_in_blocks(
        self, Q, K, V, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
    ):
        of_keys = None
        for mask in (value_mask, key_mask):
            if mask is not None:
                mask = keras.ops.cast(mask, "bool")
                of_keys = mask if of_keys is None else keras.ops.logical_and(of_keys, mask)
        if attention_mask is not None:
            while len(attention_mask.shape) < 4:
                attention_mask = keras.ops.expand_dims(attention_mask, -3)
        return block_attention(
            Q,
            K,
            V,
            attention_mask,
            of_keys,
            causal=use_causal_mask,
            query_mask=query_mask,
            window=self._sliding_window,
        )

    def _window(self, T, S):
        """Return what the sliding window lets see, (1, T, S), or None."""
        if self._sliding_window is None:
            return None
        return keras.ops.expand_dims(ops.sliding_window_mask(T, S, self._sliding_window), 0)

    def _attend(self, Q, K, V, mask, training, return_attention_scores):
        """Call `_compute_attention` as Keras does, so that an override made for Keras fits."""
        return self._compute_attention(Q, K, V, mask, training, return_attention_scores)

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
        if use_causal_mask:
            T, S = keras.ops.shape(query)[1], keras.ops.shape(key)[1]
            causal = keras.ops.expand_dims(ops.causal_mask(T, S), 0)
            attention_mask = self._both(causal, attention_mask)
        scale = keras.ops.cast(1 / math.sqrt(query.shape[-1]), query.dtype)
        scores = self._scores(query * scale, key)  # (B, N, T, S)
        time_axes = tuple(range(-len(self.attention_axes), 0))
        mask = self._with_head_axis(attention_mask, scores)
        scores, dtype = at_least_float32(scores)
        weights = keras.ops.cast(ops.masked_softmax(scores, mask, time_axes), dtype)
        mixed = self._dropout_layer(weights, training=training)
        return self._mix(mixed, value), weights

    def _scores(self, query, key):
        if self._attends_along_time:
            return scores_of_heads(query, key)
        return keras.ops.einsum(self._scores_equation, query, key)

    def _mix(self, weights, value):
        if self._attends_along_time:
            return context_of_heads(weights, value)
        return keras.ops.einsum(self._context_equation, weights, value)

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
            parts.append(self._window(T, S))
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

    def get_config(self):
        """Return the constructor's arguments that all attentions of several heads have."""
        return {
            **super().get_config(),
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "sliding_window": self._sliding_window,
            "flash_attention": self._flash_attention,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._penalty_on_projections()),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "use_gate": self.use_gate,
            "seed": self.seed,
        }


def check_lengths(value_shape, key_shape):
    """Raise a ValueError unless key and value have the same length."""
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise ValueError(
            "`key` and `value` must have the same length: all axes but the last must be equal, "
            f"received key of shape {tuple(key_shape)} and value of shape {tuple(value_shape)}."
        )
