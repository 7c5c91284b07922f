"""AdamW."""

from kerasdl.optimizers.adam import Adam
from kerasdl.optimizers.base import base_arguments, register


@register
class AdamW(Adam):
    r"""Adam with decoupled weight decay.

    $$\theta_t = \theta_{t-1} - \alpha\lambda\, \theta_{t-1}
               - \alpha_t\, \frac{m_t}{\sqrt{v_t} + \hat\epsilon}$$

    An L2 penalty in the loss would pass through $m$ and $v$, and decay most where gradients are
    small; this decay is the same for all. See `kerasdl.ops.adamw_update` and `Adam`.

    Args:
        learning_rate: $\alpha$: a number, a `LearningRateSchedule` or a callable without arguments.
        beta_1: Decay of the mean of the gradient.
        beta_2: Decay of the mean of its square.
        epsilon: $\hat\epsilon$, outside the root.
        amsgrad: Use the AMSGrad variant.
        {base arguments}

    Raises:
        ValueError: If `weight_decay` is `None`.

    Source:
        Loshchilov and Hutter, 2019, Decoupled Weight Decay Regularization, algorithm 2.

    Example:
        >>> import keras
        >>> x = keras.Variable([10.0])
        >>> AdamW(learning_rate=0.1, weight_decay=0.5).apply([keras.ops.array([5.0])], [x])
        >>> round(float(x[0]), 4)
        9.4

    Differences from the paper and from Keras: the learning rate multiplies the decay, as in Keras;
    in the paper only its schedule does, so that $\lambda_\text{paper} = \alpha\lambda$. None from
    Keras.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
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
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            **base_arguments(locals()),
        )
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
