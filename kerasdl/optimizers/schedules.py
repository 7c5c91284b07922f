"""Learning rates that depend on the step.

Every schedule is computed in the dtype that its first value has as a tensor: float32, unless
`keras.config.set_floatx` says otherwise or the value is an array of another dtype.
"""

import math

import keras
from keras import ops

from kerasdl.backend import promotion_keeps_float64
from kerasdl.builtins import fall_back_to

LearningRateSchedule = keras.optimizers.schedules.LearningRateSchedule

_register = keras.saving.register_keras_serializable(package="kerasdl")
__getattr__ = fall_back_to(keras.optimizers.schedules, __name__)


@_register
class ExponentialDecay(LearningRateSchedule):
    r"""A constant factor each `decay_steps`: $\alpha_t = \alpha_0\, r^{t / T}$.

    Args:
        initial_learning_rate: $\alpha_0$.
        decay_steps: $T$, positive.
        decay_rate: $r$.
        staircase: Round $t / T$ down, so that the rate falls in steps.
        name: Name of the schedule.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:
        >>> round(float(ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)), 4)
        0.025

    Differences from Keras: none.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="ExponentialDecay",
    ):
        super().__init__()
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        alpha_0, t, T, r = _tensors(
            self.initial_learning_rate, step, self.decay_steps, self.decay_rate
        )
        p = t / T
        return alpha_0 * ops.power(r, ops.floor(p) if self.staircase else p)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


@_register
class InverseTimeDecay(LearningRateSchedule):
    r"""Robbins and Monro's kind of decay: $\alpha_t = \alpha_0 / (1 + r\, t / T)$.

    Args:
        initial_learning_rate: $\alpha_0$.
        decay_steps: $T$, positive.
        decay_rate: $r$.
        staircase: Round $t / T$ down, so that the rate falls in steps.
        name: Name of the schedule.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Source:
        Robbins and Monro, 1951: the rates sum to infinity, their squares do not.

    Example:
        >>> round(float(InverseTimeDecay(0.1, decay_steps=10, decay_rate=0.5)(20)), 4)
        0.05

    Differences from Keras: none.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="InverseTimeDecay",
    ):
        super().__init__()
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        alpha_0, t, T, r = _tensors(
            self.initial_learning_rate, step, self.decay_steps, self.decay_rate
        )
        p = t / T
        return alpha_0 / (1 + r * (ops.floor(p) if self.staircase else p))

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


@_register
class PiecewiseConstantDecay(LearningRateSchedule):
    r"""A constant between boundaries: $\alpha_t = a_i$ for $b_{i-1} < t \le b_i$.

    Args:
        boundaries: Steps $b_0 < b_1 < \dots$ up to which each value holds.
        values: Learning rates $a_0, a_1, \dots$, one more than boundaries.
        name: Name of the schedule.

    Raises:
        ValueError: If there is not one value more than boundaries.

    Example:
        >>> schedule = PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])
        >>> [round(float(schedule(t)), 4) for t in (10, 11, 21)]
        [0.1, 0.01, 0.001]

    Differences from Keras: none.
    """

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        super().__init__()
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. "
                f"Received: boundaries={boundaries} of length {len(boundaries)}, "
                f"and values={values} of length {len(values)}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        t = ops.convert_to_tensor(step)
        values = [ops.convert_to_tensor(value) for value in self.values]
        alpha = values[-1]
        for b, a in reversed(list(zip(self.boundaries, values[:-1]))):
            b = ops.cast(ops.convert_to_tensor(b), t.dtype)
            alpha = ops.where(t <= b, a, alpha)
        return alpha

    def get_config(self):
        """Return the constructor's arguments."""
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


@_register
class PolynomialDecay(LearningRateSchedule):
    r"""A power of the time that is left: $\alpha_t = (\alpha_0 - \alpha_T)(1 - t/T)^p + \alpha_T$.

    After $T$ steps the rate stays $\alpha_T$; with `cycle`, $T$ is doubled, tripled, … instead,
    to the first multiple that is not below $t$.

    Args:
        initial_learning_rate: $\alpha_0$.
        decay_steps: $T$, positive.
        end_learning_rate: $\alpha_T$.
        power: $p$; 1 is a straight line.
        cycle: Whether to begin again beyond $T$.
        name: Name of the schedule.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:
        >>> round(float(PolynomialDecay(0.1, 10, end_learning_rate=0.0, power=2.0)(5)), 4)
        0.025

    Differences from Keras: none.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        super().__init__()
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        alpha_0, t, T, alpha_T, p = _tensors(
            self.initial_learning_rate, step, self.decay_steps, self.end_learning_rate, self.power
        )
        if self.cycle:
            T = T * ops.where(t > 0, ops.ceil(t / T), ops.ones_like(T))
        else:
            t = _at_most(t, T)
        return (alpha_0 - alpha_T) * ops.power(1 - t / T, p) + alpha_T

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


@_register
class CosineDecay(LearningRateSchedule):
    r"""Half a cosine from the first rate to a share of it, after an optional linear rise.

    $$\alpha_t = \begin{cases}
        \alpha_0 + (\alpha_W - \alpha_0)\, t / W & t < W \\
        \alpha_W \left((1 - a)\, \tfrac12 (1 + \cos(\pi s)) + a\right),
          \quad s = \min(t - W, T) / T & \text{else}
      \end{cases}$$

    Without warm-up, $W = 0$ and $\alpha_W = \alpha_0$.

    Args:
        initial_learning_rate: $\alpha_0$.
        decay_steps: $T$, positive.
        alpha: $a$: the last rate as a share of the highest.
        name: Name of the schedule.
        warmup_target: $\alpha_W$, or `None` for no warm-up.
        warmup_steps: $W$.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Source:
        Loshchilov and Hutter, 2017, SGDR, equation 5. Goyal et al., 2017, section 2.2, for the
        warm-up.

    Example:
        >>> schedule = CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=4)
        >>> [round(float(schedule(t)), 4) for t in (2, 4, 9, 14)]
        [0.05, 0.1, 0.05, 0.0]

    Differences from Keras: none.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        super().__init__()
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        alpha_0, t, T = _tensors(self.initial_learning_rate, step, self.decay_steps)
        if self.warmup_target is None:
            return alpha_0 * _half_cosine(_at_most(t, T) / T, 1.0, self.alpha)
        alpha_0, alpha_W, W = _tensors(
            self.initial_learning_rate, self.warmup_target, self.warmup_steps
        )
        decayed = alpha_W * _half_cosine(_at_most(t - W, T) / T, 1.0, self.alpha)
        return ops.where(t < W, (alpha_W - alpha_0) * (t / W) + alpha_0, decayed)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


@_register
class CosineDecayRestarts(LearningRateSchedule):
    r"""Half cosines one after the other, each `t_mul` times as long and `m_mul` times as high.

    $$\alpha_t = \alpha_0 \left((1 - a)\, m^i\, \tfrac12 (1 + \cos(\pi s)) + a\right), \qquad
      s = \left(\frac{t}{T} - \frac{q^i - 1}{q - 1}\right) q^{-i}, \qquad
      i = \left\lfloor \log_q\left(1 + \frac{t}{T}(q - 1)\right) \right\rfloor$$

    For $q = 1$ all periods are equal: $i = \lfloor t / T \rfloor$ and $s = t / T - i$.

    Args:
        initial_learning_rate: $\alpha_0$.
        first_decay_steps: $T$, positive: length of the first period.
        t_mul: $q$: length of a period relative to the one before it.
        m_mul: $m$: height of a period relative to the one before it.
        alpha: $a$: the lowest rate as a share of $\alpha_0$.
        name: Name of the schedule.

    Raises:
        ValueError: If `first_decay_steps` is not positive.

    Source:
        Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts.

    Example:
        >>> schedule = CosineDecayRestarts(0.1, first_decay_steps=10, t_mul=2.0, m_mul=0.5)
        >>> [round(float(schedule(t)), 4) for t in (0, 5, 10, 20)]
        [0.1, 0.05, 0.05, 0.025]

    Differences from Keras: none.
    """

    def __init__(
        self,
        initial_learning_rate,
        first_decay_steps,
        t_mul=2.0,
        m_mul=1.0,
        alpha=0.0,
        name="SGDRDecay",
    ):
        super().__init__()
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        alpha_0, t, T, q, m, a = _tensors(
            self.initial_learning_rate,
            step,
            self.first_decay_steps,
            self._t_mul,
            self._m_mul,
            self.alpha,
        )
        p = t / T
        if self._t_mul == 1:
            i = ops.floor(p)
            s = p - i
        else:
            i = ops.floor(ops.log(1 - p * (1 - q)) / ops.log(q))
            s = (p - (1 - ops.power(q, i)) / (1 - q)) / ops.power(q, i)
        return alpha_0 * _half_cosine(s, ops.power(m, i), a)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }


@_register
class InverseSquareRootDecay(LearningRateSchedule):
    r"""Linear warm-up, then down with the root of the step: the schedule of the Transformer.

    $$\alpha_t = s\, d^{-1/2} \min\left(t^{-1/2},\; t\, w^{-3/2}\right), \qquad
      \alpha_w = s\, (d\, w)^{-1/2} \text{ at its peak}$$

    Args:
        hidden_dim: $d$, features of the network.
        warmup_steps: $w$, positive.
        scale: $s$.
        name: Name of the schedule.

    Raises:
        ValueError: If `warmup_steps` is not positive.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, equation 3.

    Example:
        >>> schedule = InverseSquareRootDecay(hidden_dim=512, warmup_steps=4000)
        >>> [round(1e4 * float(schedule(step)), 2) for step in (1999, 3999, 15999)]
        [3.49, 6.99, 3.49]

    Differences from the paper: none; its first step is number 1, Keras' is 0, so t is the step
    plus 1.
    """

    def __init__(self, hidden_dim, warmup_steps=4000, scale=1.0, name="InverseSquareRootDecay"):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.warmup_steps = _positive("warmup_steps", warmup_steps)
        self.scale = scale
        self.name = name

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        s, t, d, w = _tensors(float(self.scale), step, self.hidden_dim, self.warmup_steps)
        t = t + 1
        rising, falling = t * w**-1.5, t**-0.5
        return s * d**-0.5 * ops.where(rising < falling, rising, falling)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "hidden_dim": self.hidden_dim,
            "warmup_steps": self.warmup_steps,
            "scale": self.scale,
            "name": self.name,
        }


OURS = (
    InverseSquareRootDecay,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
    CosineDecay,
    CosineDecayRestarts,
)
"""Schedules that are written from their equations."""

_BY_NAME = {schedule.__name__: schedule for schedule in OURS}


def deserialize(config, custom_objects=None):
    """Return the schedule of a config; one that only has a class name means ours.

    Example:
        >>> config = {"initial_learning_rate": 0.1, "decay_steps": 10}
        >>> type(deserialize({"class_name": "CosineDecay", "config": config})) is CosineDecay
        True
    """
    name, named_module = config["class_name"], config.get("module") or config.get("registered_name")
    if name in _BY_NAME and not named_module and name not in (custom_objects or {}):
        return _BY_NAME[name].from_config(dict(config["config"]))
    return keras.optimizers.schedules.deserialize(config, custom_objects=custom_objects)


def _positive(argument, value):
    if value <= 0:
        raise ValueError(f"Argument `{argument}` must be > 0. Received: {argument}={value}")
    return value


def _tensors(first, *others):
    """Return all as tensors in the dtype of the first."""
    first = ops.convert_to_tensor(first)
    return first, *(ops.cast(value, first.dtype) for value in others)


def _at_most(t, T):
    return ops.where(t < T, t, T)  # `ops.minimum` computes float64 in float32 on PyTorch


def _half_cosine(s, height, floor):
    with promotion_keeps_float64():  # `ops.cos` returns float32 for float64 on JAX and PyTorch
        cosine = ops.cos(math.pi * s)
    return (1 - floor) * (height * 0.5 * (1 + cosine)) + floor
