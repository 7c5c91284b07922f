"""Features with mean 0 and variance 1."""

import math

import keras
import numpy as np
from keras import ops

from kerasdl.layers.preprocessing.base import DataLayer, operations


@keras.saving.register_keras_serializable(package="kerasdl")
class Normalization(DataLayer):
    r"""Bring features of the data to mean 0 and variance 1.

    $$y = \frac{x - \mu}{\max(\sigma, \epsilon)}, \qquad
      \mu = \frac1n \sum_{i=1}^n x_i, \quad \sigma^2 = \frac1n \sum_{i=1}^n (x_i - \mu)^2$$

    $\mu$ and $\sigma^2$ are given, or measured by `adapt` on the training data, batch by batch:

    $$n' = n + n_b, \quad \mu' = \frac{n \mu + n_b \mu_b}{n'}, \quad
      \sigma'^2 = \frac{n \big(\sigma^2 + (\mu - \mu')^2\big)
      + n_b \big(\sigma_b^2 + (\mu_b - \mu')^2\big)}{n'}$$

    Args:
        axis: Axis or axes that have a mean and variance for each index; `None` for one mean of all.
        mean: $\mu$, of a shape that broadcasts to these axes, or `None`.
        variance: $\sigma^2$, likewise; with `mean` or not at all.
        invert: Whether to compute $x = \mu + y \max(\sigma, \epsilon)$ instead.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of any shape and dtype.

    Returns:
        A tensor of the shape of `inputs` in the layer's dtype. A mask is passed on. $\epsilon$ is
        `keras.config.epsilon()`.

    Raises:
        ValueError: If only one of `mean` and `variance` is given, they have different shapes or too
            many axes, or the inputs lack one of `axis` or do not know its size.

    Source:
        LeCun et al., 1998, Efficient BackProp, section 4.3. Chan et al., 1979, Updating formulae
        and a pairwise algorithm for computing sample variances (`adapt`).

    Example:
        >>> layer = Normalization(axis=None)
        >>> layer.adapt(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        >>> [round(float(v), 4) for v in layer(np.array([1.0, 3.0]))]
        [-1.4142, 0.0]

    Differences from Keras: `adapt` adds up in float64.
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True
        self.mean = self.variance = None
        self._build_input_shape = None
        if (mean is None) != (variance is None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean} and variance={variance}"
            )
        if mean is not None:
            shapes = np.shape(mean), np.shape(variance)
            if shapes[0] != shapes[1] or len(shapes[0]) > len(self.axis):
                raise ValueError(
                    "`mean` and `variance` must have the same shape, with at most one axis for "
                    f"each of axis={self.axis}. Received: mean shape {shapes[0]} and variance "
                    f"shape {shapes[1]}"
                )

    def build(self, input_shape):
        r"""Create $\mu$ and $\sigma^2$, or broadcast those that are given."""
        if input_shape is None:
            return
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(
                "All `axis` values must be in the range [-ndim, ndim). "
                f"Received inputs with ndim={rank}, while axis={self.axis}"
            )
        self._build_input_shape = input_shape
        self._keep_axis = tuple(sorted(a % rank for a in self.axis))
        shape = tuple(input_shape[a] for a in self._keep_axis)
        if None in shape:
            raise ValueError(
                "All `axis` values to be kept must have a known shape. "
                f"Received axis={self.axis}, inputs.shape={input_shape}"
            )
        self._broadcast_shape = tuple(
            n if a in self._keep_axis else 1 for a, n in enumerate(input_shape)
        )
        if self.input_mean is None:
            weights = {"shape": shape, "trainable": False}
            self.adapt_mean = self.add_weight(name="mean", initializer="zeros", **weights)
            self.adapt_variance = self.add_weight(name="variance", initializer="ones", **weights)
            # Not used; older files have it.
            self.count = self.add_weight(
                name="count", shape=(), dtype="int", initializer="zeros", trainable=False
            )
            self.built = True
            self.finalize_state()
        else:
            self.mean = self._broadcast(np.broadcast_to(np.asarray(self.input_mean), shape))
            self.variance = self._broadcast(np.broadcast_to(np.asarray(self.input_variance), shape))
            self.built = True

    def _broadcast(self, value):
        value = ops.convert_to_tensor(value, dtype=self.compute_dtype)
        return ops.reshape(value, self._broadcast_shape)

    def adapt(self, data):
        r"""Measure $\mu$ and $\sigma^2$ of the data.

        Args:
            data: An array or a tensor; or batches of them, alone or first in a tuple: a
                `tf.data.Dataset`, a `keras.utils.PyDataset`, a list, a generator.

        Raises:
            TypeError: If the data are none of these.
            ValueError: If there are no data, or a batch has another shape than the inputs of the
                layer along `axis`.
        """
        n, mu, sigma_2 = 0, 0.0, 0.0
        for batch in batches(data):
            if not self.built:
                self.build(tuple(batch.shape))
            kept = self._keep_axis
            if any(batch.shape[a] != self._build_input_shape[a] for a in kept):
                raise ValueError(
                    f"The layer was built with input_shape={self._build_input_shape}, but adapt() "
                    f"is being called with an incompatible shape: {tuple(batch.shape)}"
                )
            x = np.asarray(ops.convert_to_numpy(batch)).astype("float64")
            reduced = tuple(a for a in range(x.ndim) if a not in kept)
            n_b, mu_b, sigma_2_b = (
                math.prod(x.shape[a] for a in reduced),
                x.mean(axis=reduced),
                x.var(axis=reduced),
            )
            old, n = n / (n + n_b), n + n_b
            new = 1 - old
            mu_new = old * mu + new * mu_b
            sigma_2 = old * (sigma_2 + (mu - mu_new) ** 2) + new * (
                sigma_2_b + (mu_b - mu_new) ** 2
            )
            mu = mu_new
        if n == 0:
            raise ValueError("adapt() received an empty iterable: at least one batch is needed.")
        self.adapt_mean.assign(mu)
        self.adapt_variance.assign(sigma_2)
        self.finalize_state()

    def finalize_state(self):
        """Take over what was measured or loaded."""
        if self.input_mean is None and self.built:
            self.mean = self._broadcast(self.adapt_mean)
            self.variance = self._broadcast(self.adapt_variance)

    def call(self, inputs):
        r"""Compute $(x - \mu) / \sigma$."""
        if self.mean is None:  # in `tf.data`, before it is built
            raise ValueError("You must call `.build(input_shape)` on the layer before using it.")
        ops = operations(self.backend)
        x = ops.convert_to_tensor(inputs, dtype=self.compute_dtype)
        mu, sigma_2 = (
            ops.convert_to_tensor(self.convert_weight(w)) for w in (self.mean, self.variance)
        )
        sigma = ops.sqrt(sigma_2)
        epsilon = ops.convert_to_tensor(keras.config.epsilon(), dtype=self.compute_dtype)
        sigma = ops.where(sigma < epsilon, epsilon, sigma)
        return mu + x * sigma if self.invert else (x - mu) / sigma

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": np.array(self.input_mean).tolist(),
            "variance": np.array(self.input_variance).tolist(),
        }

    def load_own_variables(self, store):
        """Load the weights and take them over."""
        super().load_own_variables(store)
        self.finalize_state()

    def get_build_config(self):
        """Return the shape that the layer was built with."""
        return {"input_shape": self._build_input_shape} if self._build_input_shape else None

    def build_from_config(self, config):
        """Build with that shape."""
        if config:
            self.build(config["input_shape"])


def batches(data):
    """Iterate over the batches of a data set; an array is one batch.

    Raises:
        TypeError: If it has no batches, or these are no arrays.

    Example:
        >>> [b.shape for b in batches([(np.ones((2, 3)), np.ones(2)), np.ones((1, 3))])]
        [(2, 3), (1, 3)]
    """
    if isinstance(data, np.ndarray) or ops.is_tensor(data):
        yield data
        return
    if hasattr(data, "element_spec"):  # a tf.data.Dataset
        spec = data.element_spec
        spec = spec[0] if isinstance(spec, tuple) else spec
        data = data.batch(128) if len(spec.shape) == 1 else data
    elif not hasattr(data, "__iter__") and not isinstance(data, keras.utils.PyDataset):
        raise TypeError(
            f"Unsupported data type: {type(data)}. `adapt` takes arrays, tensors, "
            "`tf.data.Dataset`, `keras.utils.PyDataset` and iterables of batches."
        )
    for batch in data:
        batch = batch[0] if isinstance(batch, tuple) else batch
        if not hasattr(batch, "shape"):
            raise TypeError(
                "adapt() expects batches that are arrays or tensors with a `.shape`, received "
                f"{type(batch).__name__}."
            )
        yield batch
