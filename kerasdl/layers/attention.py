"""Attention of one head without projections, scored by dot products."""

import keras

from kerasdl import ops
from kerasdl.layers.base_attention import BaseAttention


@keras.saving.register_keras_serializable(package="kerasdl")
class Attention(BaseAttention):
    r"""Mix the values, each query weighting them by how well the keys match it.

    $$c_t = \sum_s \alpha_{ts}\, v_s, \qquad
      \alpha_{ts} = \frac{e^{e_{ts}}}{\sum_{s'} e^{e_{ts'}}}$$

    $$e_{ts} = g\, q_t^\top k_s \quad \text{(dot)}, \qquad
      e_{ts} = w \sum_i \tanh\big(g\,(q_{ti} + k_{si})\big) \quad \text{(concat)}$$

    The sums over $s$ leave out the keys that are masked.

    Args:
        use_scale: Whether the scale $g$ is learned (from 1 on); else it is 1.
        score_mode: `"dot"` or `"concat"`, whose $w$ is learned from 1 on.
        dropout: Share of the weights dropped while training.
        seed: Seed of the dropout.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: List of the query (B, T, d), the value (B, S, d_v) and, if it is not the value
            itself, the key (B, S, d). Further axes between batch and time are carried along.
        mask: List of booleans for the query (B, T) and the value (B, S), each may be `None`; True
            means keep. Default: the masks of the tensors. A third one, of the key, is not used.
        training: Whether to drop.
        return_attention_scores: Also return the weights (B, T, S), after the dropout.
        use_causal_mask: Let no query look at later keys.

    Returns:
        Tensor (B, T, d_v), 0 where the query is masked, with the query's mask; or this and the
        weights. A query that may look at nothing gets weights 0 and context 0.

    Raises:
        ValueError: If an argument is out of its range, the inputs or masks are no list of two or
            three, query and key differ in features, or value and key in length.

    Source:
        Luong et al., 2015, Effective Approaches to Attention-based Neural Machine Translation,
        section 3.1.

    Example:
        >>> q, v = keras.ops.zeros((1, 3, 4)), keras.ops.ones((1, 2, 4))
        >>> y, weights = Attention()([q, v], return_attention_scores=True)
        >>> tuple(y.shape), [float(w) for w in weights[0, 0]]
        ((1, 3, 4), [0.5, 0.5])

    Differences from Keras: a query that may look at nothing gets context 0 (Keras subtracts 10⁹
    from every score, and mixes the values all the same); the mask of a value with further axes is
    lined up with the scores.
    """

    def __init__(self, use_scale=False, score_mode="dot", dropout=0.0, seed=None, **kwargs):
        super().__init__(use_scale, dropout, seed, **kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. "
                f"Received: score_mode={score_mode}"
            )
        self.score_mode = score_mode

    def build(self, input_shape):
        """Create the weights $g$ and $w$, where they are learned."""
        super().build(input_shape)
        self.scale = self._number("scale") if self.use_scale else None
        is_concat = self.score_mode == "concat"
        self.concat_score_weight = self._number("concat_score_weight") if is_concat else None

    def _number(self, name):
        return self.add_weight(name=name, shape=(), initializer="ones")

    def _calculate_scores(self, query, key):
        if self.score_mode == "dot":
            return ops.dot_score(query, key, self.scale)
        return ops.concat_score(query, key, self.concat_score_weight, self.scale)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "score_mode": self.score_mode}
