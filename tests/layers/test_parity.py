"""Every layer with a built-in counterpart equals it: forward, gradients, dtypes, masks, jit."""

import keras
import numpy as np
import pytest
import tolerances as tol

from kerasdl import layers
from kerasdl.backend import promotion_keeps_float64
from kerasdl.parity import compare_layers, relative_error, scramble

BOOL = np.tri(5, 7, dtype="bool")

# name, constructor arguments, input shapes, call arguments
CASES = {
    "dense": ("Dense", dict(units=3), [(4, 5)], {}),
    "dense_relu": ("Dense", dict(units=3, activation="relu"), [(4, 2, 5)], {}),
    "dense_gelu": ("Dense", dict(units=3, activation="gelu"), [(4, 5)], {}),
    "dense_softmax": ("Dense", dict(units=3, activation="softmax"), [(4, 5)], {}),
    "dense_tanh": ("Dense", dict(units=3, activation="tanh"), [(4, 5)], {}),
    "dense_plain": ("Dense", dict(units=3, use_bias=False), [(4, 5)], {}),
    "einsum": (
        "EinsumDense",
        dict(equation="abc,cd->abd", output_shape=(None, 6), bias_axes="d"),
        [(4, 3, 5)],
        {},
    ),
    "einsum_dots": (
        "EinsumDense",
        dict(equation="...x,xy->...y", output_shape=6, bias_axes="y", activation="relu"),
        [(4, 3, 2, 5)],
        {},
    ),
    "einsum_trailing": (
        "EinsumDense",
        dict(equation="ab...,bc->ac...", output_shape=6, bias_axes="c"),
        [(4, 3, 2)],
        {},
    ),
    "einsum_two_biases": (
        "EinsumDense",
        dict(equation="ab,bcd->acd", output_shape=(3, 2), bias_axes="c"),
        [(4, 5)],
        {},
    ),
    "norm": ("LayerNormalization", dict(), [(4, 3, 5)], {}),
    "norm_epsilon": ("LayerNormalization", dict(epsilon=1e-6), [(4, 5)], {}),
    "norm_axes": ("LayerNormalization", dict(axis=(1, -1)), [(4, 3, 2, 5)], {}),
    "norm_first": ("LayerNormalization", dict(axis=1, center=False), [(4, 3, 5)], {}),
    "norm_plain": ("LayerNormalization", dict(center=False, scale=False), [(4, 5)], {}),
    "dropout_inference": ("Dropout", dict(rate=0.5), [(4, 5)], dict(training=False)),
    "mha": ("MultiHeadAttention", dict(num_heads=2, key_dim=3), [(4, 5, 6), (4, 7, 8)], {}),
    "mha_key": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3, value_dim=5, output_shape=9),
        [(4, 5, 6), (4, 7, 8), (4, 7, 4)],
        {},
    ),
    "mha_no_bias": (
        "MultiHeadAttention",
        dict(num_heads=3, key_dim=2, use_bias=False),
        [(4, 5, 6), (4, 5, 6)],
        {},
    ),
    "mha_scores": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3),
        [(4, 5, 6), (4, 7, 8)],
        dict(return_attention_scores=True),
    ),
    "mha_causal": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3),
        [(4, 5, 6), (4, 7, 6)],
        dict(use_causal_mask=True),
    ),
    "mha_mask_2d": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3),
        [(4, 5, 6), (4, 7, 6)],
        dict(attention_mask=BOOL),
    ),
    "mha_mask_3d": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3),
        [(4, 5, 6), (4, 7, 6)],
        dict(attention_mask=np.stack([BOOL] * 4)),
    ),
    "mha_mask_4d": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3),
        [(4, 5, 6), (4, 7, 6)],
        dict(attention_mask=np.stack([BOOL] * 8).reshape(4, 2, 5, 7), use_causal_mask=True),
    ),
    "mha_window": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3, sliding_window=2),
        [(4, 5, 6), (4, 5, 6)],
        dict(use_causal_mask=True),
    ),
    "mha_gate": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3, use_gate=True),
        [(4, 5, 6), (4, 5, 6)],
        {},
    ),
    "mha_axes": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3, attention_axes=2),
        [(2, 3, 5, 6), (2, 3, 4, 6)],
        dict(return_attention_scores=True),
    ),
    "mha_two_axes": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3, attention_axes=(1, 2)),
        [(2, 3, 5, 6), (2, 4, 2, 6)],
        {},
    ),
    "mha_output_2d": (
        "MultiHeadAttention",
        dict(num_heads=2, key_dim=3, output_shape=(2, 4)),
        [(2, 3, 6), (2, 5, 6)],
        {},
    ),
}


def pair(case, **kwargs):
    name, arguments, shapes, call = CASES[case]
    if (keras.backend.backend(), case) == ("torch", "norm_first"):
        pytest.skip("Keras' layer fails on PyTorch for an axis that is not the last")
    if name == "MultiHeadAttention" and keras.backend.backend() == "jax":
        # With dropout (idle at inference) the built-in computes its equation. Its fused path on
        # JAX refuses value_dim != key_dim and takes the softmax of float64 in float32.
        arguments = {**arguments, "dropout": 0.1}
    return (
        getattr(layers, name)(**arguments, **kwargs),
        getattr(keras.layers, name)(**arguments, **kwargs),
        shapes,
        call,
    )


def draw(rng, shapes, dtype="float64"):
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


@pytest.mark.parametrize("case", CASES)
def test_equal_to_the_built_in_in_float64(case, rng):
    ours, theirs, shapes, call = pair(case, dtype="float64")
    # Keras rounds on JAX and PyTorch by itself; test_own_layers.py holds ours to NumPy.
    with promotion_keeps_float64():
        result = compare_layers(ours, theirs, draw(rng, shapes), **call)
    assert result.forward <= tol.FORWARD_64
    assert result.gradients <= tol.GRADIENT_64


@pytest.mark.parametrize("case", CASES)
def test_equal_to_the_built_in_in_float32(case, rng):
    ours, theirs, shapes, call = pair(case, dtype="float32")
    result = compare_layers(ours, theirs, draw(rng, shapes, "float32"), **call)
    assert result.forward <= tol.FORWARD_32
    assert result.gradients <= tol.GRADIENT_32


@pytest.mark.parametrize("case", ["dense_relu", "norm", "mha", "mha_causal"])
def test_mixed_bfloat16_keeps_weights_in_float32(case, rng):
    ours, theirs, shapes, call = pair(case, dtype="mixed_bfloat16")
    inputs = draw(rng, shapes, "float32")
    result = compare_layers(ours, theirs, inputs, **call)
    assert result.forward <= tol.FORWARD_BF16
    assert keras.backend.standardize_dtype(ours(*inputs, **call).dtype) == "bfloat16"
    assert all(w.dtype == "float32" for w in ours.weights)


@pytest.mark.parametrize("case", CASES)
def test_config_weights_and_shapes_match_the_built_in(case, rng):
    ours, theirs, shapes, call = pair(case)
    inputs = draw(rng, shapes, "float32")
    ours(*inputs, **call), theirs(*inputs, **call)
    assert [w.path.split("/", 1)[1] for w in ours.weights] == [
        w.path.split("/", 1)[1] for w in theirs.weights
    ]
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]

    config = ours.get_config()
    again = type(ours).from_config(config)
    assert again.get_config() == config
    # What Keras' layer says of itself, ours says too (LoRA and quantisation aside).
    out_of_scope = {
        "lora_rank",
        "lora_alpha",
        "quantization_config",
        "gptq_unpacked_column_size",
        "rms_scaling",
    }
    assert set(theirs.get_config()) - set(config) <= out_of_scope
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    assert (
        relative_error(
            keras.tree.flatten(ours(*inputs, **call))[0],
            keras.tree.flatten(theirs(*inputs, **call))[0],
        )
        <= tol.FORWARD_32
    )


@pytest.mark.parametrize("case", ["dense_gelu", "norm", "mha", "mha_causal", "einsum_dots"])
def test_symbolic_shape_dynamic_batch_and_jit(case, rng):
    ours, _, shapes, call = pair(case)
    symbolic = [keras.Input((None,) * (len(s) - 2) + s[-1:]) for s in shapes]
    model = keras.Model(symbolic, ours(*symbolic, **call))
    inputs = draw(rng, shapes, "float32")
    eager = ours(*inputs, **call)
    assert model.output_shape[-1] == eager.shape[-1]
    model.compile(jit_compile=True)
    compiled = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0, batch_size=3)
    assert relative_error(compiled, eager) <= tol.FORWARD_32


@pytest.mark.parametrize("case", ["dense_relu", "norm_axes", "mha_scores", "einsum_dots"])
def test_keras_own_layer_check(case):
    """Keras' generic checks: config, build, symbolic and eager call, a fit, mixed precision."""
    from keras.src.testing import TestCase

    name, arguments, shapes, call = CASES[case]
    names = ("query_shape", "value_shape", "key_shape")
    shape = dict(zip(names, shapes)) if len(shapes) > 1 else shapes[0]
    TestCase().run_layer_test(
        getattr(layers, name),
        init_kwargs=arguments,
        input_shape=shape,
        call_kwargs={k: v for k, v in call.items() if k != "return_attention_scores"},
        supports_masking=getattr(keras.layers, name)(**arguments).supports_masking,
        run_training_check=len(shapes) == 1,
        run_mixed_precision_check=keras.backend.backend() != "torch",
    )
