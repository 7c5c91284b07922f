"""The proof of an initialiser."""

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.parity import tolerances
from kerasdl.parity.case import InitializerCase, has_counterpart
from kerasdl.parity.functions import to_float64
from kerasdl.parity.layers import largest_error
from kerasdl.parity.precision import FLOAT32, FLOAT64, computing_in
from kerasdl.parity.result import Check


def check_values(case: InitializerCase):
    """Same seed, same values as the built-in; a reference where nothing is drawn."""
    for precision in (FLOAT64, FLOAT32):
        with computing_in(precision):
            ours = to_float64(case.build(kerasdl)(case.shape, dtype=precision.data))
            if has_counterpart(case.symbol):
                theirs = to_float64(case.build(keras)(case.shape, dtype=precision.data))
                error = largest_error([ours], [theirs])
                yield Check(f"forward {precision.name}", error, precision.forward)
        if case.reference:
            error = largest_error([ours], [case.reference(case.shape)])
            yield Check(f"forward {precision.name}", error, precision.forward, "NumPy")


def check_moments(case: InitializerCase):
    r"""Mean and variance of many draws, within five standard errors of what the equation says."""
    if case.variance is None:
        return
    keras.utils.set_random_seed(0)
    initializer = case.build(kerasdl)
    count = max(1, 20_000 // int(np.prod(case.shape)))
    draws = []
    for seed in range(count):
        copy = type(initializer).from_config(initializer.get_config() | {"seed": seed})
        draws.append(to_float64(copy(case.shape)))
    values = np.stack(draws)
    # The variance of a sample variance is at most 2σ⁴/n for distributions no heavier than normal.
    allowed = 5 * np.sqrt(2 / values.size)
    yield Check("variance", abs(values.var() / case.variance - 1), allowed, "relative")
    error = abs(values.mean()) / np.sqrt(case.variance)
    yield Check("mean", error, 5 / np.sqrt(values.size), "in standard deviations")


def check_dtype(case: InitializerCase):
    """The result has the dtype that was asked for."""
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        found = keras.backend.standardize_dtype(case.build(kerasdl)(case.shape, dtype=dtype).dtype)
        note = "" if found == dtype else f"asked for {dtype}, got {found}"
        yield Check("dtype", 0.0 if found == dtype else np.inf, tolerances.EXACT, note)


def check_layer_takes_it(case: InitializerCase):
    """A variable can be created with it."""
    variable = keras.Variable(case.build(kerasdl), shape=case.shape, dtype="float32")
    error = largest_error([tuple(variable.shape)], [case.shape])
    finite = bool(np.all(np.isfinite(ops.convert_to_numpy(variable))))
    yield Check("variable", error if finite else np.inf, tolerances.EXACT)
