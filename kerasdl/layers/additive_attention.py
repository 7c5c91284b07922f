"""Attention of one head without projections, scored by a small network."""

import keras

from kerasdl import initializers, ops
from kerasdl.layers.base_attention import BaseAttention


@keras.saving.register_keras_serializable(package="kerasdl")
class AdditiveAttention(BaseAttention):
    r"""Mix the values, each query weighting them by what a small network makes of it and the key.

    $$c_t = \sum_s \alpha_{ts}\, v_s, \qquad
      \alpha_{ts} = \frac{e^{e_{ts}}}{\sum_{s'} e^{e_{ts'}}}, \qquad
      e_{ts} = g^\top \tanh(q_t + k_s)$$

    The sums over $s$ leave out the keys that are masked. The paper's $v^\top \tanh(W s_t + U h_s)$
    has the projections $q = W s$ and $k = U h$ inside; here they are layers before this one.

    Args:
        use_scale: Whether the vector $g$ is learned (the paper's $v$); else it is all ones.
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
        Bahdanau et al., 2015, Neural Machine Translation by Jointly Learning to Align and
        Translate, section 3.1 and appendix A.1.2.

    Example:
        >>> q, v = keras.ops.zeros((1, 3, 4)), keras.ops.ones((1, 2, 4))
        >>> y, weights = AdditiveAttention()([q, v], return_attention_scores=True)
        >>> tuple(y.shape), [float(w) for w in weights[0, 0]]
        ((1, 3, 4), [0.5, 0.5])

    Differences from Keras: those of `Attention`; a `score_mode`, which has no meaning here, is
    refused; this is no subclass of `Attention`, but its sibling.
    """

    def __init__(self, use_scale=True, dropout=0.0, seed=None, **kwargs):
        super().__init__(use_scale, dropout, seed, **kwargs)

    def build(self, input_shape):
        """Create the weight $g$, where it is learned."""
        super().build(input_shape)
        d = input_shape[0][-1]
        if self.use_scale and d is None:
            raise ValueError(
                "The query of AdditiveAttention must have a known number of features, received a "
                f"query of shape {tuple(input_shape[0])}."
            )
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale", shape=(d,), initializer=initializers.get("glorot_uniform")
            )

    def _calculate_scores(self, query, key):
        return ops.additive_score(query, key, self.scale)
