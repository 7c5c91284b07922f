"""Vectors for integers."""

import warnings

import keras

from kerasdl import constraints, initializers, ops, regularizers
from kerasdl.layers.arguments import positive_integer, refuse_quantization
from kerasdl.layers.low_rank_adaptation import LowRankAdaptation


@keras.saving.register_keras_serializable(package="kerasdl")
class Embedding(LowRankAdaptation, keras.Layer):
    r"""Give each word of a vocabulary a learned vector.

    $$y_{b t} = E_{x_{b t}} = \mathrm{onehot}(x_{b t})\, E, \qquad E \in \mathbb{R}^{V \times D}$$

    Only the rows that are looked up have a gradient.

    Args:
        input_dim: $V$, the size of the vocabulary: the largest integer plus 1.
        output_dim: $D$, the size of a vector.
        embeddings_initializer: Initialiser of $E$ (V, D).
        embeddings_regularizer: Penalty on $E$.
        embeddings_constraint: Projection of $E$ after each update.
        mask_zero: Whether 0 stands for padding: the mask says where the input is another word.
        weights: Values of $E$ to start from, an array (V, D).
        lora_rank: $r$ of `kerasdl.layers.low_rank_adaptation`, for fine-tuning; `None` for none.
            `enable_lora` does the same to a layer that is built.
        lora_alpha: $\alpha$, the strength of the update; `None` for $r$.
        quantization_config: Only `None`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`. `input_length` is accepted and
            ignored, with a warning, as in Keras.

    Call arguments:
        inputs: Integers (B, …), 0 ≤ x < V.

    Returns:
        Tensor (B, …, D).

    Raises:
        ValueError: If a size is not a positive integer.

    Source:
        Bengio et al., 2003, A Neural Probabilistic Language Model, section 2.

    Example:
        >>> layer = Embedding(5, 2, mask_zero=True)
        >>> x = keras.ops.array([[3, 1, 0]])
        >>> tuple(layer(x).shape), [bool(kept) for kept in layer.compute_mask(x)[0]]
        ((1, 3, 2), [True, True, False])

    Differences from Keras: no quantisation. LoRA: see
    `kerasdl.layers.low_rank_adaptation.LowRankAdaptation`. An integer outside the vocabulary is the
    backend's business, as in Keras (TensorFlow on a CPU: an error; JAX: NaN).
    """

    ADAPTED = "embeddings"

    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        weights=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Argument `input_length` is deprecated. Just remove it.", stacklevel=2)
        refuse_quantization(quantization_config=quantization_config)
        super().__init__(lora_rank=lora_rank, lora_alpha=lora_alpha, **kwargs)
        self.input_dim = positive_integer("input_dim", input_dim)
        self.output_dim = positive_integer("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        # Rows are looked up in the weights' dtype and then cast: few rows instead of all of E.
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) else [weights])

    def build(self, input_shape=None):
        """Create $E$."""
        if self.built:
            return
        self._embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        self.built = True
        self.adapt_if_asked()

    @property
    def embeddings(self):
        """$E$ (V, D)."""
        return self.adapted_weight()

    def call(self, inputs):
        """Look the rows of $E$ up."""
        x = inputs if inputs.dtype in ("int32", "int64") else keras.ops.cast(inputs, "int32")
        return keras.ops.cast(ops.embedding_lookup(self.embeddings, x), self.compute_dtype)

    def compute_mask(self, inputs, mask=None):
        """Return where the input is no padding, if 0 stands for it."""
        return keras.ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        """Return (B, …, D)."""
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs):
        """Return shape and dtype of the output; ragged if the input is."""
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape),
            dtype=self.compute_dtype,
            ragged=getattr(inputs, "ragged", False),
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }
