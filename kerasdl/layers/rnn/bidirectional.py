"""A recurrent layer in both directions."""

import keras
from keras import ops

from kerasdl.backend import at_once
from kerasdl.ops.recurrence import both

_MERGES = {
    "concat": lambda y, y_rev: ops.concatenate([y, y_rev], axis=-1),
    "sum": lambda y, y_rev: y + y_rev,
    "ave": lambda y, y_rev: (y + y_rev) / 2,
    "mul": lambda y, y_rev: y * y_rev,
}
_IN_COMMON = ("stateful", "return_sequences", "return_state")


@keras.saving.register_keras_serializable(package="kerasdl")
class Bidirectional(keras.Layer):
    r"""Read a sequence forwards and backwards, and merge what both have to say.

    $$\overrightarrow{h}_t = f(x_t, \overrightarrow{h}_{t-1}), \qquad
      \overleftarrow{h}_t = f'(x_t, \overleftarrow{h}_{t+1}), \qquad
      y_t = [\overrightarrow{h}_t, \overleftarrow{h}_t]$$

    Args:
        layer: Recurrent layer: it has `go_backwards`, `return_sequences`, `return_state`,
            `stateful`. Both directions start from its config, not from its weights.
        merge_mode: `"concat"`, `"sum"`, `"ave"`, `"mul"`, or `None` for both outputs in a tuple.
        weights: Initial weights, those of the forward layer first.
        backward_layer: Layer for the other direction; default a copy of `layer` that goes
            backwards.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        sequences: Tensor (B, T, F).
        initial_state: States of the forward layer, then those of the backward layer.
        mask: Booleans (B, T), `True` where a step counts.
        training: Whether the layers drop.

    Returns:
        Tensor (B, 2u) (merged by concatenation), or (B, T, 2u) with `return_sequences`; with
        `return_state`, a tuple of it, the forward layer's states and the backward layer's.

    Raises:
        ValueError: If the layers do not fit each other, or `merge_mode` is unknown.

    Source:
        Schuster and Paliwal, 1997, Bidirectional Recurrent Neural Networks.

    Example:
        >>> from kerasdl import layers
        >>> layer = Bidirectional(layers.LSTM(3, return_sequences=True))
        >>> tuple(layer(ops.ones((2, 5, 4))).shape)
        (2, 5, 6)

    Differences from Keras: those of `RNN`.
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        for name, value in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(value, keras.Layer) and (name == "layer" or value is not None):
                raise ValueError(
                    f"The argument `{name}` of Bidirectional must be a `keras.Layer`. Received: "
                    f"{value}"
                )
        if merge_mode is not None and merge_mode not in _MERGES:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                f"{[*_MERGES, None]}"
            )
        super().__init__(**kwargs)
        self.forward_layer = _copy(layer, "forward_")
        if backward_layer is None:
            backward_layer = _copy(layer, "backward_", go_backwards=True)
        self.backward_layer = backward_layer
        for direction in self._directions():
            if hasattr(layer, "use_cudnn"):  # Keras' own layers leave it out of their config
                direction.use_cudnn = layer.use_cudnn
        self._check_that_they_fit()
        for direction in self._directions():
            if getattr(direction, "zero_output_for_mask", None) is not None:
                # Else the padding would show the last word of one direction, the first of the
                # other.
                direction.zero_output_for_mask = direction.return_sequences
        self.merge_mode = merge_mode
        if weights:
            half = len(weights) // 2
            self.forward_layer.initial_weights = weights[:half]
            self.backward_layer.initial_weights = weights[half:]
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _directions(self):
        return self.forward_layer, self.backward_layer

    def _check_that_they_fit(self):
        forward, backward = self._directions()
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. "
                f"Received: forward_layer.go_backwards {forward.go_backwards}, "
                f"backward_layer.go_backwards={backward.go_backwards}"
            )
        for name in _IN_COMMON:
            values = [getattr(layer, name) for layer in self._directions()]
            if values[0] != values[1]:
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same value for "
                    f'attribute "{name}", got "{values[0]}" for forward layer and "{values[1]}" '
                    "for backward layer"
                )

    def build(self, sequences_shape, initial_state_shape=None):
        """Build both layers."""
        for layer in self._directions():
            if not layer.built:
                layer.build(sequences_shape)
                layer.built = True

    def call(self, sequences, initial_state=None, mask=None, training=None):
        """Run both layers and merge."""
        states = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [initial_state[:half], initial_state[half:]]

        def run(layer, state):
            arguments = {}
            if layer._call_has_training_arg:
                arguments["training"] = training
            if layer._call_has_mask_arg:
                arguments["mask"] = mask
            return layer(sequences, initial_state=state, **arguments)

        forward, backward = self._directions()
        with at_once(2):
            outputs = both(lambda: run(forward, states[0]), lambda: run(backward, states[1]))
        more = ()
        if self.return_state:
            more = (*outputs[0][1:], *outputs[1][1:])
            outputs = [output[0] for output in outputs]
        y, y_rev = (ops.cast(output, self.compute_dtype) for output in outputs)
        if self.return_sequences:
            y_rev = ops.flip(y_rev, axis=1)
        merged = (y, y_rev) if self.merge_mode is None else _MERGES[self.merge_mode](y, y_rev)
        if not more:
            return merged
        return (*merged, *more) if self.merge_mode is None else (merged, *more)

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Return the shape of the merged output; with `return_state`, also those of the states."""
        shape, states = self.forward_layer.compute_output_shape(sequences_shape), ()
        if self.return_state:
            shape, *states = shape
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        shapes = (tuple(shape), tuple(shape)) if self.merge_mode is None else (tuple(shape),)
        if self.return_state:
            return (*shapes, *states, *states)
        return shapes if self.merge_mode is None else shapes[0]

    def compute_mask(self, sequences, mask=None):
        """Return the mask for each output; states have none."""
        mask = keras.tree.flatten(mask)[0] if self.return_sequences else None
        masks = (mask, mask) if self.merge_mode is None else (mask,)
        if self.return_state:
            number = len(keras.tree.flatten(self.forward_layer.state_size))
            return (*masks, *[None] * (2 * number))
        return masks if self.merge_mode is None else masks[0]

    def reset_state(self):
        """Set the states of both layers to 0.

        Raises:
            AttributeError: If the layer is not stateful.
        """
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        for layer in self._directions():
            layer.reset_state()

    def reset_states(self):
        """Do what `reset_state` does: Keras' other name for it."""
        self.reset_state()

    @property
    def states(self):
        """States of both layers in a tuple; `None` for a layer that is not stateful."""
        states = [layer.states for layer in self._directions()]
        return (*states[0], *states[1]) if all(states) else None

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": keras.saving.serialize_keras_object(self.forward_layer),
            "backward_layer": keras.saving.serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild both layers, then this."""
        layers = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in ("layer", "backward_layer")
            if config.get(name) is not None
        }
        return cls(**{**config, **layers})


def _copy(layer, prefix, **changes):
    """Make a layer anew from the config of another, without its weights."""
    config = keras.saving.serialize_keras_object(layer)
    name = f"{prefix}{layer.name.removeprefix(prefix)}"
    config["config"] = {**config["config"], "name": name, **changes}
    return keras.saving.deserialize_keras_object(config)
