"""Gradient descent on all data, on parts of them, or on one example at a time."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasdl import losses, optimizers
from kerasdl.backend import compiled_step, value_and_grad


@dataclasses.dataclass(frozen=True)
class Trace:
    r"""What happened on the way down.

    Attributes:
        batch_size: m, examples behind one step.
        examples: n, examples in the data.
        losses: (steps,), the loss on the batch of each step, before the step.
        gradient_norms: (steps,), $\lVert g_t \rVert_2$ over all parameters.
        epoch_losses: (epochs + 1,), the loss on all data, at the start and after each epoch.
        epoch_seconds: (epochs + 1,), time since the start, evaluations left out.
        parameters: Values at the end, one array for each parameter.
        path: For each parameter (steps + 1, …), its value at the start and after each step; `None`
            if the problem has more numbers than were to be kept.
    """

    batch_size: int
    examples: int
    losses: np.ndarray
    gradient_norms: np.ndarray
    epoch_losses: np.ndarray
    epoch_seconds: np.ndarray
    parameters: list[np.ndarray]
    path: list[np.ndarray] | None

    @property
    def epochs(self) -> np.ndarray:
        """Share of the data seen when each step is done, (steps,): an axis for `losses`."""
        steps_per_epoch = -(-self.examples // self.batch_size)
        return np.arange(1, len(self.losses) + 1) / steps_per_epoch

    @property
    def kind(self) -> str:
        """What descent with this batch size is called.

        Example:
            >>> descend(lambda w: ops.sum(w**2), parameters=[1.0], epochs=1).kind
            'full-batch'
        """
        if self.batch_size == self.examples:
            return "full-batch"
        return "stochastic" if self.batch_size == 1 else f"mini-batch of {self.batch_size}"


def descend(
    objective: keras.Model | Callable,
    data: Any = None,
    batch_size: int | None = None,
    optimizer: Any = 0.01,
    epochs: int = 10,
    *,
    parameters: Any = None,
    loss: Any = None,
    shuffle: bool = True,
    seed: int = 0,
    keep: int = 1000,
    compile: bool = True,
) -> Trace:
    r"""Follow the gradient downhill and note every step.

    $$\theta_{t+1} = \theta_t - \alpha\, g_t, \qquad
      g_t = \nabla_\theta \frac{1}{m} \sum_{i \in B_t} L(x_i, y_i; \theta_t)$$

    The batch $B_t$ is all data (`batch_size=None`: full-batch descent), m examples drawn without
    replacement (mini-batch) or one (`batch_size=1`: stochastic descent). Nothing else differs. An
    optimiser may put another step in place of $\alpha g_t$.

    Args:
        objective: A built Keras model, or a function of the parameters and a batch, `f(θ₁, …, x,
            y, …)`, that returns the mean loss over the batch, a scalar.
        data: Array or tuple of arrays with the examples along the first axis; `(x, y)` for a
            model. `None` for a function of the parameters alone; each epoch is one step then.
        batch_size: m, from 1 to n; `None` for n.
        optimizer: Optimiser (a copy with fresh state is used), its name, or $\alpha$ for plain
            gradient descent.
        epochs: How often all data are passed through.
        parameters: Start values of a function's parameters: an array or a list of numbers for
            one vector, a list of arrays for several parameters. A model brings its own, which are
            left at the end of the way.
        loss: Loss of a model, an object or a name; default the one it was compiled with.
        shuffle: Whether each epoch takes the examples in an order of its own.
        seed: Seed of these orders.
        keep: Largest number of parameters (numbers, not arrays) whose path is kept.
        compile: Whether steps are compiled (TensorFlow's graph, JAX' XLA). Turn it off to step
            through the function in a debugger.

    Returns:
        A `Trace`.

    Raises:
        ValueError: If an argument cannot be used.

    Source:
        Cauchy, 1847. Robbins and Monro, 1951, A Stochastic Approximation Method. Goodfellow et al.,
        2016, Deep Learning, section 8.1.3.

    Example:
        >>> trace = descend(lambda w: ops.sum(w**2), optimizer=0.25, epochs=3, parameters=[8.0])
        >>> [float(w) for w in trace.path[0][:, 0]]
        [8.0, 4.0, 2.0, 1.0]

    Differences from `keras.Model.fit`: parameters change, no other state. Models with dropout or
    batch normalisation are therefore refused.
    """
    count = _check_integer("epochs", epochs, 1)
    if isinstance(objective, keras.Model):
        arrays = _examples(data, floats=objective.variable_dtype)
        variables, batch_loss = _of_model(objective, loss, parameters, arrays)
    else:
        variables = _variables(parameters)
        arrays = _examples(data, floats=variables[0].dtype)

        def batch_loss(*batch):
            return objective(*[ops.convert_to_tensor(v) for v in variables], *batch)

    n = len(arrays[0]) if arrays else 1
    m = n if batch_size is None else _check_integer("batch_size", batch_size, 1)
    if m > n:
        raise ValueError(f"`batch_size` must be at most {n}, the number of examples; received {m}.")
    optimizer = _fresh(optimizer)
    optimizer.build(variables)

    def step(*batch):
        value, gradients = value_and_grad(lambda *_: batch_loss(*batch), variables)
        optimizer.apply(gradients, variables)
        return value, ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients))

    if compile:
        step = compiled_step(step, [*variables, *optimizer.variables])
        whole_loss = compiled_step(batch_loss, variables)
    else:
        whole_loss = batch_loss

    def values():
        return [np.array(ops.convert_to_numpy(v)) for v in variables]

    path = [values()] if sum(v.size for v in values()) <= keep else None
    rng = np.random.default_rng(seed)
    norms, step_losses, seconds = [], [], [0.0]
    epoch_losses = [_number(whole_loss(*_tensors(arrays)))]
    for _ in range(count):
        started = time.perf_counter()
        order = rng.permutation(n) if shuffle and m < n else np.arange(n)
        for start in range(0, n, m):
            chosen = order[start : start + m]
            value, norm = step(*_tensors(arrays if m == n else [a[chosen] for a in arrays]))
            step_losses.append(_number(value))
            norms.append(_number(norm))
            if path is not None:
                path.append(values())
        seconds.append(seconds[-1] + time.perf_counter() - started)
        epoch_losses.append(_number(whole_loss(*_tensors(arrays))))
    return Trace(
        batch_size=m,
        examples=n,
        losses=np.array(step_losses),
        gradient_norms=np.array(norms),
        epoch_losses=np.array(epoch_losses),
        epoch_seconds=np.array(seconds),
        parameters=values(),
        path=None if path is None else [np.stack(steps) for steps in zip(*path, strict=True)],
    )


def _of_model(model, loss, parameters, arrays):
    """Return a model's variables and its loss on a batch."""
    if parameters is not None:
        raise ValueError("`parameters` belong to a function; a model brings its own.")
    if len(arrays) != 2:
        raise ValueError(f"`data` of a model must be a pair (x, y), received {len(arrays)} arrays.")
    if not model.built:
        raise ValueError("`objective` must be a built model: call it once, or give it an Input.")
    metrics = {id(v) for v in model.metrics_variables}
    changing = [v.path for v in model.non_trainable_variables if id(v) not in metrics]
    if changing:
        raise ValueError(
            "`objective` must be a model that holds trainable weights alone, without dropout or "
            f"batch normalisation; this one also holds {', '.join(changing)}. Use its `fit`."
        )
    loss = loss if loss is not None else getattr(model, "loss", None)
    if loss is None:
        raise ValueError("`loss` must be given for a model that is not compiled with one.")
    criterion = losses.get(loss)

    def batch_loss(x, y):
        prediction = model(x, training=True)
        value = ops.mean(criterion(y, prediction))
        return sum(model.losses, value)  # the penalties of its regularisers

    return model.trainable_variables, batch_loss


def _variables(parameters) -> list[keras.Variable]:
    if parameters is None:
        raise ValueError("`parameters` must be given: the point from which to descend.")
    is_list = isinstance(parameters, Sequence)
    if not is_list or all(type(p) in (int, float) for p in parameters):
        parameters = [parameters]  # one vector
    arrays = [np.asarray(p) for p in parameters]
    return [
        keras.Variable(a, dtype=str(a.dtype) if a.dtype.kind == "f" else keras.config.floatx())
        for a in arrays
    ]


def _examples(data, floats) -> list[np.ndarray]:
    if data is None:
        return []
    arrays = [np.asarray(a) for a in (data if isinstance(data, tuple | list) else (data,))]
    if any(a.ndim == 0 for a in arrays) or len({len(a) for a in arrays}) != 1 or not len(arrays[0]):
        raise ValueError(
            "`data` must be arrays with the same number of examples along the first axis, received "
            f"the shapes {', '.join(str(a.shape) for a in arrays)}."
        )
    return [a.astype(floats) if a.dtype.kind == "f" else a for a in arrays]


def _fresh(optimizer) -> keras.optimizers.Optimizer:
    if isinstance(optimizer, int | float) and not isinstance(optimizer, bool):
        return optimizers.SGD(optimizer)
    given = optimizers.get(optimizer)
    return type(given).from_config(given.get_config())


def _check_integer(name, value, least):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"`{name}` must be an integer of at least {least}, received {value!r}.")
    return int(value)


def _tensors(arrays) -> list:
    return [ops.convert_to_tensor(a) for a in arrays]


def _number(tensor) -> float:
    return float(ops.convert_to_numpy(tensor))
