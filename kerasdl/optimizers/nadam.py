"""Nadam."""

import keras
from keras import ops

from kerasdl.ops.updates import ema_increment, nadam_step
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Nadam(Optimizer):
    r"""Adam with Nesterov's momentum: the momentum of the next step is applied now.

    $$\theta_t = \theta_{t-1} - \alpha\, \hat m_t \,/\, (\sqrt{v_t / (1 - \beta_2^t)} + \epsilon),
      \qquad
      \hat m_t = \frac{\mu_{t+1} m_t}{1 - \prod_{i=1}^{t+1} \mu_i}
               + \frac{(1 - \mu_t)\, g_t}{1 - \prod_{i=1}^{t} \mu_i}$$

    with $\mu_t = \beta_1 (1 - 0.5 \cdot 0.96^t)$; see `kerasdl.ops.nadam_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_1: Decay of the mean of the gradient, and the limit of $\mu_t$.
        beta_2: Decay of the mean of its square.
        epsilon: $\epsilon$, outside the root.
        {base arguments}

    Source:
        Dozat, 2016, Incorporating Nesterov Momentum into Adam, algorithm 2.

    Example:
        >>> x = keras.Variable([1.0])
        >>> Nadam(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.8937

    Differences from the paper and from Keras: as in Keras, $m_t$ is averaged with $\beta_1$, not
    with $\mu_t$, and the exponent of 0.96 is $t$, not $t / 250$. None from Keras.
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
        r"""Create $m$ and $v$ for every variable, and one $\prod \mu_i$."""
        if self.built:
            return
        dtype = var_list[0].dtype if var_list else keras.config.floatx()
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(
            var_list, ["momentum", "velocity"]
        )
        self._u_product = keras.Variable(1.0, dtype=dtype)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """Multiply the product of the momenta once, then move all variables."""
        product = self._u_product
        t = ops.cast(self.iterations + 1, product.dtype)
        # `convert_to_tensor` is exact where `cast` may pass through float32; Keras has either.
        decay = ops.convert_to_tensor(0.96, product.dtype)
        mu = self.beta_1 * (1.0 - 0.5 * ops.power(decay, t))
        self.assign(product, product * mu)
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        t, product = ops.cast(self.iterations + 1, dtype), ops.cast(self._u_product, dtype)
        beta_1, beta_2 = ops.cast(self.beta_1, dtype), ops.cast(self.beta_2, dtype)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, ema_increment(g, m, beta_1))
        self.assign_add(v, ema_increment(ops.square(g), v, beta_2))
        step = nadam_step(g, m, v, t, product, alpha, beta_1, beta_2, self.epsilon)
        self.assign_sub(variable, step)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
