"""Lion."""

from keras import ops

from kerasdl.ops.updates import lion_update
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Lion(Optimizer):
    r"""Sign of a mixture of momentum and gradient: every parameter moves by the same amount.

    $$\theta_t = \theta_{t-1} - \alpha\, \mathrm{sign}(\beta_1 m_{t-1} + (1 - \beta_1) g_t), \qquad
      m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t$$

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_1: $\beta_1$, the share of the momentum in the mixture.
        beta_2: $\beta_2$, the decay of the momentum.
        {base arguments}

    Raises:
        ValueError: If `beta_1` is not above 0 and at most 1.

    Source:
        Chen et al., 2023, Symbolic Discovery of Optimization Algorithms, program 1.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> Lion(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: the learning rate is 0.001 as in Keras, the paper
    has 1e-4. None from Keras.
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.99,
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
        if beta_1 <= 0 or beta_1 > 1:
            raise ValueError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer "
                f"degenerates to SignSGD. Received: beta_1={beta_1}."
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def build(self, var_list):
        r"""Create the momentum $m$ of every variable."""
        if self.built:
            return
        super().build(var_list)
        self._momentums = self.add_optimizer_variables(var_list, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype = variable.dtype
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        beta_1, beta_2 = ops.cast(self.beta_1, dtype), ops.cast(self.beta_2, dtype)
        m = self._momentums[self._get_variable_index(variable)]
        m_t, step = lion_update(g, m, alpha, beta_1, beta_2)
        self.assign_sub(variable, step)
        self.assign(m, m_t)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
        }
