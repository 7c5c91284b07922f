"""Muon."""

import re

from keras import ops

from kerasdl.ops.updates import adam_step, ema_increment, muon_update, newton_schulz
from kerasdl.ops.updates.muon import rms_factor
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Muon(Optimizer):
    r"""Momentum made orthogonal for matrices, AdamW for everything else.

    $$m_t = \mu m_{t-1} + g_t, \qquad
      \theta_t = \theta_{t-1} - \alpha\, r \sqrt{\max(\text{rows}, \text{columns})}\;
                 \mathrm{NewtonSchulz}(g_t + \mu m_t)$$

    See `kerasdl.ops.muon_update`. Vectors, scalars, kernels of convolutions, embeddings and
    excluded layers take AdamW's steps, see `kerasdl.ops.adamw_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        adam_beta_1: AdamW's $\beta_1$.
        adam_beta_2: AdamW's $\beta_2$.
        adam_weight_decay: AdamW's weight decay; `None` for none.
        epsilon: AdamW's $\hat\epsilon$.
        {base arguments}
        exclude_layers: Regular expressions; variables whose path contains one take AdamW's steps.
        exclude_embeddings: Whether variables with "embedding" in their path do, too.
        muon_a: Coefficient $a$ of `kerasdl.ops.newton_schulz`.
        muon_b: Coefficient $b$.
        muon_c: Coefficient $c$.
        adam_lr_ratio: AdamW's learning rate as a share of $\alpha$.
        momentum: $\mu$.
        ns_steps: Iterations of Newton and Schulz.
        nesterov: Whether $g_t + \mu m_t$ is made orthogonal, or $m_t$.
        rms_rate: $r$; `None` for steps without the root.

    Source:
        Jordan et al., 2024, Muon. Liu et al., 2025, Muon is Scalable for LLM Training, for $r$.

    Example:
        >>> import keras
        >>> x = keras.Variable([[2.0, 0.0], [0.0, 1.0]])
        >>> Muon(learning_rate=0.1, weight_decay=None).apply([ops.ones((2, 2))], [x])
        >>> float(x[0, 0]) < 2
        True

    Differences from the paper and from Keras: the coefficients are applied in the working
    precision, not in bfloat16. Keras rounds the norm and the root to float32 and refuses float64
    on TensorFlow; ours are exact.
    """

    def __init__(
        self,
        learning_rate=0.001,
        adam_beta_1=0.9,
        adam_beta_2=0.999,
        adam_weight_decay=0.004,
        epsilon=1e-7,
        weight_decay=0.004,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        exclude_layers=None,
        exclude_embeddings=True,
        muon_a=3.4445,
        muon_b=-4.7750,
        muon_c=2.0315,
        adam_lr_ratio=1,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=0.2,
        **kwargs,
    ):
        super().__init__(**base_arguments(locals()))
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _should_use_adamw(self, variable):
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, var_list):
        r"""Create $m$ for every variable, and $v$ for AdamW's."""
        if self.built:
            return
        super().build(var_list)
        self.momentums = [None] * len(var_list)
        self.adam_velocities = [None] * len(var_list)
        for variable in var_list:
            if self._overwrite_variable_with_gradient(variable):
                continue
            index = self._get_variable_index(variable)
            self.momentums[index] = self.add_variable_from_reference(variable, name="momentum")
            if self._should_use_adamw(variable):
                self.adam_velocities[index] = self.add_variable_from_reference(
                    variable, name="velocity"
                )

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        m, v = self.momentums[index], self.adam_velocities[index]
        if v is None:
            m_t, step = muon_update(
                g,
                m,
                alpha,
                self.momentum,
                nesterov=self.nesterov,
                rms_rate=self.rms_rate,
                steps=self.ns_steps,
                a=self.muon_a,
                b=self.muon_b,
                c=self.muon_c,
            )
            self.assign(m, m_t)
        else:
            alpha = alpha * self.adam_lr_ratio
            t = ops.cast(self.iterations + 1, dtype)
            self.assign_add(m, ema_increment(g, m, self.adam_beta_1))
            self.assign_add(v, ema_increment(ops.square(g), v, self.adam_beta_2))
            step = adam_step(m, v, t, alpha, self.adam_beta_1, self.adam_beta_2, self.epsilon)
        self.assign_sub(variable, step)

    def zeropower_via_newtonschulz5(self, x, steps):
        """Make a matrix orthogonal, see `kerasdl.ops.newton_schulz`; Keras' name for it."""
        return newton_schulz(x, steps, self.muon_a, self.muon_b, self.muon_c)

    def lr_adjust(self, x):
        r"""Multiply a step by $r \sqrt{\max(\text{rows}, \text{columns})}$; Keras' name for it."""
        return x * rms_factor(x.shape, self.rms_rate)

    def transpose_last_axis(self, X):
        """Exchange the last two axes; Keras' name for it."""
        return ops.swapaxes(X, -2, -1)

    def _apply_weight_decay(self, variables):
        for variable in variables:
            if not self._use_weight_decay(variable):
                continue
            adamw = self._should_use_adamw(variable)
            weight_decay = self.adam_weight_decay if adamw else self.weight_decay
            if weight_decay is None:
                continue
            weight_decay = ops.cast(weight_decay, variable.dtype)
            alpha = ops.cast(self.learning_rate, variable.dtype)
            variable.assign(variable - variable * weight_decay * alpha)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "adam_weight_decay": self.adam_weight_decay,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "exclude_embeddings": self.exclude_embeddings,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }
