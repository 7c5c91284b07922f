"""How a public symbol is put up for proof: one small description a case.

A case says how the object is made, from which inputs it is called, and (where Keras has no
counterpart) what a plain NumPy loop gives. `kerasdl verify` does the rest. The cases of a room
stand in `kerasdl/parity/cases/ROOM.py` as a list `CASES`.

`make(k)` builds an object from a namespace `k`, which is `kerasdl` for ours and `keras` for the
built-in: `lambda k: k.layers.Dense(3, activation=k.activations.relu)`. With `kwargs` alone the
symbol itself is called with them.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras


@functools.cache
def has_counterpart(symbol: str) -> bool:
    """Whether Keras has a public object of that name.

    Example:
        >>> has_counterpart("layers.Dense"), has_counterpart("layers.ClassToken")
        (True, False)
    """
    try:
        functools.reduce(getattr, symbol.split("."), keras)
    except AttributeError:
        return False
    return True


@dataclass(frozen=True)
class Input:
    """One tensor that goes in.

    Args:
        shape: Its shape, batch included. Let the sizes differ, so that a swapped axis shows.
        values: How it is drawn: "normal", "uniform" in [0, 1), "positive" in [0.1, 1.1),
            "probabilities" (positive, the last axis sums to 1), "one_hot" (over the last axis),
            "signs" (−1 or 1), "zeros_and_ones", "integers" in [0, `high`), or a function of a
            `numpy.random.Generator` and the shape.
        high: Bound of the integers.
        free: Axes whose size the model does not know beforehand (declared `None`).
        differentiable: Whether a gradient is asked for. Integers have none.
    """

    shape: tuple[int, ...]
    values: str | Callable = "normal"
    high: int = 0
    free: tuple[int, ...] = (0,)
    differentiable: bool = True


@dataclass(frozen=True, kw_only=True)
class Case:
    """What all kinds share.

    Args:
        symbol: Public name under `kerasdl`, e.g. "layers.Dense".
        label: What is special about this case, e.g. "causal"; empty for the plain one.
        kwargs: Arguments of the constructor or, for a function, of the call.
        make: Builds the object from `keras` or `kerasdl`, in place of `kwargs`.
        reference: The same in NumPy and float64, written as a student would. Required where Keras
            has no counterpart. Its arguments are given by each kind.
        builtin_is_wrong: Why the built-in is not compared with, by backend or for "all", e.g.
            `{"jax": "computes float64 in float32"}`. Then `reference` is required. An entry
            "jax:float64" holds for that precision only.
        skip: Checks that make no sense for this case, name → reason. Shown in the report.
    """

    symbol: str
    label: str = ""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    make: Callable | None = None
    reference: Callable | None = None
    builtin_is_wrong: Mapping[str, str] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Symbol and label, as the table shows them."""
        return f"{self.symbol} ({self.label})" if self.label else self.symbol

    def has_builtin(self, precision: str) -> bool:
        """Whether Keras has the symbol and is right in this precision on this backend."""
        backend = keras.backend.backend()
        keys = {"all", backend, f"all:{precision}", f"{backend}:{precision}"}
        return has_counterpart(self.symbol) and not keys & set(self.builtin_is_wrong)

    def build(self, k) -> Any:
        """Make the object from the namespace `k` (`keras` or `kerasdl`)."""
        if self.make is not None:
            return self.make(k)
        found = functools.reduce(getattr, self.symbol.split("."), k)
        if isinstance(found, type):
            return found(**self.kwargs)
        return functools.partial(found, **self.kwargs) if self.kwargs else found


@dataclass(frozen=True, kw_only=True)
class LayerCase(Case):
    """A layer: forward, gradients, masks, modes of running, files, training.

    Args:
        inputs: The tensors it is called on, positionally.
        call: Further arguments of the call, not tensors: `{"use_causal_mask": True}`.
        masks: A boolean mask (B, T, …) for each input, as shapes: `((4, 5),)`; `None` for no mask.
            The case is then run with the mask and without.
        draws: For layers that draw random numbers while training: takes `(x, y)`, NumPy arrays of
            the input and of one output at `training=True`, and returns
            `{what: (error, tolerance)}`.
            Training outputs are then not compared with the built-in's.
        reference: Takes `(weights, *inputs, training)`; `weights` maps each weight's path below
            the layer ("kernel", "query/bias") to its float64 array, in order of creation.
        as_list: Whether the layer takes its inputs as one list.
        depth: How many layers stand one behind the other inside. Each rounds to bfloat16 anew, so
            the tolerance of that precision grows with it.
    """

    inputs: tuple[Input, ...]
    call: Mapping[str, Any] = field(default_factory=dict)
    masks: tuple[tuple[int, ...] | None, ...] | None = None
    draws: Callable | None = None
    as_list: bool = False
    depth: int = 1


@dataclass(frozen=True, kw_only=True)
class FunctionCase(Case):
    """A function of tensors, or an object called like one: activation, loss, constraint, op.

    Args:
        inputs: The tensors it is called on, positionally.
        reference: Takes the inputs as float64 arrays.
    """

    inputs: tuple[Input, ...]


@dataclass(frozen=True, kw_only=True)
class InitializerCase(Case):
    """An initialiser: same seed, same values as the built-in; moments as its equation says.

    Args:
        shape: Shape of the tensor that is compared.
        variance: The variance that the equation gives for `shape` (a number), or `None`.
        reference: Takes `(shape)`; for initialisers that draw nothing.
    """

    shape: tuple[int, ...]
    variance: float | None = None


@dataclass(frozen=True, kw_only=True)
class OptimizerCase(Case):
    """An optimiser: 200 steps side by side with the built-in, and with the paper's pseudo-code.

    Args:
        reference: Takes `(gradient, theta, steps)`, where `gradient(theta)` is a NumPy function,
            and returns theta after the steps, by the paper; for options that Keras computes
            likewise. Compared in float64.
    """


@dataclass(frozen=True, kw_only=True)
class CustomCase(Case):
    """A symbol whose proof has a form of its own: a callback, a model with its own `fit`.

    Args:
        run: Takes nothing, yields `kerasdl.parity.result.Check`s.
        against: What it is compared with: "keras" or "NumPy".
    """

    run: Callable
    against: str = "keras"
