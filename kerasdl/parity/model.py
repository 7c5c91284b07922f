"""The proof for a user's own model: its twin from our layers, side by side with it."""

import warnings
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from rich.table import Table

from kerasdl.backend import products_in_full_precision, value_and_grad
from kerasdl.errors import InputError
from kerasdl.parity import tolerances
from kerasdl.parity.functions import to_float64
from kerasdl.parity.layer_models import one_or_all
from kerasdl.parity.layers import largest_error
from kerasdl.parity.result import Check, Row
from kerasdl.parity.swap import pairs, swap, unswap

BATCH, LENGTH = 4, 16  # for axes whose size the model leaves open


class Twin(NamedTuple):
    """What came of a comparison of a model with its twin."""

    row: Row
    layers: list[tuple[str, str, bool]]

    def table(self) -> Table:
        """Which layers were replaced."""
        result = Table(title="Layers", title_justify="left")
        for heading in ("layer", "class", "replaced by ours"):
            result.add_column(heading)
        for name, class_name, replaced in self.layers:
            result.add_row(name, class_name, "yes" if replaced else "no counterpart, kept")
        return result


def verify_file(path: Path) -> Twin:
    """Load a `.keras` file, swap its layers, compare outputs and gradients, and swap back.

    Args:
        path: The file.

    Raises:
        InputError: If the file cannot be loaded or the model cannot be swapped.
    """
    try:
        model = keras.saving.load_model(path)
    except Exception as error:
        raise InputError(f"{path} cannot be loaded as a Keras model: {error}") from error
    return verify_model(model, str(path))


@products_in_full_precision()
def verify_model(model: keras.Model, name: str) -> Twin:
    """Compare a model with its twin from our layers, and with the twin of the twin.

    Args:
        model: A built functional or sequential model.
        name: What to call it in the table.

    Raises:
        InputError: If the model cannot be swapped.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the table names what was kept
            twin = swap(model)
            back = unswap(twin)
    except ValueError as error:
        raise InputError(str(error)) from error
    structure = keras.layers.InputLayer | keras.Model
    layers = [
        (new.name, type(new).__name__, type(old) is not type(new))
        for old, new in pairs(model, twin)
        if not isinstance(new, structure)
    ]
    row = Row(name, baseline="the model itself")
    inputs = _random_inputs(model)
    outputs, gradients = _run(model, inputs)
    for label, other in (("ours", twin), ("back again", back)):
        found, found_gradients = _run(other, inputs)
        row.checks += [
            Check("forward", largest_error(found, outputs), tolerances.FORWARD_32, label),
            Check(
                "gradient", largest_error(found_gradients, gradients), tolerances.GRADIENT_32, label
            ),
            Check("weights", largest_error(other.get_weights(), model.get_weights()), 0.0, label),
        ]
    return Twin(row, layers)


def _random_inputs(model) -> list:
    """Draw inputs of the model's shapes; integers stay below the smallest embedding table."""
    rng = np.random.default_rng(0)
    tables = [
        layer.input_dim
        for layer in model._flatten_layers(include_self=False)
        if hasattr(layer, "input_dim") and isinstance(layer.input_dim, int)
    ]
    inputs = []
    for tensor in keras.tree.flatten(model.inputs):
        open_sizes = [BATCH, *[LENGTH] * (len(tensor.shape) - 1)]
        shape = [o if n is None else n for n, o in zip(tensor.shape, open_sizes, strict=True)]
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if "int" in dtype:
            inputs.append(rng.integers(min(tables, default=2), size=shape).astype(dtype))
        elif "float" in dtype:
            inputs.append(rng.normal(size=shape).astype(dtype))
        else:
            raise InputError(
                f"Input {tensor.name!r} has dtype {dtype}; numbers can be compared only."
            )
    return inputs


def _run(model, inputs) -> tuple[list, list]:
    """Outputs, and the gradients of a random weighted sum of them by inputs and weights."""
    rng = np.random.default_rng(1)
    tensors = [ops.convert_to_tensor(x) for x in inputs]
    floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]

    def call(values):
        return keras.tree.flatten(model(one_or_all(values), training=False))

    outputs = call(tensors)
    factors = [rng.normal(size=tuple(o.shape)) for o in outputs]

    def weighted_sum(*arguments):
        values = list(tensors)
        for position, argument in zip(floats, arguments):
            values[position] = argument
        return sum(
            ops.sum(o * ops.convert_to_tensor(f, dtype=o.dtype))
            for o, f in zip(call(values), factors, strict=True)
        )

    points = [*(tensors[i] for i in floats), *model.trainable_variables]
    gradients = value_and_grad(weighted_sum, points)[1] if points else []
    return [to_float64(o) for o in outputs], [to_float64(g) for g in gradients]
