"""RMSprop."""

from keras import ops

from kerasdl.ops.updates import ema_increment, scaled_step
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class RMSprop(Optimizer):
    r"""Divide the gradient by its root mean square, or by its standard deviation.

    $$v_t = \rho v_{t-1} + (1 - \rho)\, g_t^2, \qquad
      \Delta_t = \alpha\, g_t / \sqrt{v_t - \bar g_t^2 + \epsilon}$$

    where $\bar g_t = \rho \bar g_{t-1} + (1 - \rho)\, g_t$ if `centered`, else 0. With momentum,
    $b_t = \mu b_{t-1} + \Delta_t$ and $\theta_t = \theta_{t-1} - b_t$; without, $\theta_t =
    \theta_{t-1} - \Delta_t$.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        rho: $\rho$, the decay of the means.
        momentum: $\mu$; 0 keeps no momentum.
        epsilon: $\epsilon$, inside the root.
        centered: Whether to subtract the squared mean of the gradient.
        {base arguments}

    Source:
        Tieleman and Hinton, 2012, lecture 6.5. Graves, 2013, Generating Sequences With Recurrent
        Neural Networks, equations 38 to 41, for the centred form.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> RMSprop(learning_rate=0.1, rho=0.75).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.8

    Differences from the paper and from Keras: the lecture has no $\epsilon$; Graves decays the
    momentum like here, with the learning rate inside it. None from Keras.
    """

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
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
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, var_list):
        r"""Create $v$, with momentum $b$, if centred $\bar g$, for every variable."""
        if self.built:
            return
        super().build(var_list)
        self._velocities = self.add_optimizer_variables(var_list, "velocity")
        self._momentums = []
        if self.momentum > 0:
            self._momentums = self.add_optimizer_variables(var_list, "momentum")
        self._average_gradients = []
        if self.centered:
            self._average_gradients = self.add_optimizer_variables(var_list, "average_gradient")

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        v = self._velocities[index]
        self.assign_add(v, ema_increment(ops.square(g), v, self.rho))
        if self.centered:
            g_mean = self._average_gradients[index]
            self.assign_add(g_mean, ema_increment(g, g_mean, self.rho))
            v = ops.subtract(v, ops.square(g_mean))
        step = scaled_step(g, v, alpha, self.epsilon)
        if self.momentum > 0:
            b = self._momentums[index]
            step = ops.add(self.momentum * ops.convert_to_tensor(b), step)
            self.assign(b, step)
        self.assign_sub(variable, step)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
