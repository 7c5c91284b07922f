"""The proof of a layer inside a model: ways of running, sizes that vary, files, training."""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.backend import promotion_keeps_float64
from kerasdl.parity import tolerances
from kerasdl.parity.arrays import draw_all, tensor
from kerasdl.parity.case import has_counterpart
from kerasdl.parity.layers import (
    LayerProof,
    largest_error,
    scramble_positive,
)
from kerasdl.parity.precision import FLOAT32, FLOAT64, computing_in
from kerasdl.parity.result import Check

# On JAX, Keras compiles with XLA or runs eagerly; on PyTorch it runs eagerly.
MODES = {
    "tensorflow": ("eager", "graph", "XLA"),
    "jax": ("eager", "XLA"),
    "torch": ("eager",),
}
STEPS = 4


def model_of(proof: LayerProof, k, precision, free=True):
    """Put the layer into a functional model of its own; return it, built and scrambled."""
    with computing_in(precision):
        specifications = proof.case.inputs
        inputs = []
        for i, (s, a) in enumerate(zip(specifications, proof.arrays, strict=True)):
            shape = [None if free and axis in s.free else n for axis, n in enumerate(s.shape)]
            dtype = precision.data if np.issubdtype(a.dtype, np.floating) else str(a.dtype)
            inputs.append(keras.Input(batch_shape=shape, dtype=dtype, name=f"input_{i}"))
        layer = proof.case.build(k)
        arguments = [inputs] if proof.case.as_list else inputs
        model = keras.Model(one_or_all(inputs), layer(*arguments, **proof.case.call))
    scramble_positive(layer)
    return model, layer


def as_float(arrays, dtype: str) -> list:
    """Cast the arrays of floating-point numbers; integers stay."""
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def one_or_all(values: list):
    """Return the only element of a list, or the list if there are several."""
    return values[0] if len(values) == 1 else values


def compile_in(model, mode: str) -> None:
    """Choose how the model is run."""
    with_outputs = len(keras.tree.flatten(model.outputs))
    model.compile(
        optimizer=keras.optimizers.SGD(0.05),
        loss="mse" if with_outputs == 1 else ["mse"] * with_outputs,
        run_eagerly=mode == "eager",
        jit_compile=mode == "XLA",
    )


def predict(model, arrays):
    """Run a model on arrays; outputs as a list of float64 arrays."""
    outputs = keras.tree.flatten(model.predict_on_batch(one_or_all(arrays)))
    return [np.asarray(ops.convert_to_numpy(o), dtype="float64") for o in outputs]


def check_modes(proof: LayerProof):
    """Inference and training steps in every way of running, side by side with the built-in."""
    theirs = None
    trained_there = None
    if proof.has_builtin(FLOAT64):
        with promotion_keeps_float64():
            theirs, _ = model_of(proof, keras, FLOAT64)
        weights = theirs.get_weights()
    ours, layer = model_of(proof, kerasdl, FLOAT64)
    if theirs is None:
        weights = ours.get_weights()
        expected = None
    arrays = as_float(proof.arrays, "float64")
    for mode in MODES[keras.backend.backend()]:
        if mode in proof.case.skip:
            continue
        with computing_in(FLOAT64):
            if theirs is not None and trained_there is None:
                with promotion_keeps_float64():
                    expected, trained_there = _run(theirs, weights, arrays, "eager")
            outputs, trained = _run(ours, weights, arrays, mode)
        if expected is None:
            expected, trained_there = outputs, trained
            continue
        yield Check(f"{mode}", largest_error(outputs, expected), tolerances.STEPS_64, "inference")
        if layer.trainable_weights and not proof.case.draws and trained:
            error = largest_error(trained, trained_there)
            yield Check("training steps", error, tolerances.STEPS_64, mode)


def _run(model, weights, arrays, mode):
    """Outputs of a model, and its weights after some steps of training."""
    model.set_weights(weights)
    compile_in(model, mode)
    outputs = predict(model, arrays)
    if not model.trainable_weights:
        return outputs, []
    rng = np.random.default_rng(4)
    targets = [rng.normal(size=o.shape) for o in outputs]
    with promotion_keeps_float64():  # the loss and the optimiser are built-ins for both
        for _ in range(STEPS):
            model.train_on_batch(one_or_all(arrays), one_or_all(targets))
    return outputs, model.get_weights()


def check_dynamic(proof: LayerProof):
    """One model for batches and lengths that were not known when it was built."""
    ours, layer = model_of(proof, kerasdl, FLOAT32)
    compile_in(ours, "graph" if keras.backend.backend() == "tensorflow" else "eager")
    for grow in (0, 2):
        arrays = as_float(draw_all(proof.case.inputs, seed=grow, grow=grow), "float32")
        values = [tensor(a, "float32") for a in arrays]
        outputs = keras.tree.flatten(proof.call(layer, values, training=False))
        expected = [ops.convert_to_numpy(o) for o in outputs]
        error = largest_error(predict(ours, arrays), expected)
        yield Check("dynamic sizes", error, tolerances.FORWARD_32, f"{grow} longer than built")
        shapes = [tuple(o.shape) for o in outputs]
        declared = [tuple(o.shape) for o in ours.outputs]
        fits = all(
            len(s) == len(d) and all(n is None or n == m for m, n in zip(s, d))
            for s, d in zip(shapes, declared, strict=True)
        )
        note = "" if fits else f"declared {declared}, came {shapes}"
        yield Check("output shape", 0.0 if fits else np.inf, tolerances.EXACT, note)


def check_config(proof: LayerProof):
    """`get_config` has what the built-in's has, and rebuilds the same layer."""
    ours = proof.case.build(kerasdl)
    config = ours.get_config()
    again = type(ours).from_config(config).get_config()
    same = _plain(again) == _plain(config)
    yield Check("config", 0.0 if same else np.inf, tolerances.EXACT, "" if same else f"{config}")
    if not has_counterpart(proof.case.symbol):
        return
    expected = _plain(proof.case.build(keras).get_config())
    found = _plain(config)
    wrong = {
        key: (found.get(key, "missing"), value)
        for key, value in expected.items()
        if key not in _NOT_OFFERED and not _within(value, found.get(key, "missing"))
    }
    note = "" if not wrong else f"ours against Keras': {wrong}"
    yield Check("config", np.inf if wrong else 0.0, tolerances.EXACT, note)


_NOT_OFFERED = ("name", "quantization_config", "lora_rank", "lora_alpha")


def _within(expected, found) -> bool:
    """Whether the entries of a config, and of the configs inside it, are all there and equal."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(
            key in _NOT_OFFERED or _within(value, found.get(key, "missing"))
            for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_within, expected, found))
    return expected == found


def _plain(value):
    """Reduce a config to what both sides must share: of an object its class name and config."""
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            name = value["class_name"].rsplit(">", 1)[-1]
            if name == "DTypePolicy":  # some of Keras' layers write its name alone
                return value["config"]["name"]
            return {"class_name": name, "config": _plain(value["config"])}
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def check_file(proof: LayerProof):
    """A model in a `.keras` file comes back with our layer and the same outputs."""
    model, layer = model_of(proof, kerasdl, FLOAT32)
    arrays = as_float(proof.arrays, "float32")
    compile_in(model, "eager")
    expected = predict(model, arrays)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
    kept = any(type(found) is type(layer) for found in loaded.layers)
    yield Check(".keras", 0.0 if kept else np.inf, tolerances.EXACT, "class")
    yield Check(".keras", largest_error(loaded.get_weights(), model.get_weights()), 0.0, "weights")
    compile_in(loaded, "eager")
    yield Check(".keras", largest_error(predict(loaded, arrays), expected), tolerances.FORWARD_32)


def flat(outputs):
    """Return one tensor, or a list of them: a signature holds no dict inside a list."""
    leaves = keras.tree.flatten(outputs)
    return leaves[0] if len(leaves) == 1 else leaves


def check_saved_model(proof: LayerProof):
    """A SavedModel without Python behind it gives the same outputs (TensorFlow only)."""
    if keras.backend.backend() != "tensorflow":
        return
    model, _ = model_of(proof, kerasdl, FLOAT32)
    arrays = as_float(proof.arrays, "float32")
    compile_in(model, "eager")
    expected = predict(model, arrays)
    with tempfile.TemporaryDirectory() as folder:
        # Not `model.export`: it leaves out `training=False`, so that augmentation would go on.
        archive = keras.export.ExportArchive()
        archive.track(model)
        archive.add_endpoint(
            "serve",
            lambda inputs: flat(model(inputs, training=False)),
            input_signature=[one_or_all(list(model.inputs))],
        )
        archive.write_out(folder, verbose=False)
        endpoint = keras.layers.TFSMLayer(folder, call_endpoint="serve")
        outputs = keras.tree.flatten(endpoint(one_or_all(arrays)))
    found = [ops.convert_to_numpy(ops.cast(o, "float64")) for o in outputs]
    yield Check("SavedModel", largest_error(found, expected), tolerances.FORWARD_32)
