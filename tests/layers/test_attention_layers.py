"""Attention without heads: what its cases cannot show. Empty rows, masks in models, errors."""

import re

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

import kerasdl
from kerasdl import layers
from kerasdl.backend import get_mask, set_mask, value_and_grad
from kerasdl.parity import relative_error, scramble

KINDS = {
    "dot": ("Attention", {}),
    "dot, scale": ("Attention", {"use_scale": True}),
    "concat": ("Attention", {"score_mode": "concat"}),
    "concat, scale": ("Attention", {"score_mode": "concat", "use_scale": True}),
    "additive": ("AdditiveAttention", {}),
    "additive, no scale": ("AdditiveAttention", {"use_scale": False}),
}
NAMES = ("Attention", "AdditiveAttention")
every_kind = pytest.mark.parametrize(("name", "arguments"), KINDS.values(), ids=KINDS)
QUERY_MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 1]], dtype="bool")
VALUE_MASK = np.array([[1, 1, 0, 1, 0], [1, 0, 1, 1, 1]], dtype="bool")
MASKS = [QUERY_MASK, VALUE_MASK]


def arrays(rng):
    """A query (B, T, d), a value (B, S, d_v) and a key (B, S, d)."""
    shapes = (2, 4, 6), (2, 5, 3), (2, 5, 6)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def built(name, inputs, **arguments):
    layer = getattr(layers, name)(**arguments)
    layer(inputs)
    scramble(layer)
    return layer


@every_kind
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [MASKS, [None, VALUE_MASK], [QUERY_MASK, None]])
def test_masks_given_explicitly_act_as_in_keras(name, arguments, causal, mask, rng):
    inputs = arrays(rng)
    ours, theirs = built(name, inputs, **arguments), getattr(keras.layers, name)(**arguments)
    theirs(inputs)
    theirs.set_weights(ours.get_weights())
    weighting = ops.convert_to_tensor(rng.normal(size=(2, 4, 3)).astype("float32"))
    results = []
    for layer in (ours, theirs):

        def loss(*values, layer=layer):
            values = list(values[:3])
            context, weights = layer(
                values, mask=mask, return_attention_scores=True, use_causal_mask=causal
            )
            # Squared weights: their sum is 1 whatever the scores.
            return ops.sum(context * weighting) + ops.sum(ops.square(weights))

        results.append(value_and_grad(loss, [*inputs, *layer.trainable_variables]))
    (value, gradients), (expected, their_gradients) = results
    assert relative_error(value, expected) <= tol.FORWARD_32
    assert len(gradients) == 3 + len(ours.weights)
    assert max(map(relative_error, gradients, their_gradients)) <= tol.GRADIENT_32


@every_kind
def test_a_query_that_may_look_at_nothing_gets_zero_and_no_gradient(name, arguments, rng):
    inputs = arrays(rng)
    layer = built(name, inputs, **arguments)
    mask = [None, np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 1]], dtype="bool")]

    def call(*values):
        return layer(list(values), mask, return_attention_scores=True, use_causal_mask=True)

    context, weights = (ops.convert_to_numpy(x) for x in call(*inputs))
    empty = np.array([[1, 1, 1, 1], [1, 0, 0, 0]], dtype="bool")
    assert np.all(context[empty] == 0)
    assert np.all(weights[empty] == 0)
    assert np.allclose(weights[~empty].sum(-1), 1)
    theirs = ops.convert_to_numpy(getattr(keras.layers, name)()(inputs, mask, use_causal_mask=True))
    assert np.allclose(theirs[0], inputs[1][0].mean(0), atol=1e-6), "Keras averages the values"
    _, gradients = value_and_grad(lambda *v: ops.sum(call(*v)[0]), inputs)
    assert all(np.isfinite(ops.convert_to_numpy(g)).all() for g in gradients)
    assert all(np.all(ops.convert_to_numpy(g)[0] == 0) for g in gradients)


@pytest.mark.parametrize("name", NAMES)
def test_masks_of_embeddings_reach_a_compiled_model_and_go_on(name, rng):
    words = rng.integers(1, 9, size=(3, 6))
    words[1, 4:] = words[2, 2:] = 0
    outputs, twins = [], []
    for k in (layers, keras.layers):
        inputs = keras.Input((None,), dtype="int32")
        h = k.Embedding(9, 4, mask_zero=True)(inputs)
        h = getattr(k, name)()([h, h])
        assert get_mask(h) is not None
        model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(h))
        twins.append(model)
    scramble(twins[1])
    twins[0].set_weights(twins[1].get_weights())
    outputs = [model.predict(words, verbose=0) for model in twins]
    assert relative_error(*outputs) <= tol.FORWARD_32
    shorter = np.where(words[1:2, :4] > 0, words[1:2, :4], 0)
    assert relative_error(twins[0].predict(shorter, verbose=0), outputs[0][1:2]) <= tol.FORWARD_32


@pytest.mark.parametrize("name", NAMES)
def test_masks_of_inputs_with_further_axes_line_up(name, rng):
    """(B, H, T, d) is H attentions side by side; Keras lays the mask (B, H, S) over (H, T, S)."""
    query, value = (rng.normal(size=(2, 3, n, 4)).astype("float32") for n in (5, 6))
    masks = [rng.uniform(size=(2, 3, n)) < 0.6 for n in (5, 6)]
    masks[1][..., 0] = True
    tensors = [ops.convert_to_tensor(x) for x in (query, value)]
    for tensor, mask in zip(tensors, masks):
        set_mask(tensor, ops.convert_to_tensor(mask))
    layer = built(name, [query, value])
    for causal in (False, True):
        found = ops.convert_to_numpy(layer(tensors, use_causal_mask=causal))
        for h in range(3):
            alone = layer(
                [query[:, h], value[:, h]], [m[:, h] for m in masks], use_causal_mask=causal
            )
            assert relative_error(found[:, h], alone) <= tol.FORWARD_32
    with pytest.raises(Exception, match=r"shape|size"):  # each backend its own
        getattr(keras.layers, name)()(tensors)


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_returned_are_those_that_mixed_the_values(name, rng):
    inputs = arrays(rng)
    layer = built(name, inputs, dropout=0.4, seed=3)
    context, weights = layer(inputs, training=True, return_attention_scores=True)
    assert relative_error(context, ops.convert_to_numpy(weights) @ inputs[1]) <= tol.FORWARD_32
    assert np.any(ops.convert_to_numpy(weights) == 0)
    again, _ = layer(inputs, training=True, return_attention_scores=True)
    assert relative_error(context, again) > 0
    assert relative_error(layer(inputs), layer(inputs, training=False)) == 0
    twin = type(layer).from_config(layer.get_config())
    twin(inputs)
    twin.set_weights(layer.get_weights())
    assert relative_error(twin(inputs, training=True), context) == 0
    if keras.backend.backend() == "tensorflow":  # elsewhere Keras draws otherwise
        theirs = getattr(keras.layers, name)(dropout=0.4, seed=3)
        theirs(inputs)
        theirs.set_weights(layer.get_weights())
        assert relative_error(theirs(inputs, training=True), context) <= tol.FORWARD_32


@pytest.mark.parametrize("name", NAMES)
def test_symbolic_shapes_are_the_real_ones(name):
    layer = getattr(layers, name)(dtype="mixed_bfloat16")
    symbolic = [keras.Input((4, 6)), keras.Input((None, 3)), keras.Input((5, 6))]
    context, weights = layer(symbolic, return_attention_scores=True)
    assert context.shape == (None, 4, 3)
    assert weights.shape == (None, 4, 5)
    assert context.dtype == weights.dtype == "bfloat16"
    assert all(w.dtype == "float32" for w in layer.weights)
    assert layer.compute_output_shape([(2, 4, 6), (2, 5, 3)]) == (2, 4, 3)
    values = [np.ones((2, 4, 6)), np.ones((2, 5, 3)), np.ones((2, 5, 6))]
    context, weights = layer(values, return_attention_scores=True)
    assert tuple(context.shape) == (2, 4, 3)
    assert tuple(weights.shape) == (2, 4, 5)
    assert keras.backend.standardize_dtype(weights.dtype) == "bfloat16"


@every_kind
def test_config_file_and_swap(name, arguments, rng, tmp_path):
    theirs = getattr(keras.layers, name)(**arguments, dropout=0.1, seed=4, name="look")
    inputs = [keras.Input((None, 6)), keras.Input((None, 6))]
    outputs = theirs(inputs, return_attention_scores=True, use_causal_mask=True)
    model = keras.Model(inputs, outputs)
    scramble(model)
    ours = kerasdl.swap(model)
    layer = ours.get_layer("look")
    assert type(layer) is getattr(layers, name)
    assert layer.get_config() == theirs.get_config()
    ours.save(tmp_path / "look.keras")
    again = keras.saving.load_model(tmp_path / "look.keras")
    assert type(again.get_layer("look")) is type(layer)
    data = [rng.normal(size=(2, n, 6)).astype("float32") for n in (4, 5)]
    expected = model(data)
    for found in (ours(data), again(data)):
        assert max(map(relative_error, found, expected)) <= tol.FORWARD_32


X, MASK = np.ones((2, 3, 4), "float32"), np.ones((2, 3), "bool")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("inputs", "mask", "words"),
    [
        (X, None, "must be called on a list of inputs"),
        ((X, X), None, "must be called on a list of inputs"),
        ([X], None, "list of length 2 or 3"),
        ([X] * 4, None, "list of length 2 or 3"),
        ([X, X], MASK, "mask must be a list"),
        ([X, X], [MASK], "mask list of length 2 or 3"),
        ([X, X[..., :3]], None, "same number of features, received query of shape (2, 3, 4)"),
        ([X, X, X[..., :3]], None, "same number of features"),
        ([X, X, X[:, :2]], None, "`value` and `key`"),
        ([X[0, 0], X], None, "a time and a feature axis"),
    ],
)
def test_bad_inputs_are_named(name, inputs, mask, words):
    layer = getattr(layers, name)()
    with pytest.raises(ValueError, match=re.escape(words)):
        layer(inputs, mask=mask)
    layer([X, X])
    with pytest.raises(ValueError, match=re.escape(words)):  # of a layer that is built
        layer(inputs, mask=mask)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Attention(score_mode="general"), "score_mode=general"),
        (lambda: layers.Attention(dropout=2), "`dropout`"),
        (lambda: layers.AdditiveAttention(dropout="x"), "`dropout`"),
        (lambda: layers.AdditiveAttention(score_mode="dot"), "score_mode"),
        (
            lambda: layers.AdditiveAttention()([keras.Input((3, None))] * 2),
            "known number of features",
        ),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make()
