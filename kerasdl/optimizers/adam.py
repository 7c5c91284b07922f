"""Adam."""

from keras import ops

from kerasdl.ops.limits import maximum
from kerasdl.ops.updates import adam_step, ema_increment
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Adam(Optimizer):
    r"""Adaptive moments: each parameter has its own step size.

    $$\theta_t = \theta_{t-1} - \alpha_t\, \frac{m_t}{\sqrt{v_t} + \hat\epsilon}$$

    with the moments of `kerasdl.ops.adam_update`. With `amsgrad`, the largest $v$ seen so far
    stands in the root, $\hat v_t = \max(\hat v_{t-1}, v_t)$, so that steps never grow again.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_1: Decay of the mean of the gradient.
        beta_2: Decay of the mean of its square.
        epsilon: $\hat\epsilon$, outside the root.
        amsgrad: Use the AMSGrad variant.
        {base arguments}

    Source:
        Kingma and Ba, 2015, Adam. Reddi et al., 2018, On the Convergence of Adam and Beyond.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> Adam(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: epsilon is 1e-7 as in Keras, the paper has 1e-8,
    and it is the paper's $\hat\epsilon$: the bias corrections are folded into $\alpha_t$. AMSGrad
    takes the maximum before the correction, the paper has none. None from Keras.
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
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
        self.amsgrad = amsgrad

    def build(self, var_list):
        r"""Create $m$, $v$ (and $\hat v$) for every variable."""
        if self.built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(
            var_list, ["momentum", "velocity"]
        )
        if self.amsgrad:
            self._velocity_hats = self.add_optimizer_variables(var_list, "velocity_hat")

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        t = ops.cast(self.iterations + 1, dtype)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, ema_increment(g, m, self.beta_1))
        self.assign_add(v, ema_increment(ops.square(g), v, self.beta_2))
        if self.amsgrad:
            v_hat = self._velocity_hats[index]
            self.assign(v_hat, maximum(v_hat, v))
            v = v_hat
        step = adam_step(m, v, t, alpha, self.beta_1, self.beta_2, self.epsilon)
        self.assign_sub(variable, step)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
