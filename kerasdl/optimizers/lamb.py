"""LAMB."""

from keras import ops

from kerasdl.ops.updates import ema_increment, lamb_step
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Lamb(Optimizer):
    r"""Adam's direction, each variable's step in proportion to its own norm: for large batches.

    $$r_t = \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}, \qquad
      \theta_t = \theta_{t-1} - \alpha\, \frac{\lVert\theta_{t-1}\rVert}{\lVert r_t\rVert}\, r_t$$

    See `kerasdl.ops.lamb_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_1: Decay of the mean of the gradient.
        beta_2: Decay of the mean of its square.
        epsilon: $\epsilon$, outside the root.
        {base arguments}

    Source:
        You et al., 2020, Large Batch Optimization for Deep Learning, algorithm 2.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> Lamb(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: as in Keras, weight decay is decoupled and stands
    outside the norm of the step. On PyTorch, Keras rounds its constants to float32.
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
        r"""Create $m$ and $v$ for every variable."""
        if self.built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(
            var_list, ["momentum", "velocity"]
        )

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        t = ops.cast(self.iterations + 1, dtype)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, ema_increment(g, m, self.beta_1))
        self.assign_add(v, ema_increment(ops.square(g), v, self.beta_2))
        step = lamb_step(variable, m, v, t, alpha, self.beta_1, self.beta_2, self.epsilon)
        self.assign_sub(variable, step)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
