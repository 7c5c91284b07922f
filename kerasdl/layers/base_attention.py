"""What the attentions over one list of inputs share: masks, softmax, weighted sum."""

import keras

from kerasdl import ops
from kerasdl.layers.arguments import rate
from kerasdl.ops.linear import product


class BaseAttention(keras.Layer):
    r"""Base of the layers that mix the values, each query weighting them by scores of the keys.

    $$c_t = \sum_s \alpha_{ts}\, v_s, \qquad
      \alpha_{ts} = \frac{m_{ts}\, e^{e_{ts}}}{\sum_{s'} m_{ts'}\, e^{e_{ts'}}}$$

    $m_{ts} \in \{0, 1\}$ says whether query $t$ may look at key $s$. A subclass says in
    `_calculate_scores` what the scores $e_{ts}$ are. As in Keras, the methods with an underscore
    may be overridden.

    Args:
        use_scale: Whether the subclass makes a weight that scales.
        dropout: Share of the weights $\alpha$ dropped while training.
        seed: Seed of the dropout.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Raises:
        ValueError: If an argument is out of its range, the inputs or masks are no list of two or
            three, or their sizes do not go together.
    """

    def __init__(self, use_scale=False, dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.dropout = rate("dropout", dropout)
        self.seed = seed
        if dropout > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        """Check the shapes; weights are the subclass's."""
        self._check_lists(input_shape)
        self._check_sizes(*_query_value_key(input_shape))

    def _calculate_scores(self, query, key):
        """Compute the scores (…, T, S) of queries (…, T, d) and keys (…, S, d)."""
        raise NotImplementedError

    def call(
        self,
        inputs,
        mask=None,
        training=False,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        """Score, mask, mix."""
        self._check_lists(inputs, mask)
        query, value, key = _query_value_key(inputs)
        self._check_sizes(query.shape, value.shape, key.shape)
        query_mask, value_mask = mask[:2] if mask else (None, None)

        scores = self._calculate_scores(query, key)  # (B, T, S)
        may_look = self._calculate_score_mask(scores, value_mask, use_causal_mask)
        context, weights = self._apply_scores(scores, value, may_look, training)  # (B, T, d_v)
        if query_mask is not None:
            is_query = keras.ops.expand_dims(keras.ops.cast(query_mask, "bool"), -1)  # (B, T, 1)
            context = keras.ops.where(is_query, context, keras.ops.zeros_like(context))
        return (context, weights) if return_attention_scores else context

    def _calculate_score_mask(self, scores, v_mask, use_causal_mask):
        """Return which scores count, booleans that broadcast to (B, T, S), or None for all."""
        causal = None
        if use_causal_mask:
            T, S = keras.ops.shape(scores)[-2:]
            causal = keras.ops.expand_dims(ops.causal_mask(T, S), 0)  # (1, T, S)
        if v_mask is None:
            return causal
        kept = keras.ops.cast(v_mask, "bool")
        if len(kept.shape) < len(scores.shape):  # else it is one of queries and keys already
            kept = keras.ops.expand_dims(kept, -2)  # (B, 1, S)
        return kept if causal is None else keras.ops.logical_and(kept, causal)

    def _apply_scores(self, scores, value, scores_mask=None, training=False):
        """Return the context (B, T, d_v) and the weights (B, T, S) that mixed the values."""
        weights = ops.masked_softmax(scores, scores_mask)
        if training and self.dropout > 0:
            weights = ops.dropout(weights, self.dropout, seed=self.seed_generator)
        return product(weights, value), weights

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the query."""
        self._check_lists(inputs, mask)
        if mask is None or mask[0] is None:
            return None
        return keras.ops.convert_to_tensor(mask[0])

    def compute_output_shape(self, input_shape):
        """Return (B, T, d_v)."""
        query, value = input_shape[:2]
        return (*query[:-1], value[-1])

    def compute_output_spec(
        self,
        inputs,
        mask=None,
        return_attention_scores=False,
        training=None,
        use_causal_mask=False,
    ):
        """Return the symbolic context, and the weights (B, T, S) if asked for."""
        self._check_lists(inputs, mask)
        query, value, key = (tuple(x.shape) for x in _query_value_key(inputs))
        self._check_sizes(query, value, key)
        shape = self.compute_output_shape([query, value, key])
        context = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return context
        weights = keras.KerasTensor((*query[:-1], key[-2]), dtype=self.compute_dtype)
        return context, weights

    def _check_lists(self, inputs, mask=None):
        """Check what a call is given, or the shapes that a build is given.

        Raises:
            ValueError: Naming the argument and what came.
        """
        name = type(self).__name__
        expected = "[query, value] or [query, value, key]"
        if not isinstance(inputs, list):
            raise ValueError(
                f"{name} layer must be called on a list of inputs, namely {expected}. "
                f"Received: inputs={inputs}."
            )
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{name} layer accepts an inputs list of length 2 or 3, namely {expected}. "
                f"Received length: {len(inputs)}."
            )
        if mask is None:
            return
        if not isinstance(mask, list):
            raise ValueError(
                f"{name} layer mask must be a list, namely [query_mask, value_mask]. "
                f"Received: mask={mask}."
            )
        if len(mask) not in (2, 3):
            raise ValueError(
                f"{name} layer accepts a mask list of length 2 or 3, namely [query_mask, "
                f"value_mask] and one that is not used. Received length: {len(mask)}."
            )

    def _check_sizes(self, query, value, key):
        """Check that three shapes go together; sizes that are not known yet do.

        Raises:
            ValueError: Naming the inputs and their shapes.
        """
        shapes = {"query": tuple(query), "value": tuple(value), "key": tuple(key)}
        received = ", ".join(f"{what} of shape {shape}" for what, shape in shapes.items())
        name = type(self).__name__
        if min(map(len, shapes.values())) < 2:
            raise ValueError(
                f"The inputs of {name} must have a time and a feature axis, received {received}."
            )
        if _differ(query[-1], key[-1]):
            raise ValueError(
                f"`query` and `key` (the value if there is none) of {name} must have the same "
                f"number of features, received {received}."
            )
        if _differ(value[-2], key[-2]):
            raise ValueError(
                f"`value` and `key` of {name} must have the same length, received {received}."
            )

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "dropout": self.dropout,
            "seed": self.seed,
        }


def _query_value_key(inputs):
    """Return the three; the value is its own key if there is no other."""
    query, value = inputs[:2]
    return query, value, inputs[2] if len(inputs) > 2 else value


def _differ(n, m):
    return n is not None and m is not None and n != m
