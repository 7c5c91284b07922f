"""Adamax."""

from keras import ops

from kerasdl.ops.limits import maximum
from kerasdl.ops.updates import adamax_step, ema_increment
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Adamax(Optimizer):
    r"""Adam with the largest gradient of late in place of the root mean square.

    $$u_t = \max(\beta_2 u_{t-1}, |g_t|), \qquad
      \theta_t = \theta_{t-1} - \frac{\alpha}{1 - \beta_1^t} \cdot \frac{m_t}{u_t + \epsilon}$$

    where $m_t$ is the moving mean of the gradient, see `kerasdl.ops.adamax_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_1: Decay of the mean of the gradient.
        beta_2: Decay of the norm.
        epsilon: $\epsilon$, so that a gradient of zero divides by something.
        {base arguments}

    Source:
        Kingma and Ba, 2015, Adam, section 7.1, algorithm 2.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> Adamax(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: the paper has no $\epsilon$ and $\alpha = 0.002$.
    None from Keras.
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, var_list):
        r"""Create $m$ and $u$ for every variable."""
        if self.built:
            return
        super().build(var_list)
        self._m, self._u = self.add_optimizer_variables(var_list, ["momentum", "norm"])

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        t = ops.cast(self.iterations + 1, dtype)
        m, u = self._m[index], self._u[index]
        self.assign_add(m, ema_increment(g, m, self.beta_1))
        self.assign(u, maximum(self.beta_2 * ops.convert_to_tensor(u), ops.abs(g)))
        self.assign_sub(variable, adamax_step(m, u, t, alpha, self.beta_1, self.epsilon))

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
