"""Adam."""

import keras
from keras import ops

from kerasdl.ops.updates import adam_update


@keras.saving.register_keras_serializable(package="kerasdl")
class Adam(keras.optimizers.Optimizer):
    r"""Adaptive moments: each parameter has its own step size.

    $$\theta_t = \theta_{t-1} - \alpha_t\, \frac{m_t}{\sqrt{v_t} + \hat\epsilon}$$

    with the moments of `kerasdl.ops.adam_update`. With `amsgrad`, the largest $v$ seen so far
    stands in the root, $\hat v_t = \max(\hat v_{t-1}, v_t)$, so that steps never grow again.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable.
        beta_1: Decay of the mean of the gradient.
        beta_2: Decay of the mean of its square.
        epsilon: $\hat\epsilon$, outside the root.
        amsgrad: Use the AMSGrad variant.
        weight_decay: Decoupled decay, applied before the step; `None` for none.
        clipnorm: Clip each gradient to this norm.
        clipvalue: Clip each gradient entry to this absolute value.
        global_clipnorm: Clip all gradients together to this norm.
        use_ema: Keep an exponential moving average of the weights.
        ema_momentum: Its momentum.
        ema_overwrite_frequency: Steps between overwriting the weights with the average.
        loss_scale_factor: Factor that the loss was multiplied by; gradients are divided by it.
        gradient_accumulation_steps: Steps whose gradients are averaged before one update.
        name: Name of the optimiser.

    Source:
        Kingma and Ba, 2015, Adam. Reddi et al., 2018, On the Convergence of Adam and Beyond.

    Example:
        >>> x = keras.Variable([1.0])
        >>> Adam(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: epsilon is 1e-7 as in Keras, the paper has 1e-8,
    and it is the paper's $\hat\epsilon$: the bias corrections are folded into $\alpha_t$. None
    from Keras.
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
        super().__init__(
            learning_rate=learning_rate,
            name=name,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            **kwargs,
        )
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
        dtype = variable.dtype
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        m_t, v_t, alpha_t, step = adam_update(
            g=ops.cast(gradient, dtype),
            m=m,
            v=v,
            t=ops.cast(self.iterations + 1, dtype),
            alpha=ops.cast(learning_rate, dtype),
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
        self.assign(m, m_t)
        self.assign(v, v_t)
        if self.amsgrad:
            v_hat = self._velocity_hats[index]
            v_hat_t = ops.maximum(v_hat, v_t)
            self.assign(v_hat, v_hat_t)
            step = alpha_t * m_t / (ops.sqrt(v_hat_t) + self.epsilon)
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
