"""Fine-tuning by low-rank updates: what the comparison with Keras cannot show."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import layers
from kerasdl.backend import value_and_grad
from kerasdl.parity import finite_difference, relative_error

# Builders of each layer that has a counterpart in Keras, and an input.
X = np.linspace(-1, 1, 12).reshape(2, 6).astype("float32")
WORDS = np.array([[1, 0, 2], [2, 2, 0]])
LAYERS = {
    "dense": (lambda k, **lora: k.Dense(4, **lora), X),
    "einsum": (
        lambda k, **lora: k.EinsumDense("ab,bcd->acd", (2, 3), bias_axes="cd", **lora),
        X,
    ),
    "embedding": (lambda k, **lora: k.Embedding(3, 5, **lora), WORDS),
    "conv1d": (lambda k, **lora: k.Conv1D(4, 2, groups=2, **lora), X.reshape(1, 6, 2)),
    "conv2d": (lambda k, **lora: k.Conv2D(4, (2, 1), **lora), X.reshape(1, 3, 2, 2)),
    "conv3d": (lambda k, **lora: k.Conv3D(2, 1, **lora), X.reshape(1, 3, 2, 2, 1)),
}


def built(k, case, **lora):
    make, x = LAYERS[case]
    layer = make(k, **lora)
    layer.build(x.shape)
    return layer


def scrambled(layer, seed=0):
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("case", LAYERS)
def test_the_weights_are_those_of_keras(case):
    ours, theirs = built(layers, case), built(keras.layers, case)
    for layer in (ours, theirs):
        layer.enable_lora(2, lora_alpha=3.0)
    said, expected = (
        [(w.name, w.path.split("/")[-1], w.shape, w.trainable, w.dtype) for w in layer.weights]
        for layer in (ours, theirs)
    )
    assert said == expected
    scrambled(ours)
    theirs.set_weights(ours.get_weights())
    x = LAYERS[case][1]
    assert relative_error(ours(x), theirs(x)) <= tol.FORWARD_32


@pytest.mark.parametrize("case", LAYERS)
def test_it_starts_as_it_was_and_its_equation_holds(case):
    _, x = LAYERS[case]
    layer = scrambled(built(layers, case))
    before = ops.convert_to_numpy(layer(x))
    layer.enable_lora(2, lora_alpha=3.0)
    assert relative_error(layer(x), before) == 0
    _, *_, A, B = scrambled(layer).get_weights()
    name = layer.ADAPTED
    W = ops.convert_to_numpy(getattr(layer, f"_{name}"))
    assert relative_error(getattr(layer, name), W + 1.5 * (A @ B)) <= tol.FORWARD_32


def test_the_gradient_reaches_the_factors_and_not_the_weight(rng):
    layer = built(layers, "dense")
    layer.enable_lora(2)
    scrambled(layer)
    x, w = rng.normal(size=(3, 6)), rng.normal(size=(3, 4))
    assert [v.name for v in layer.trainable_variables] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    W, b, A, B = (np.float64(v) for v in layer.get_weights())
    factors = [layer.lora_kernel_a, layer.lora_kernel_b]
    w_32 = ops.convert_to_tensor(w, "float32")
    _, gradients = value_and_grad(lambda A, B: ops.sum(layer(x.astype("float32")) * w_32), factors)

    def loss(A, B):
        return np.sum((x @ (W + A @ B) + b) * w)

    for i, gradient in enumerate(gradients):
        expected = finite_difference(
            lambda t, i=i: loss(*(t if j == i else (A, B)[j] for j in range(2))), (A, B)[i]
        )
        assert relative_error(gradient, expected) <= tol.GRADIENT_32


@pytest.mark.parametrize("case", ["dense", "einsum", "embedding", "conv1d"])
def test_files_hold_the_merged_weight(case, tmp_path):
    _, x = LAYERS[case]

    def model(**lora):
        layer = built(layers, case, **lora)
        return keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), layer]), layer

    tuned, layer = model(lora_rank=2, lora_alpha=3.0)
    scrambled(layer)
    expected = ops.convert_to_numpy(tuned(x))
    tuned.save(tmp_path / "tuned.keras")
    again = keras.saving.load_model(tmp_path / "tuned.keras")
    copy = again.layers[-1]
    assert (copy.lora_rank, copy.lora_alpha, copy.lora_enabled) == (2, 3.0, True)
    assert relative_error(again(x), expected) <= tol.FORWARD_32
    # A model without LoRA reads the same weights, Keras' too.
    tuned.save_weights(tmp_path / "tuned.weights.h5")
    for k in (layers, keras.layers):
        plain = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), LAYERS[case][0](k)])
        plain.load_weights(tmp_path / "tuned.weights.h5")
        assert relative_error(plain(x), expected) <= tol.FORWARD_32
    # And the way back.
    plain.save_weights(tmp_path / "plain.weights.h5")
    tuned.load_weights(tmp_path / "plain.weights.h5")
    assert relative_error(tuned(x), expected) <= tol.FORWARD_32


def test_fine_tuning_goes_on_after_a_file_was_read(tmp_path, rng):
    """In Keras both factors are 0 then, and so are their gradients."""
    x, y = rng.normal(size=(8, 6)).astype("float32"), rng.normal(size=(8, 4)).astype("float32")
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, use_bias=False, lora_rank=2)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    losses = [again.train_on_batch(x, y) for _ in range(5)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("case", ["dense", "embedding"])
def test_trains_as_in_keras(case):
    compiles = keras.backend.backend() != "torch"  # there it takes a minute
    _, x = LAYERS[case]
    trained = []
    for k in (layers, keras.layers):
        layer = built(k, case, lora_rank=2)
        model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), layer])
        scrambled(layer)
        model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse", jit_compile=compiles)
        y = np.ones(model.compute_output_shape(x.shape), "float32")
        for _ in range(4):
            model.train_on_batch(x, y)
        trained.append(layer.get_weights())
    for ours, theirs in zip(*trained):
        assert relative_error(ours, theirs) <= tol.GRADIENT_32


def test_under_mixed_precision_the_file_keeps_float32(tmp_path):
    """Keras rounds the merged weight to the compute dtype."""
    layer = layers.Dense(4, lora_rank=2, dtype="mixed_bfloat16")
    model = keras.Sequential([keras.Input((6,)), layer])
    scrambled(layer)
    W, _, A, B = layer.get_weights()
    model.save_weights(tmp_path / "model.weights.h5")
    plain = keras.Sequential([keras.Input((6,)), layers.Dense(4)])
    plain.load_weights(tmp_path / "model.weights.h5")
    assert relative_error(plain.layers[-1].kernel, W + A @ B) <= tol.FORWARD_32
    assert keras.backend.standardize_dtype(layer(X).dtype) == "bfloat16"


def test_without_lora_nothing_is_there():
    layer = built(layers, "dense")
    assert layer.kernel is layer._kernel
    assert [w.name for w in layer.weights] == ["kernel", "bias"]
    assert not {"lora_rank", "lora_alpha"} & set(layer.get_config())


def test_bad_use_is_named():
    with pytest.raises(AttributeError, match=r"before accessing `kernel`|no attribute 'kernel'"):
        _ = layers.Conv1D(2, 1).kernel
    with pytest.raises(ValueError, match="isn't yet built"):
        layers.Dense(2).enable_lora(2)
    layer = built(layers, "dense")
    with pytest.raises(ValueError, match="`rank` must be a positive integer, received 0"):
        layer.enable_lora(0)
    layer.enable_lora(2)
    with pytest.raises(ValueError, match="already enabled"):
        layer.enable_lora(2)
    constrained = layers.Embedding(3, 2, embeddings_constraint="unit_norm")
    constrained.build()
    with pytest.raises(ValueError, match=r"embedding constraints: remove the `embeddings_const"):
        constrained.enable_lora(1)
    with pytest.raises(ValueError, match="expected 2 variables, but received 1"):
        layer.load_own_variables({"0": np.zeros((6, 4))})
    with pytest.raises(ValueError, match="`quantization_config` is not offered"):
        layers.Dense(2, quantization_config="int8")
