"""A layer, applied to each step of a sequence."""

import keras
from keras import ops

from kerasdl.backend import scan
from kerasdl.ops.recurrence.over_time import time_first


@keras.saving.register_keras_serializable(package="kerasdl")
class TimeDistributed(keras.layers.Wrapper):
    r"""Apply a layer to each step of a sequence, with the same weights at all of them.

    $$y_t = f(x_t), \qquad t = 1, \dots, T$$

    A layer that treats every example by itself is called once, with all steps as one batch. One
    that draws numbers, keeps a state or is not Keras' or ours is called step by step.

    Args:
        layer: $f$, a `keras.Layer` that takes one tensor.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, …).
        training: Handed to the layer, if it takes it.
        mask: Booleans (B, T, …), `True` where a step counts; handed to the layer, if it takes it.

    Returns:
        Tensor (B, T, …). The mask is passed on.

    Raises:
        ValueError: If the input has fewer than 3 axes, or the mask does not fit it.

    Example:
        >>> from kerasdl import layers
        >>> layer = TimeDistributed(layers.Dense(3))
        >>> tuple(layer(ops.ones((2, 5, 4))).shape)
        (2, 5, 3)

    Differences from Keras: one call in place of T where the numbers are the same.
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, keras.Layer):
            raise ValueError(
                "Please initialize `TimeDistributed` layer with a `keras.layers.Layer` instance. "
                f"Received: {layer}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _of_one_step(self, shape):
        if not isinstance(shape, tuple | list) or len(shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 "
                f"dimensions, received: {shape}"
            )
        return (shape[0], *shape[2:])

    def build(self, input_shape):
        """Build the layer for one step."""
        super().build(self._of_one_step(input_shape))

    def compute_output_shape(self, input_shape):
        """Return (B, T, …)."""
        shape = self.layer.compute_output_shape(self._of_one_step(input_shape))
        return (shape[0], input_shape[1], *shape[1:])

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild the layer inside, then this."""
        return super().from_config(dict(config), custom_objects)  # `Wrapper` takes entries out

    def call(self, inputs, training=None, mask=None):
        """Apply the layer to each step."""
        _check_mask(mask, inputs)
        if _treats_examples_by_themselves(self.layer):
            return self._at_once(inputs, training, mask)
        return self._step_by_step(inputs, training, mask)

    def _call_layer(self, x, training, mask):
        arguments = {}
        if self.layer._call_has_mask_arg and mask is not None:
            arguments["mask"] = mask
        if self.layer._call_has_training_arg:
            arguments["training"] = training
        return self.layer.call(x, **arguments)

    def _at_once(self, inputs, training, mask):
        mask = None if mask is None else ops.reshape(mask, (-1, *mask.shape[2:]))
        y = self._call_layer(ops.reshape(inputs, (-1, *inputs.shape[2:])), training, mask)
        return ops.reshape(y, (*_free(inputs), *y.shape[1:]))

    def _step_by_step(self, inputs, training, mask):
        swapped = [time_first(t) for t in (inputs, mask) if t is not None]
        T = inputs.shape[1]
        if T is not None:
            steps = [
                self._call_layer(x[0], training, x[1] if len(x) > 1 else None)
                for x in zip(*(ops.unstack(t, T) for t in swapped), strict=True)
            ]
            return ops.stack(steps, axis=1)

        def step(carry, at_t):
            return [], [self._call_layer(at_t[0], training, at_t[1] if mask is not None else None)]

        shape = self.layer.compute_output_shape(self._of_one_step(tuple(inputs.shape)))
        _, (y,) = scan(step, [], swapped, [keras.KerasTensor(shape, self.compute_dtype)])
        return time_first(y)


def _free(inputs):
    """Return batch size and length; −1 for one that is not known."""
    B, T = inputs.shape[:2]
    if B is None and T is None:
        return tuple(ops.shape(inputs)[:2])
    return (-1 if B is None else B, -1 if T is None else T)


def _treats_examples_by_themselves(layer) -> bool:
    """Whether a layer is known to give each example what it would get alone."""
    if type(layer).__module__.split(".")[0] not in ("keras", "kerasdl"):
        return False
    if isinstance(layer, keras.Model):  # a functional one knows its operations
        parts = layer.layers if isinstance(layer, keras.Sequential) else layer.operations
        return all(
            isinstance(part, keras.Layer) and _treats_examples_by_themselves(part) for part in parts
        )
    # Statistics over the batch and seeds of random numbers are variables that are not trained.
    changes = any(
        part._non_trainable_variables or part._seed_generators for part in layer._flatten_layers()
    )
    return not changes and not isinstance(layer, keras.layers.Lambda | keras.layers.Wrapper)


def _check_mask(mask, inputs):
    if mask is None:
        return
    if len(mask.shape) < 2:
        raise ValueError(
            "The `mask` passed to the `TimeDistributed` layer must be at least 2D (e.g., "
            f"`(batch_size, timesteps)`), but it has {len(mask.shape)} dimension(s) with shape "
            f"{tuple(mask.shape)}."
        )
    pairs = zip(mask.shape[:2], inputs.shape[:2], strict=True)
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(
            f"The `mask` passed to the `TimeDistributed` layer has a shape {tuple(mask.shape)} "
            f"that is incompatible with the input shape {tuple(inputs.shape)}. The first two "
            "dimensions of the mask (batch size and timesteps) must match the input's. "
            f"Expected mask shape prefix: ({inputs.shape[0]}, {inputs.shape[1]})."
        )
