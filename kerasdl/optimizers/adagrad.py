"""Adagrad."""

import keras
from keras import ops

from kerasdl.ops.updates import scaled_step
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Adagrad(Optimizer):
    r"""Adaptive gradient: rarely moved parameters take larger steps.

    $$s_t = s_{t-1} + g_t^2, \qquad
      \theta_t = \theta_{t-1} - \alpha\, g_t / \sqrt{s_t + \epsilon}$$

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        initial_accumulator_value: $s_0$, not negative.
        epsilon: $\epsilon$, inside the root.
        {base arguments}

    Raises:
        ValueError: If `initial_accumulator_value` is negative.

    Source:
        Duchi et al., 2011, Adaptive Subgradient Methods for Online Learning, section 1.3.

    Example:
        >>> x = keras.Variable([1.0])
        >>> optimizer = Adagrad(learning_rate=0.1, initial_accumulator_value=0.0)
        >>> optimizer.apply([ops.array([2.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: the paper adds $\delta$ to the root, not inside, and
    starts at $s_0 = 0$. Keras accepts a negative $s_0$, whose root is not a number.
    """

    def __init__(
        self,
        learning_rate=0.001,
        initial_accumulator_value=0.1,
        epsilon=1e-7,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        super().__init__(**base_arguments(locals()))
        if initial_accumulator_value < 0:
            raise ValueError(
                "`initial_accumulator_value` must not be negative, "
                f"received {initial_accumulator_value}."
            )
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, var_list):
        r"""Create the sum $s$ for every variable."""
        if self.built:
            return
        super().build(var_list)
        start = keras.initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(
            var_list, "accumulator", initializer=start
        )

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype = variable.dtype
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        s = self._accumulators[self._get_variable_index(variable)]
        self.assign_add(s, ops.square(g))  # of a sparse gradient, the rows that it has
        self.assign_sub(variable, scaled_step(g, s, alpha, self.epsilon))

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
