"""The proof of a function of tensors, or of an object that is called like one."""

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.backend import compiled, promotion_keeps_float64, value_and_grad
from kerasdl.parity import tolerances
from kerasdl.parity.arrays import draw_all, tensor
from kerasdl.parity.case import FunctionCase, has_counterpart
from kerasdl.parity.layers import largest_error
from kerasdl.parity.precision import ALL, FLOAT32, FLOAT64, Precision, computing_in
from kerasdl.parity.result import Check

DATA = {"float64": "float64", "float32": "float32", "bfloat16": "bfloat16"}


class FunctionProof:
    """Calls ours and the built-in on the same numbers."""

    def __init__(self, case: FunctionCase):
        self.case = case
        self.arrays = draw_all(case.inputs)

    def has_builtin(self, precision: Precision) -> bool:
        """Whether there is a built-in to compare with."""
        return self.case.has_builtin(precision.name)

    def tensors(self, precision: Precision):
        """The inputs as tensors of the precision."""
        return [tensor(a, DATA[precision.name]) for a in self.arrays]

    def weighted_sum(self, function, values):
        """Return a scalar function of the differentiable inputs, and those inputs."""
        # Copies: on PyTorch, a loss of Keras multiplies a mask into the weights that it is given.
        outputs = keras.tree.flatten(function(*map(ops.copy, values)))
        rng = np.random.default_rng(2)
        factors = [rng.normal(size=tuple(o.shape)) for o in outputs]
        positions = [
            i
            for i, s in enumerate(self.case.inputs)
            if s.differentiable and self.arrays[i].dtype.kind == "f"
        ]

        def scalar(*arguments):
            replaced = list(values)
            for position, argument in zip(positions, arguments, strict=True):
                replaced[position] = argument
            results = keras.tree.flatten(function(*replaced))
            return sum(
                ops.sum(r * ops.convert_to_tensor(f, dtype=r.dtype))
                for r, f in zip(results, factors, strict=True)
                if "float" in keras.backend.standardize_dtype(r.dtype)
            )

        return scalar, [values[p] for p in positions]

    def run(self, function, precision):
        """Outputs and gradients as float64 arrays."""
        outputs = [to_float64(o) for o in keras.tree.flatten(function(*self.tensors(precision)))]
        if "gradients" in self.case.skip:
            return outputs, []
        scalar, inputs = self.weighted_sum(function, self.tensors(precision))
        gradients = value_and_grad(scalar, inputs)[1] if inputs else []
        return outputs, [to_float64(g) for g in gradients]


def to_float64(value) -> np.ndarray:
    """Return a tensor as a float64 array."""
    return ops.convert_to_numpy(ops.cast(value, "float64"))


def check_function_numbers(proof: FunctionProof):
    """Values and gradients in every precision."""
    for precision in ALL:
        if precision.name in proof.case.skip:
            continue
        with computing_in(precision):
            outputs, gradients = proof.run(proof.case.build(kerasdl), precision)
            if proof.has_builtin(precision):
                with promotion_keeps_float64():
                    expected, their_gradients = proof.run(proof.case.build(keras), precision)
                if their_gradients:
                    error = largest_error(gradients, their_gradients)
                    yield Check(f"gradient {precision.name}", error, precision.gradient)
                error = largest_error(outputs, expected)
                yield Check(f"forward {precision.name}", error, precision.forward)
        if proof.case.reference and (precision is FLOAT64 or not proof.has_builtin(precision)):
            expected = proof.case.reference(*proof.arrays)
            expected = expected if isinstance(expected, list | tuple) else [expected]
            error = largest_error(outputs, expected)
            yield Check(f"forward {precision.name}", error, precision.forward, "NumPy")


def check_function_finite_differences(proof: FunctionProof):
    """Directional derivatives in float64 against central differences."""
    if "gradients" in proof.case.skip:
        return
    with computing_in(FLOAT64):
        scalar, inputs = proof.weighted_sum(proof.case.build(kerasdl), proof.tensors(FLOAT64))
        if not inputs:
            return
        _, gradients = value_and_grad(scalar, inputs)
        rng = np.random.default_rng(3)
        step, errors = 1e-6, []
        for i, gradient in enumerate(gradients):
            start = ops.convert_to_numpy(inputs[i])
            for _ in range(3):
                direction = rng.normal(size=start.shape)
                direction /= np.linalg.norm(direction)
                above, below = (
                    float(scalar(*[*inputs[:i], ops.convert_to_tensor(at), *inputs[i + 1 :]]))
                    for at in (start + step * direction, start - step * direction)
                )
                slope = np.sum(ops.convert_to_numpy(gradient) * direction)
                errors.append(largest_error([slope], [(above - below) / (2 * step)]))
        yield Check("finite differences", max(errors), tolerances.FINITE_DIFFERENCE)


def check_function_modes(proof: FunctionProof):
    """The same values compiled to a graph, with XLA, and for sizes that vary."""
    if keras.backend.backend() == "torch":
        return
    function = proof.case.build(kerasdl)
    values = proof.tensors(FLOAT32)
    expected = [to_float64(o) for o in keras.tree.flatten(function(*values))]
    for mode in ("graph", "XLA") if keras.backend.backend() == "tensorflow" else ("XLA",):
        if mode in proof.case.skip:
            continue
        outputs = keras.tree.flatten(compiled(function, xla=mode == "XLA")(*values))
        error = largest_error([to_float64(o) for o in outputs], expected)
        yield Check(mode, error, tolerances.FORWARD_32)
    if "dynamic sizes" in proof.case.skip:
        return
    run = compiled(function, free_axes=[s.free for s in proof.case.inputs])
    for grow in (0, 2):
        arrays = draw_all(proof.case.inputs, seed=grow, grow=grow)
        values = [tensor(a, "float32") for a in arrays]
        expected = [to_float64(o) for o in keras.tree.flatten(function(*values))]
        outputs = [to_float64(o) for o in keras.tree.flatten(run(*values))]
        error = largest_error(outputs, expected)
        yield Check("dynamic sizes", error, tolerances.FORWARD_32, f"{grow} longer than traced")


def check_object_config(proof):
    """An object (loss, regulariser, …) is rebuilt from its config; Keras' has the same entries."""
    ours = proof.case.build(kerasdl)
    if not hasattr(ours, "get_config"):
        return
    config = ours.get_config()
    same = type(ours).from_config(config).get_config() == config
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    same = same and type(again) is type(ours)
    yield Check("config", 0.0 if same else np.inf, tolerances.EXACT, "" if same else f"{config}")
    if has_counterpart(proof.case.symbol):
        expected = proof.case.build(keras).get_config()
        same = expected.items() <= config.items()
        note = "" if same else f"ours {config}, Keras' {expected}"
        yield Check("config", 0.0 if same else np.inf, tolerances.EXACT, note)
