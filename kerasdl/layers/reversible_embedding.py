"""Vectors for integers, and scores of integers for vectors."""

import keras

from kerasdl import activations
from kerasdl.backend import set_mask
from kerasdl.layers.embedding import Embedding
from kerasdl.ops.linear import affine


@keras.saving.register_keras_serializable(package="kerasdl")
class ReversibleEmbedding(Embedding):
    r"""One table that reads words and writes them: weight tying.

    $$y_t = E_{x_t}, \qquad \text{reversed:}\quad z_t = h_t E^\top, \qquad
      E \in \mathbb{R}^{V \times D}$$

    Args:
        input_dim: $V$, the size of the vocabulary.
        output_dim: $D$, the size of a vector.
        tie_weights: Whether both directions share $E$; otherwise the way back has a table of its
            own, (D, V).
        embeddings_initializer: Initialiser of $E$, and of the other table.
        embeddings_regularizer: Penalty on $E$.
        embeddings_constraint: Projection of $E$ after each update.
        mask_zero: Whether 0 stands for padding.
        reverse_dtype: Dtype of the way back; default the layer's.
        logit_soft_cap: $c$: the scores become $c \tanh(z / c)$; `None` leaves them.
        **kwargs: Those of `Embedding`.

    Call arguments:
        inputs: Integers (B, …) or, reversed, vectors (B, …, D).
        reverse: Whether to score all words for a vector instead of looking one up.

    Returns:
        Tensor (B, …, D) or, reversed, logits (B, …, V).

    Raises:
        ValueError: If a size is not a positive integer.

    Source:
        Press and Wolf, 2017, Using the Output Embedding to Improve Language Models, section 2;
        Vaswani et al., 2017, Attention Is All You Need, section 3.4.

    Example:
        >>> layer = ReversibleEmbedding(5, 2)
        >>> h = layer(keras.ops.array([[3, 1]]))
        >>> tuple(h.shape), tuple(layer(h, reverse=True).shape)
        ((1, 2, 2), (1, 2, 5))

    Differences from Keras: no quantisation. The symbolic logits have the dtype `reverse_dtype`, as
    the real ones have.
    """

    def __init__(
        self,
        input_dim,
        output_dim,
        tie_weights=True,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        reverse_dtype=None,
        logit_soft_cap=None,
        **kwargs,
    ):
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape=None):
        """Create $E$, and the table of the way back if it has one of its own."""
        if self.built:
            return
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                name="reverse_embeddings",
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
            )

    def call(self, inputs, reverse=False):
        """Look rows of $E$ up, or multiply by all of them."""
        if not reverse:
            y = super().call(inputs)
            mask = super().compute_mask(inputs)
            if mask is not None:
                set_mask(y, mask)
            return y
        W = keras.ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self._logits_dtype
        z = affine(keras.ops.cast(inputs, dtype), keras.ops.cast(W, dtype))  # (B, …, V)
        c = self.logit_soft_cap
        return z if c is None else c * activations.tanh(z / c)

    def compute_mask(self, inputs, mask=None):
        """Return None: `call` marks what it has looked up, logits have no padding."""
        return None

    @property
    def _logits_dtype(self):
        return self.reverse_dtype or self.compute_dtype

    def compute_output_shape(self, input_shape, reverse=False):
        """Return (B, …, D) or, reversed, (B, …, V)."""
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs, reverse=False):
        """Return the symbolic output."""
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape, reverse),
            dtype=self._logits_dtype if reverse else self.compute_dtype,
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
