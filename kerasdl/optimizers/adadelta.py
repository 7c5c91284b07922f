"""Adadelta."""

from keras import ops

from kerasdl.ops.updates import adadelta_move, ema_increment
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Adadelta(Optimizer):
    r"""Steps in the units of the parameter: past moves over past gradients.

    $$\delta_t = \frac{\sqrt{d_{t-1} + \epsilon}}{\sqrt{s_t + \epsilon}}\, g_t, \qquad
      \theta_t = \theta_{t-1} - \alpha\, \delta_t$$

    where $s_t$ and $d_t$ are the moving means of $g_t^2$ and $\delta_t^2$, see
    `kerasdl.ops.adadelta_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
            The paper has none, which is $\alpha = 1$.
        rho: $\rho$, the decay of the means.
        epsilon: $\epsilon$, inside both roots; it also decides how the first steps begin.
        {base arguments}

    Source:
        Zeiler, 2012, ADADELTA: an Adaptive Learning Rate Method, algorithm 1.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> Adadelta(learning_rate=1.0, rho=0.75, epsilon=1.0).apply([ops.array([2.0])], [x])
        >>> round(float(x[0]), 4)
        -0.4142

    Differences from the paper and from Keras: the default learning rate is 0.001 as in Keras.
    None from Keras.
    """

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.95,
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
        self.rho = rho
        self.epsilon = epsilon

    def build(self, var_list):
        r"""Create $s$ and $d$ for every variable."""
        if self.built:
            return
        super().build(var_list)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            var_list, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, grad, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(grad, dtype), ops.cast(learning_rate, dtype)
        s, d = self._accumulated_grads[index], self._accumulated_delta_vars[index]
        self.assign_add(s, ema_increment(ops.square(g), s, self.rho))
        delta = adadelta_move(g, s, d, self.epsilon)
        self.assign_add(d, ema_increment(ops.square(delta), d, self.rho))
        self.assign_sub(variable, ops.multiply(alpha, delta))

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
