"""The multi-layer perceptron."""

import keras

from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import (
    OURS,
    Network,
    head_dtype,
    reject_unknown,
    sizes,
    strength,
)


@keras.saving.register_keras_serializable(package="kerasdl")
class MLP(Network):
    r"""Multi-layer perceptron: densely connected layers, one after the other.

    ```
    inputs                      (B, …)
      │ Flatten
      ▼
    a₀                          (B, n₀)
      │ Dense × L               aₗ = g(aₗ₋₁ Wₗ + bₗ), each followed by Dropout
      │   (BatchNormalization between the sum and g, if asked for)
      ▼
    a_L                         (B, n_L)
      │ Dense
      ▼
    logits                      (B, classes)
    ```

    With `l2` $= \lambda$ the loss grows by $\lambda \sum_l \lVert W_l \rVert_2^2$.

    Args:
        input_shape: Shape of one example, e.g. `(H, W, C)` or `(features,)`.
        num_classes: Number of classes, or of outputs in a regression.
        hidden_units: Units of each hidden layer; empty for a linear model.
        activation: $g$ of the hidden layers.
        batch_norm: Whether sums are normalised over the batch before $g$.
        dropout: Share of each hidden layer dropped.
        l2: $\lambda$, the strength of the penalty on the weights.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Examples (B, …).

    Returns:
        Logits (B, classes): scores before the softmax.

    Raises:
        ValueError: If a size or a share is out of range.

    Source:
        Rumelhart et al., 1986, Learning representations by back-propagating errors. Goodfellow et
        al., 2016, Deep Learning, chapter 6.

    Example:
        >>> model = MLP((8, 8, 1), num_classes=10, hidden_units=(32, 16))
        >>> tuple(model(keras.ops.zeros((2, 8, 8, 1))).shape)
        (2, 10)

    Differences from the paper: rectified units in place of sigmoids, dropout, batch normalisation.
    """

    def __init__(
        self,
        input_shape,
        num_classes,
        hidden_units=(128, 128),
        activation="relu",
        batch_norm=False,
        dropout=0.0,
        l2=0.0,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("MLP", kwargs)
        config = {
            "input_shape": tuple(input_shape),
            "num_classes": positive_integer("num_classes", num_classes),
            "hidden_units": sizes("hidden_units", hidden_units),
            "activation": activation,
            "batch_norm": batch_norm,
            "dropout": dropout,
            "l2": strength("l2", l2),
        }
        super().__init__(*self.assemble(**config, dtype=dtype), config, dtype, **kwargs)

    @staticmethod
    def assemble(**config):
        """Return the symbolic input and the logits."""
        inputs = keras.Input(config["input_shape"], name="inputs")
        return inputs, mlp_logits(inputs, **config)


def mlp_logits(
    inputs,
    *,
    num_classes,
    hidden_units,
    activation,
    batch_norm,
    dropout,
    l2,
    dtype=None,
    library=OURS,
    **_,
):
    """Put the network together.

    Args:
        inputs: Symbolic tensor (B, …).
        num_classes: As in `MLP`, like all that follow.
        hidden_units: See `MLP`.
        activation: See `MLP`.
        batch_norm: See `MLP`.
        dropout: See `MLP`.
        l2: See `MLP`.
        dtype: Of all layers but the last under mixed precision.
        library: Where layers, activations and regularisers come from; `keras` for the built-ins.

    Returns:
        Logits (B, classes), symbolic.
    """
    layers, g = library.layers, library.activations.get(activation)
    penalty = {"kernel_regularizer": library.regularizers.L2(l2)} if l2 else {}
    a = layers.Flatten(dtype=dtype, name="flatten")(inputs)
    for i, units in enumerate(hidden_units):
        a = layers.Dense(
            units,
            use_bias=not batch_norm,  # the normalisation's beta is one
            kernel_initializer="he_normal",
            dtype=dtype,
            name=f"dense_{i}",
            **penalty,
        )(a)
        if batch_norm:
            a = layers.BatchNormalization(dtype=dtype, name=f"norm_{i}")(a)
        a = layers.Activation(g, dtype=dtype, name=f"activation_{i}")(a)
        if dropout:
            a = layers.Dropout(dropout, dtype=dtype, name=f"dropout_{i}")(a)
    return layers.Dense(num_classes, dtype=head_dtype(dtype), name="head", **penalty)(a)
