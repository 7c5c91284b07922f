"""The proof of a layer: numbers, gradients, masks, weights."""

import inspect

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.backend import get_mask, promotion_keeps_float64, value_and_grad
from kerasdl.parity import tolerances
from kerasdl.parity.arrays import draw_all, draw_masks, path_below, tensor, with_mask
from kerasdl.parity.case import LayerCase, has_counterpart
from kerasdl.parity.compare import relative_error, scramble
from kerasdl.parity.precision import ALL, FLOAT32, FLOAT64, Precision, computing_in
from kerasdl.parity.result import Check


class LayerProof:
    """Builds ours and the built-in from one case, with the same weights, and compares."""

    def __init__(self, case: LayerCase):
        self.case = case
        self.arrays = draw_all(case.inputs)
        self.masks = draw_masks(case.masks) if case.masks else [None] * len(self.arrays)

    def has_builtin(self, precision: Precision = FLOAT32) -> bool:
        """Whether there is a built-in to compare with."""
        return self.case.has_builtin(precision.name)

    def tensors(self, precision: Precision, masked=False):
        """The inputs as tensors, with their masks attached."""
        dtype = "float32" if precision.data == "float32" else "float64"
        values = [tensor(a, dtype) for a in self.arrays]
        return [with_mask(v, m) for v, m in zip(values, self.masks)] if masked else values

    def call(self, layer, values, training):
        """Call a layer as the case says."""
        arguments = dict(self.case.call)
        if "training" in inspect.signature(layer.call).parameters:
            arguments["training"] = training
        return (
            layer(list(values), **arguments) if self.case.as_list else layer(*values, **arguments)
        )

    def built(self, k, precision: Precision):
        """Build the layer from `k`, its weights filled with numbers that all differ."""
        with computing_in(precision):
            layer = self.case.build(k)
            self.call(layer, self.tensors(precision), training=False)
        scramble_positive(layer)
        return layer

    def built_unrun(self, k):
        """Build a layer from `k` in float32 without running it, on symbolic inputs."""
        with computing_in(FLOAT32):
            layer = self.case.build(k)
            values = [
                keras.KerasTensor(v.shape, keras.backend.standardize_dtype(v.dtype))
                for v in self.tensors(FLOAT32)
            ]
            self.call(layer, values, training=False)
        return layer

    def pair(self, precision: Precision):
        """Build ours and, where it can be compared with, the built-in with the same weights."""
        ours = self.built(kerasdl, precision)
        with promotion_keeps_float64():
            theirs = self.built(keras, precision) if self.has_builtin(precision) else None
        if theirs is not None:
            ours.set_weights(theirs.get_weights())
        return ours, theirs

    def run(self, layer, precision, training, masked=False):
        """Return outputs, masks of the outputs, gradients and the state afterwards, as arrays."""
        values = self.tensors(precision, masked)
        before = layer.get_weights()
        outputs = keras.tree.flatten(self.call(layer, values, training))
        out_masks = [get_mask(o) for o in outputs] if masked else []
        state = [np.array(ops.convert_to_numpy(v)) for v in layer.non_trainable_weights]
        layer.set_weights(before)
        gradients = self.gradients(layer, values, precision, training, masked, outputs)
        layer.set_weights(before)
        return (
            [ops.convert_to_numpy(ops.cast(o, "float64")) for o in outputs],
            [None if m is None else ops.convert_to_numpy(m) for m in out_masks],
            gradients,
            state,
        )

    def differentiable(self, values):
        """Positions of the inputs that have a gradient."""
        return [
            i
            for i, v in enumerate(values)
            if self.case.inputs[i].differentiable
            and "float" in keras.backend.standardize_dtype(v.dtype)
        ]

    def weighted_sum(self, layer, values, precision, training, masked, outputs):
        """Return the scalar whose gradient is compared, as a function of inputs and weights."""
        rng = np.random.default_rng(2)
        factors = [rng.normal(size=tuple(o.shape)) for o in outputs]
        positions = self.differentiable(values)
        masks = self.masks if masked else [None] * len(values)

        def function(*arguments):
            replaced = list(values)
            for position, argument in zip(positions, arguments):
                replaced[position] = with_mask(argument, masks[position])
            results = keras.tree.flatten(self.call(layer, replaced, training))
            dtype = precision.data
            return sum(
                ops.sum(ops.cast(r, dtype) * ops.convert_to_tensor(f, dtype=dtype))
                for r, f in zip(results, factors)
                if "float" in keras.backend.standardize_dtype(r.dtype)
            )

        return function, [values[p] for p in positions]

    def gradients(self, layer, values, precision, training, masked, outputs):
        """Gradients of a random weighted sum of the outputs, by input and by weight."""
        if "gradients" in self.case.skip:
            return []
        function, inputs = self.weighted_sum(layer, values, precision, training, masked, outputs)
        points = [*inputs, *layer.trainable_variables]
        if not points:
            return []
        _, gradients = value_and_grad(function, points)
        return [ops.convert_to_numpy(ops.cast(g, "float64")) for g in gradients]

    def referenced(self, layer, training):
        """Outputs of the case's NumPy reference."""
        weights = {
            path_below(layer, w): np.array(ops.convert_to_numpy(w), dtype="float64")
            for w in layer.weights
        }
        outputs = self.case.reference(weights, *self.arrays, training)
        return outputs if isinstance(outputs, list | tuple) else [outputs]


def scramble_positive(layer) -> None:
    """Scramble the weights; those that are variances stay positive."""
    scramble(layer)
    for weight in layer.weights:
        if "variance" in weight.name:
            weight.assign(ops.abs(weight.value) + 0.5)


def trainings(case: LayerCase) -> list[bool]:
    """Modes in which the outputs of ours and the built-in are the same numbers."""
    return [False] if case.draws else [False, True]


def check_numbers(proof: LayerProof):
    """Forward, gradients, state and masks in every precision, training and inference."""
    for precision in ALL:
        if precision.name in proof.case.skip:
            continue
        if precision.name == "bfloat16":
            precision = precision._replace(
                forward=precision.forward * proof.case.depth,
                gradient=precision.gradient * proof.case.depth,
            )
        ours, theirs = proof.pair(precision)
        for training in trainings(proof.case):
            for masked in [False, True] if proof.case.masks else [False]:
                mode = ("training" if training else "inference") + (", masked" if masked else "")
                yield from _compare(proof, precision, ours, theirs, training, masked, mode)


def _compare(proof, precision, ours, theirs, training, masked, mode):
    outputs, masks, gradients, state = proof.run(ours, precision, training, masked)
    if theirs is None:
        if not masked and proof.case.reference:
            expected = proof.referenced(ours, training)
            error = largest_error(outputs, expected)
            yield Check(f"forward {precision.name}", error, precision.forward, f"NumPy, {mode}")
        if (
            gradients and precision.name != "float64"
        ):  # float64 itself is proven by finite differences
            error = largest_error(gradients, _exact_gradients(proof, training, masked))
            note = f"ours in float64, {mode}"
            yield Check(f"gradient {precision.name}", error, precision.gradient, note)
        return
    with promotion_keeps_float64():
        expected, their_masks, their_gradients, their_state = proof.run(
            theirs, precision, training, masked
        )
    error = largest_error(outputs, expected)
    yield Check(f"forward {precision.name}", error, precision.forward, mode)
    if their_gradients:
        error = largest_error(gradients, their_gradients)
        if precision.name == "bfloat16" and error > precision.gradient:
            exact = _exact_gradients(proof, training, masked, theirs.get_weights())
            gradients = _vanishing_in_proportion(gradients, exact)
            their_gradients = _vanishing_in_proportion(their_gradients, exact)
            error = largest_error(gradients, their_gradients)
            # Over a thousand terms added up in bfloat16 are off by a tenth; who adds them up in
            # float32 must not be held to that.
            own = largest_error(gradients, exact)
            if error > precision.gradient and own < largest_error(their_gradients, exact):
                error, mode = own, f"nearer to float64 than Keras', {mode}"
        yield Check(f"gradient {precision.name}", error, precision.gradient, mode)
    if their_state:
        error = largest_error(state, their_state)
        yield Check(f"state {precision.name}", error, precision.forward, mode)
    if masked:
        pairs = zip(masks, their_masks, strict=True)
        same = all(_same_mask(a, b) for a, b in pairs)
        yield Check("mask", 0.0 if same else np.inf, tolerances.EXACT, mode)
    if precision.name == "float64" and proof.case.reference and not masked:
        outputs = proof.referenced(ours, training)
        error = largest_error(expected, outputs)
        yield Check("forward float64", error, precision.forward, f"NumPy, {mode}")


def _vanishing_in_proportion(gradients, exact):
    """Divide those that are exactly 0 by the largest of all: they are nothing but its rounding.

    So it is with the bias of an attention's keys, which moves all scores of a query alike.
    """
    largest = max(1.0, *(np.abs(e).max() for e in exact))
    zero = tolerances.FORWARD_64 * largest
    return [
        np.asarray(g, "float64") / largest if np.abs(e).max() <= zero else g
        for g, e in zip(gradients, exact, strict=True)
    ]


def _exact_gradients(proof, training, masked, weights=None):
    """Ours in float64, which finite differences prove."""
    layer = proof.built(kerasdl, FLOAT64)
    if weights is not None:
        layer.set_weights(weights)
    return proof.run(layer, FLOAT64, training, masked)[2]


def largest_error(ours, theirs) -> float:
    """Largest relative error of lists of arrays; infinite if they do not even match in number."""
    ours, theirs = list(ours), list(theirs)
    if len(ours) != len(theirs):
        return np.inf
    return max(map(relative_error, ours, theirs), default=0.0)


def _same_mask(a, b) -> bool:
    return (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))


def check_finite_differences(proof: LayerProof):
    """Directional derivatives in float64 against central differences, for inputs and weights."""
    layer, _ = proof.pair(FLOAT64)
    values = proof.tensors(FLOAT64)
    for training in trainings(proof.case):
        outputs = keras.tree.flatten(proof.call(layer, values, training))
        function, inputs = proof.weighted_sum(layer, values, FLOAT64, training, False, outputs)
        points = [*inputs, *layer.trainable_variables]
        if not points or "gradients" in proof.case.skip:
            return
        before = layer.get_weights()
        _, gradients = value_and_grad(function, points)
        layer.set_weights(before)
        error = max(
            _directional_error(function, points, i, ops.convert_to_numpy(g))
            for i, g in enumerate(gradients)
        )
        mode = "training" if training else "inference"
        yield Check("finite differences", error, tolerances.FINITE_DIFFERENCE, mode)


def _directional_error(function, points, i, gradient, step=1e-6):
    rng = np.random.default_rng(3)
    is_variable = isinstance(points[i], keras.Variable)
    start = np.array(ops.convert_to_numpy(points[i]), dtype="float64")

    def value(at):
        arguments = list(points)
        if is_variable:
            points[i].assign(at)
        else:
            arguments[i] = ops.convert_to_tensor(at, dtype="float64")
        return float(ops.convert_to_numpy(ops.stop_gradient(function(*arguments))))

    errors = []
    for _ in range(3):
        direction = rng.normal(size=start.shape)
        direction /= np.linalg.norm(direction)
        slope = (value(start + step * direction) - value(start - step * direction)) / (2 * step)
        errors.append(relative_error(np.sum(gradient * direction), slope))
    if is_variable:
        points[i].assign(start)
    return max(errors)


def check_weights(proof: LayerProof):
    """Same names, shapes and order of the weights; they go over both ways."""
    ours = proof.built(kerasdl, FLOAT32)
    if not has_counterpart(proof.case.symbol):
        return
    theirs = proof.built_unrun(keras)  # it may be one that fails on this backend
    described = [
        [(path_below(layer, w), tuple(w.shape), w.dtype, w.trainable) for w in layer.weights]
        for layer in (ours, theirs)
    ]
    same = described[0] == described[1]
    note = "" if same else f"ours {described[0]}, theirs {described[1]}"
    yield Check("weights", 0.0 if same else np.inf, tolerances.EXACT, note)
    for source, target in ((ours, theirs), (theirs, ours)):
        scramble(source, seed=5)
        target.set_weights(source.get_weights())
        error = largest_error(source.get_weights(), target.get_weights())
        yield Check("weights", error, tolerances.EXACT, "both ways")


def check_draws(proof: LayerProof):
    """What a layer draws while training has the distribution that its equation says."""
    if not proof.case.draws:
        return
    keras.utils.set_random_seed(0)
    ours = proof.built(kerasdl, FLOAT32)
    values = proof.tensors(FLOAT32)
    y = proof.call(ours, values, training=True)
    arrays = [ops.convert_to_numpy(v) for v in keras.tree.flatten(y)]
    measured = proof.case.draws(proof.arrays[0].astype(arrays[0].dtype), arrays[0])
    for what, (error, tolerance) in measured.items():
        yield Check("draws", float(error), tolerance, what)
