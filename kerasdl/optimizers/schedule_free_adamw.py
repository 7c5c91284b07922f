"""Schedule-free AdamW."""

from keras import ops

from kerasdl.backend import whole
from kerasdl.ops.updates import ema_increment, schedule_free_update
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class ScheduleFreeAdamW(Optimizer):
    r"""Averaging in place of a decaying learning rate: training may stop at any time.

    $$y_t = (1 - \beta_1)\, z_t + \beta_1 x_t, \qquad x_t = (1 - 1/t)\, x_{t-1} + z_t / t$$

    where $z$ takes Adam's steps without momentum, $x$ is its mean and $y$ are the weights; see
    `kerasdl.ops.schedule_free_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_1: Weight $\beta_1$ of the mean $x$ in the weights.
        beta_2: Decay of the mean of the squared gradient.
        epsilon: $\epsilon$, outside the root.
        warmup_steps: Steps in which the learning rate rises linearly to its value.
        {base arguments}

    Source:
        Defazio et al., 2024, The Road Less Scheduled, algorithm 1.

    Example:
        >>> import keras
        >>> x = keras.Variable([1.0])
        >>> ScheduleFreeAdamW(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: as in Keras, the weights of the mean are $1/t$ also
    during warm-up and with a schedule, and the weights stay $y$ after training (the paper
    evaluates $x$). Keras on TensorFlow and PyTorch recovers $x_{t-1}$ with $z_t$ in place of
    $z_{t-1}$, because it reads the variable after it was written; its results on JAX are these.
    Where `fit` builds the optimiser, Keras loses the start of $z$, and with it the weights.
    """

    def __init__(
        self,
        learning_rate=0.0025,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        warmup_steps=0,
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
        self.warmup_steps = warmup_steps

    def build(self, var_list):
        r"""Create $z$ and $v$ for every variable."""
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
        if self.warmup_steps > 0:
            progress = t / ops.cast(self.warmup_steps, dtype)
            alpha = alpha * ops.where(progress < 1, progress, ops.ones_like(progress))
        z, v = self._momentums[index], self._velocities[index]
        self.assign_add(v, ema_increment(ops.square(g), v, self.beta_2))
        # z starts at the weights. An assignment in `build` would be lost where `fit` builds the
        # optimiser inside a traced function, and training would start from weights of 0.
        first = ops.equal(self.iterations, 0)
        y = ops.convert_to_tensor(variable)
        start = y
        if self.weight_decay and self._use_weight_decay(variable):  # y has lost its share already
            rate = ops.cast(learning_rate, dtype) * ops.cast(self.weight_decay, dtype)
            start = y / (1 - rate)
        z_before = whole(first, start, ops.convert_to_tensor(z))
        z_t, y_t = schedule_free_update(
            y, g, z_before, v, t, alpha, self.beta_1, self.beta_2, self.epsilon
        )
        self.assign(z, z_t)
        self.assign(variable, y_t)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
