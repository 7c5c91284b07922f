"""What all optimisers share: the base class, and its arguments explained once."""

import keras

from kerasdl.backend import promotion_keeps_float64

_NAMES = (
    "learning_rate",
    "weight_decay",
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "name",
)

_PLACE = "        {base arguments}\n"
_EXPLAINED = r"""
        weight_decay: Decoupled decay $\lambda$: before the step, every variable loses the share
            $\alpha\lambda$ of itself; `None` for none. `exclude_from_weight_decay` spares some.
        clipnorm: Scale each gradient down to this norm, $g \min(1, c / \lVert g\rVert)$.
        clipvalue: Cut each entry of a gradient to this absolute value.
        global_clipnorm: Scale all gradients down together, to this norm of them all.
        use_ema: Keep an exponential moving average of the weights.
        ema_momentum: Its momentum $\beta$ in $\bar\theta \leftarrow \beta\bar\theta +
            (1 - \beta)\theta$.
        ema_overwrite_frequency: Overwrite the weights with the average every so many steps;
            `None`: only at the end of `fit`.
        loss_scale_factor: Factor by which the loss was multiplied, so that small gradients do not
            vanish in float16; gradients are divided by it.
        gradient_accumulation_steps: Collect the mean gradient of so many steps before one update.
        name: Name of the optimiser.
"""[1:]


class Optimizer(keras.optimizers.Optimizer):
    """Keras' abstract base, which accumulates, clips, decays and averages, in true float64.

    On PyTorch, Keras clips by the global norm in float32 whatever the gradients are.
    """

    def apply(self, grads, trainable_variables=None):
        """Take one step with these gradients; see `keras.optimizers.Optimizer.apply`."""
        with promotion_keeps_float64():
            super().apply(grads, trainable_variables)


def register(optimizer: type) -> type:
    """Make Keras find the class in a `.keras` file, and complete its documentation.

    The line `{base arguments}` of the docstring is replaced by what is the same for all.

    Example:
        >>> from kerasdl.optimizers import SGD
        >>> "clipnorm:" in SGD.__doc__ and "{base arguments}" not in SGD.__doc__
        True
    """
    if optimizer.__doc__:  # None under `python -OO`
        optimizer.__doc__ = optimizer.__doc__.replace(_PLACE, _EXPLAINED)
    return keras.saving.register_keras_serializable(package="kerasdl")(optimizer)


def base_arguments(given: dict) -> dict:
    """Return those of the constructor's arguments that go to `keras.optimizers.Optimizer`.

    Args:
        given: `locals()` of a constructor that has all of them, and `**kwargs`.

    Returns:
        Keyword arguments; what stands in `kwargs` is passed on, so that Keras refuses it.

    Example:
        >>> base_arguments(dict.fromkeys(_NAMES) | {"self": 0, "kwargs": {"a": 1}})["a"]
        1
    """
    return {name: given[name] for name in _NAMES} | given["kwargs"]
