"""Gradient descent."""

from keras import ops

from kerasdl.ops.updates import momentum_update, nesterov_update, sgd_update
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class SGD(Optimizer):
    r"""Gradient descent, plain, with momentum or with Nesterov's momentum.

    $$\begin{aligned}
      \text{plain: } & \theta_t = \theta_{t-1} - \alpha g_t \\
      \text{momentum: } & v_t = \mu v_{t-1} - \alpha g_t, \quad \theta_t = \theta_{t-1} + v_t \\
      \text{Nesterov: } & v_t = \mu v_{t-1} - \alpha g_t, \quad
        \theta_t = \theta_{t-1} + \mu v_t - \alpha g_t
    \end{aligned}$$

    See `kerasdl.ops.momentum_update` and `kerasdl.ops.nesterov_update`. In steady descent momentum
    makes steps $1 / (1 - \mu)$ times as long; with the moving average $\beta v + (1 - \beta) g$ of
    the gradient instead, the same path needs the learning rate $\alpha / (1 - \mu)$.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        momentum: $\mu$, a float between 0 and 1; 0 keeps no velocity.
        nesterov: Whether the gradient counts as taken ahead of the velocity.
        {base arguments}

    Raises:
        ValueError: If `momentum` is no float between 0 and 1.

    Source:
        Polyak, 1964. Nesterov, 1983. Sutskever et al., 2013, On the Importance of Initialization
        and Momentum in Deep Learning, section 2.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> SGD(learning_rate=0.1).apply([ops.array([2.0])], [x])
        >>> round(float(x[0]), 4)
        0.8

    Differences from the paper and from Keras: Nesterov's weights are those at which the gradient
    is taken, see `kerasdl.ops.nesterov_update`. None from Keras.
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
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
        if not isinstance(momentum, float) or not 0 <= momentum <= 1:
            raise ValueError(
                f"`momentum` must be a float between [0, 1]. Received: momentum={momentum!r}"
            )
        self.momentum = momentum
        self.nesterov = nesterov

    def build(self, variables):
        r"""Create the velocity $v$ of every variable, if there is momentum."""
        if self.built:
            return
        super().build(variables)
        self.momentums = []
        if self.momentum != 0:
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype = variable.dtype
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        if self.momentum == 0:
            self.assign_sub(variable, sgd_update(g, alpha))
            return
        v, mu = self.momentums[self._get_variable_index(variable)], ops.cast(self.momentum, dtype)
        if self.nesterov:
            v_t, move = nesterov_update(g, v, alpha, mu)
        else:
            v_t = move = momentum_update(g, v, alpha, mu)
        self.assign(v, v_t)
        self.assign_add(variable, move)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }
