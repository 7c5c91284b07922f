"""FTRL."""

import keras
from keras import ops

from kerasdl.ops.updates import ftrl_update
from kerasdl.optimizers.base import Optimizer, base_arguments, register


@register
class Ftrl(Optimizer):
    r"""Follow the regularised leader: sparse weights for wide linear models.

    $$\theta_t = \frac{\mathrm{clip}(z_t, -\lambda_1, \lambda_1) - z_t}
                      {n_t^{-p} / \alpha + 2 (\lambda_2 + \beta / (2 \alpha))}$$

    with the sums $n_t$ and $z_t$ of `kerasdl.ops.ftrl_update`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        learning_rate_power: $p \le 0$; 0 for a fixed learning rate.
        initial_accumulator_value: $n_0$, not negative.
        l1_regularization_strength: $\lambda_1$, not negative.
        l2_regularization_strength: $\lambda_2$, not negative.
        l2_shrinkage_regularization_strength: $\lambda_s$, not negative: a penalty on the loss.
        beta: The paper's $\beta$.
        {base arguments}

    Raises:
        ValueError: If one of them has the wrong sign.

    Source:
        McMahan et al., 2013, Ad Click Prediction: a View from the Trenches, algorithm 1.

    Example:
        >>> x = keras.Variable([0.0])
        >>> Ftrl(learning_rate=0.1, initial_accumulator_value=0.0).apply([ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        -0.1

    Differences from the paper and from Keras: the paper starts at $n_0 = 0$ and has no
    $\lambda_s$; its $\lambda_2$ is twice ours, as in Keras. None from Keras.
    """

    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
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
        not_negative = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for argument, value in not_negative.items():
            if value < 0:
                raise ValueError(
                    f"`{argument}` needs to be positive or zero. Received: {argument}={value}."
                )
        if learning_rate_power > 0:
            raise ValueError(
                "`learning_rate_power` needs to be negative or zero. "
                f"Received: learning_rate_power={learning_rate_power}."
            )
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def build(self, var_list):
        r"""Create $n$ and $z$ for every variable."""
        if self.built:
            return
        super().build(var_list)
        start = keras.initializers.Constant(self.initial_accumulator_value)
        self._accumulators, self._linears = self.add_optimizer_variables(
            var_list, ["accumulator", "linear"], initializer=[start, "zeros"]
        )

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable against its gradient."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        g, alpha = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        n, z = self._accumulators[index], self._linears[index]
        n_t, z_t, theta = ftrl_update(
            theta=variable,
            g=g,
            n=n,
            z=z,
            alpha=alpha,
            power=self.learning_rate_power,
            l1=self.l1_regularization_strength,
            l2=self.l2_regularization_strength + self.beta / (2.0 * alpha),
            shrinkage=self.l2_shrinkage_regularization_strength,
        )
        self.assign(n, n_t)
        self.assign(z, z_t)
        self.assign(variable, theta)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
