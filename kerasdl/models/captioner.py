"""The captioner: a picture in, a sentence out."""

import keras
from keras import ops

from kerasdl import activations
from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import (
    OURS,
    head_dtype,
    recurrent,
    reject_unknown,
    sizes,
)
from kerasdl.models.decoding import TARGET_RESERVED
from kerasdl.models.sequence_writer import SequenceWriter


@keras.saving.register_keras_serializable(package="kerasdl")
class Captioner(SequenceWriter):
    r"""Convolutional encoder and recurrent decoder, one to many: says what a picture shows.

    ```
    image               (B, H, W, C)     previous words    (B, T)
      │ [Conv2D 3×3, ReLU, MaxPooling2D]×n   │ Embedding
      │ Flatten, Dense, tanh                 │
      └── first state ──────────────────────►│ LSTM
                                             ▼
                                           h_t             (B, T, u)
                                             │ Dense
                                             ▼
                                           logits of y_t   (B, T, V)
    ```

    Args:
        image_shape: (H, W, C).
        target_vocabulary: The words of the sentences. Word k has the number k + 3; 0 is padding, 1
            the start, 2 the end.
        target_length: Words that `generate` writes at most.
        filters: Filters of each convolution; each halves height and width.
        embedding_dim: Size of the vector of a word.
        cell: "lstm", "gru" or "simple_rnn".
        units: $u$, size of the state.
        dropout: Share dropped of what was seen, and before the last layer.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Images (B, H, W, C) in [0, 1] and previous words (B, T), the sentence behind a 1.

    Returns:
        Logits (B, T, V) of the sentence's words.

    Raises:
        ValueError: If a size or a share is out of range, or there is no such cell.

    Source:
        Vinyals et al., 2015, Show and Tell: A Neural Image Caption Generator, section 3.
        Karpathy and Fei-Fei, 2015, Deep Visual-Semantic Alignments, section 3.2.

    Example:
        >>> model = Captioner((16, 16, 1), ["a", "bag"], target_length=5, filters=[4], units=8)
        >>> tuple(model([ops.zeros((2, 16, 16, 1)), ops.array([[1, 3], [1, 0]])]).shape)
        (2, 2, 5)
        >>> tuple(model.generate(ops.zeros((2, 16, 16, 1))).shape)
        (2, 5)
    """

    def __init__(
        self,
        image_shape,
        target_vocabulary,
        target_length=16,
        filters=(32, 64, 64),
        embedding_dim=32,
        cell="lstm",
        units=128,
        dropout=0.3,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("Captioner", kwargs)
        H, W, C = image_shape
        filters = sizes("filters", filters)
        if min(H, W) < 2 ** len(filters):
            raise ValueError(
                f"`filters` must be so few that {len(filters)} halvings leave something of "
                f"`image_shape` {(H, W, C)}; received {filters}."
            )
        config = {
            "image_shape": (H, W, C),
            "target_vocabulary": list(target_vocabulary),
            "target_length": positive_integer("target_length", target_length),
            "filters": filters,
            "embedding_dim": positive_integer("embedding_dim", embedding_dim),
            "cell": cell,
            "units": positive_integer("units", units),
            "dropout": dropout,
        }
        parts = CaptionerParts(**config, dtype=dtype)
        inputs, logits = parts.network()
        super().__init__(inputs, logits, config, dtype, **kwargs)
        self.parts = parts

    @property
    def image_shape(self):
        """Height, width and channels of the pictures."""
        return tuple(self._config["image_shape"])

    def begin(self, inputs, width=1, length=None):
        """Look at the pictures; see `SequenceWriter`."""

        def step(token, states):
            logits, states = self.parts.decode(token[:, None], states)
            return activations.log_softmax(logits[:, 0]), states

        return self.parts.encode(ops.convert_to_tensor(inputs)), step

    @staticmethod
    def assemble(**config):
        """Return the symbolic inputs and the logits."""
        return CaptionerParts(**config).network()


class CaptionerParts:
    """The layers of `Captioner`, and what is done with them, in training and step by step.

    Args:
        image_shape: As in `Captioner`, like all that follow.
        target_vocabulary: See `Captioner`.
        filters: See `Captioner`.
        embedding_dim: See `Captioner`.
        cell: See `Captioner`.
        units: See `Captioner`.
        dropout: See `Captioner`.
        dtype: Of all layers but the last under mixed precision.
        library: Where layers come from; `keras` for the built-ins.
    """

    def __init__(
        self,
        *,
        image_shape,
        target_vocabulary,
        filters,
        embedding_dim,
        cell,
        units,
        dropout,
        dtype=None,
        library=OURS,
        **_,
    ):
        layers, V = library.layers, len(target_vocabulary) + TARGET_RESERVED
        self.image_shape = image_shape
        self.eye = []
        for i, n in enumerate(filters):
            self.eye += [
                layers.Conv2D(
                    n, 3, padding="same", activation="relu", dtype=dtype, name=f"conv_{i}"
                ),
                layers.MaxPooling2D(dtype=dtype, name=f"pool_{i}"),
            ]
        self.eye += [
            layers.Flatten(dtype=dtype, name="flatten"),
            layers.Dropout(dropout, dtype=dtype, name="image_dropout"),
        ]
        # One projection for each state of the cell: h and c of the LSTM.
        self.first_states = [
            layers.Dense(units, activation="tanh", dtype=dtype, name=f"state_{i}")
            for i in range(2 if cell == "lstm" else 1)
        ]
        self.embedding = layers.Embedding(V, embedding_dim, dtype=dtype, name="embedding")
        self.decoder = recurrent(cell, library)(
            units, return_sequences=True, return_state=True, dtype=dtype, name="decoder"
        )
        self.dropout = layers.Dropout(dropout, dtype=dtype, name="dropout")
        self.head = layers.Dense(V, dtype=head_dtype(dtype), name="head")

    def network(self):
        """Return the symbolic inputs, image and previous words, and the logits."""
        image = keras.Input(self.image_shape, name="image")
        previous = keras.Input((None,), dtype="int32", name="previous")
        logits, _ = self.decode(previous, self.encode(image))
        return [image, previous], logits

    def encode(self, image):
        """Look at images (B, H, W, C); return the decoder's first states, each (B, u)."""
        for layer in self.eye:
            image = layer(image)
        return [state(image) for state in self.first_states]

    def decode(self, previous, states):
        """Go on from `states` with the words `previous` (B, T): logits (B, T, V), new states."""
        h, *states = self.decoder(self.embedding(previous), initial_state=states)
        return self.head(self.dropout(h)), states
