"""Adafactor."""

import keras
from keras import ops

from kerasdl.ops.updates import adafactor_update
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Adafactor(Optimizer):
    r"""Second moments of rows and columns in place of entries, steps in proportion to the weights.

    $$V_t = \frac{R_t C_t^\top}{\mathrm{mean}(R_t)}, \qquad
      U_t = \frac{g_t}{\sqrt{V_t}}, \qquad
      \theta_t = \theta_{t-1} - \max(\epsilon_2, \mathrm{RMS}(\theta_{t-1}))\, \rho_t\,
          \frac{U_t}{\max(1, \mathrm{RMS}(U_t) / d)}$$

    with $\rho_t = \min(\alpha, 1 / \sqrt t)$ and moving means $R_t$, $C_t$ of the squared gradient
    over rows and columns, see `kerasdl.ops.adafactor_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_2_decay: $\gamma$ in the decay $1 - t^{\gamma}$ of the moments.
        epsilon_1: Added to the squared gradient.
        epsilon_2: Least scale of a variable.
        clip_threshold: $d$, to which the root mean square of the direction is clipped.
        relative_step: Kept for Keras' signature: $\rho_t$ is the same for both, as in Keras.
        {base arguments}

    Source:
        Shazeer and Stern, 2018, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost,
        algorithms 4 to 6.

    Example:
        >>> x = keras.Variable([1.0])
        >>> Adafactor(learning_rate=0.1).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        0.9

    Differences from the paper and from Keras: the paper's $\alpha$ is 0.01. As in Keras, $V_t$ of a
    matrix is kept, so the memory saved is that of the paper only on paper.
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_2_decay=-0.8,
        epsilon_1=1e-30,
        epsilon_2=1e-3,
        clip_threshold=1.0,
        relative_step=True,
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, var_list):
        r"""Create $R$ and $C$ for every matrix, $V$ for every variable."""
        if self.built:
            return
        super().build(var_list)
        self._r, self._c, self._v = [], [], []
        for variable in var_list:
            for states, removed in ((self._r, -1), (self._c, -2)):
                states.append(self._moments_without(removed, variable))
            self._v.append(self.add_variable_from_reference(variable, name="velocity"))

    def _moments_without(self, axis, variable):
        if len(variable.shape) < 2:  # a place holder, as Keras' state has it
            return keras.Variable(0, trainable=False, name=variable.name)
        shape = list(variable.shape)
        del shape[axis]
        return self.add_variable(shape, dtype=variable.dtype, name=variable.name)

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        t = ops.cast(self.iterations + 1, dtype)
        r, c, v = self._r[index], self._c[index], self._v[index]
        settings = self.beta_2_decay, self.epsilon_1, self.epsilon_2, self.clip_threshold
        *moments, step = adafactor_update(variable, g, r, c, v, t, alpha, *settings)
        for state, value in zip((r, c, v), moments, strict=True):
            if value is not state:
                self.assign(state, value)
        self.assign_sub(variable, step)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
