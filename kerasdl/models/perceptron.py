"""The perceptron as a model that learns by its own rule."""

import keras
from keras import ops

from kerasdl import layers
from kerasdl.backend import compiled
from kerasdl.ops.perceptron import perceptron_epoch

_epoch = compiled(perceptron_epoch)


@keras.saving.register_keras_serializable(package="kerasdl", name="PerceptronModel")
class Perceptron(keras.Model):
    r"""Rosenblatt's perceptron: one yes or no, learned from its errors, example by example.

    $$o = \mathrm{step}(x w + b), \qquad e = y - o, \qquad
      w \leftarrow w + \alpha\, x\, e, \qquad b \leftarrow b + \alpha\, e$$

    With several units, each is a perceptron of its own that tells one class from all others.

    Args:
        units: Number $K$ of perceptrons.
        kernel_initializer: Initialiser of the weights (n, K).
        bias_initializer: Initialiser of the biases (K,).
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Tensor (B, n).

    Returns:
        Tensor (B, K) of zeros and ones.

    Raises:
        ValueError: If `units` is not a positive integer.

    Source:
        Rosenblatt, 1958, The Perceptron. Convergence: Novikoff, 1962 (see
        `kerasdl.ops.perceptron_epoch`). What it cannot learn: Minsky and Papert, 1969, Perceptrons.

    Example:
        >>> x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> model = Perceptron()
        >>> model.fit(x, [0, 1, 1, 1], epochs=20).history["errors"][-1]  # "or"
        0
        >>> model.fit(x, [0, 1, 1, 0], epochs=20).history["errors"][-1] > 0  # "exclusive or"
        True

    Differences from Keras: `fit` is the rule above and needs no `compile`. Everything else
    (`predict`, `save`, `export`, `evaluate` once compiled with metrics) is `keras.Model`'s.
    """

    def __init__(self, units=1, kernel_initializer="zeros", bias_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.perceptrons = layers.Perceptron(
            units,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            dtype=self.dtype_policy,
            name="perceptrons",
        )
        self.units = units

    def build(self, input_shape):
        """Create the weights."""
        self.perceptrons.build(input_shape)

    def call(self, inputs):
        """Answer: zeros and ones."""
        return self.perceptrons(inputs)

    def fit(self, x, y, epochs=100, learning_rate=1.0, shuffle=False):
        r"""Learn, epoch by epoch, until no answer is wrong or `epochs` are over.

        Goes on from the present weights.

        Args:
            x: Inputs (N, n), an array or a tensor.
            y: Right answers. For one unit zeros and ones (N,) or (N, 1); for several, class numbers
                (N,) or zeros and ones (N, K).
            epochs: Most epochs.
            learning_rate: $\alpha > 0$.
            shuffle: Whether the examples come in a new order in each epoch.

        Returns:
            A `keras.callbacks.History`: `history["errors"]` has the number of wrong answers of each
            epoch. 0 stands last if the classes were separated.

        Raises:
            ValueError: If shapes or answers do not fit, or `learning_rate` is not positive.
        """
        if not learning_rate > 0:
            raise ValueError(f"`learning_rate` must be positive, received {learning_rate!r}.")
        x = ops.convert_to_tensor(x, dtype=self.compute_dtype)
        y = self._answers(y)
        if len(x.shape) != 2 or x.shape[0] != y.shape[0]:
            raise ValueError(
                "`x` must be of shape (N, n) and `y` have N answers, received x of shape "
                f"{tuple(x.shape)} and {y.shape[0]} answers."
            )
        if not self.built:
            self(x[:1])
        kernel, bias = self.perceptrons.kernel, self.perceptrons.bias
        w, b = (ops.cast(ops.convert_to_tensor(v), x.dtype) for v in (kernel, bias))
        alpha = ops.convert_to_tensor(learning_rate, dtype=x.dtype)
        history = keras.callbacks.History()
        history.set_model(self)
        history.on_train_begin()
        for epoch in range(epochs):
            if shuffle:
                order = keras.random.shuffle(ops.arange(x.shape[0]))
                x, y = ops.take(x, order, axis=0), ops.take(y, order, axis=0)
            w, b, errors = _epoch(x, y, w, b, alpha)
            count = round(float(ops.convert_to_numpy(ops.sum(errors))))
            history.on_epoch_end(epoch, {"errors": count})
            if count == 0:
                break
        kernel.assign(w)
        bias.assign(b)
        return history

    def classify(self, x):
        r"""Return the class of each input: the step for one unit, else $\arg\max_k z_k$.

        Several perceptrons may say yes at once, or none; the largest weighted sum decides.

        Args:
            x: Inputs (B, n).

        Returns:
            Integers (B,).
        """
        z = self.perceptrons.weighted_sum(ops.convert_to_tensor(x, dtype=self.compute_dtype))
        return ops.cast(z[:, 0] >= 0, "int32") if self.units == 1 else ops.argmax(z, axis=-1)

    def _answers(self, y):
        """Return y as zeros and ones (N, K)."""
        y = ops.convert_to_tensor(y)
        if len(y.shape) == 1 and self.units > 1:
            classes = ops.arange(self.units)
            y = ops.cast(y, "int32")[:, None]
            if not bool(ops.all(ops.any(y == classes[None, :], axis=-1))):
                raise ValueError(
                    f"`y` must hold classes from 0 to {self.units - 1}, received "
                    f"{int(ops.min(y))} to {int(ops.max(y))}."
                )
            y = y == classes[None, :]
        elif len(y.shape) == 1:
            y = y[:, None]
        if tuple(y.shape[1:]) != (self.units,):
            raise ValueError(
                f"`y` must be of shape (N,) or (N, {self.units}), received {tuple(y.shape)}."
            )
        y = ops.cast(y, self.compute_dtype)
        if not bool(ops.all(y * (1 - y) == 0)):
            raise ValueError("`y` must hold zeros and ones for every perceptron.")
        return y

    def get_config(self):
        """Return the constructor's arguments."""
        config = self.perceptrons.get_config()
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": config["kernel_initializer"],
            "bias_initializer": config["bias_initializer"],
        }
