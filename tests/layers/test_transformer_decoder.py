"""The decoder layer: step by step against all at once, masks, what a window sees."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import layers
from kerasdl.layers.cached_attention import write
from kerasdl.parity import scramble

B, T, S, D = 2, 6, 4, 8
RNG = np.random.default_rng(0)
X = RNG.normal(size=(B, T, D)).astype("float32")
MEMORY = RNG.normal(size=(B, S, 5)).astype("float32")
REAL = np.array([[True, True, True, True], [True, True, False, False]])


def made(**arguments):
    layer = layers.TransformerDecoder(16, 2, **arguments)
    layer.build(X.shape, MEMORY.shape)
    scramble(layer)
    return layer


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def in_steps(layer, sizes, **arguments):
    """Run the layer over X in steps of several sizes."""
    cache, done, written = layer.empty_cache(B, T + 3), 0, []
    memory = layer.remember(ops.convert_to_tensor(MEMORY))
    for size in sizes:
        position = ops.full((B,), done, "int32")
        x = ops.convert_to_tensor(X[:, done : done + size])
        z, cache = layer.step(x, cache, position, memory, REAL, **arguments)
        written.append(numbers(z))
        done += size
    return np.concatenate(written, axis=1)


@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("normalize_first", [False, True])
@pytest.mark.parametrize("sizes", [[1] * T, [3, 1, 2]])
def test_step_by_step_is_all_at_once(normalize_first, rotary, sizes):
    layer = made(normalize_first=normalize_first, rotary=rotary)
    whole = numbers(layer(X, MEMORY, encoder_sequence_mask=REAL))
    np.testing.assert_allclose(in_steps(layer, sizes), whole, atol=1e-5)


def test_a_window_is_a_band_below_the_diagonal():
    layer = made(rotary=True)
    t = np.arange(T)
    band = (t[:, None] - t < 3)[None].repeat(B, axis=0)
    whole = numbers(layer(X, MEMORY, encoder_sequence_mask=REAL, attention_mask=band))
    np.testing.assert_allclose(in_steps(layer, [2, 1, 3], window=3), whole, atol=1e-5)


def test_examples_may_stand_at_different_positions():
    layer = made(rotary=True)
    memory = layer.remember(ops.convert_to_tensor(MEMORY))
    cache = layer.empty_cache(B, T)
    _, cache = layer.step(ops.convert_to_tensor(X[:, :4]), cache, ops.array([0, 0]), memory, REAL)
    # The second goes back by two: what stands behind position 2 must not be seen.
    x = np.stack([X[0, 4:5], X[1, 2:3]])
    z, _ = layer.step(ops.convert_to_tensor(x), cache, ops.array([4, 2]), memory, REAL)
    whole = numbers(layer(X, MEMORY, encoder_sequence_mask=REAL))
    np.testing.assert_allclose(numbers(z)[:, 0], whole[[0, 1], [4, 2]], atol=1e-5)


def test_no_position_sees_later_ones_or_padding():
    layer = made()
    changed, memory = X.copy(), MEMORY.copy()
    changed[:, 4:] += 1.0
    memory[~REAL] += 1.0
    before = numbers(layer(X, MEMORY, encoder_sequence_mask=REAL))
    after = numbers(layer(changed, memory, encoder_sequence_mask=REAL))
    np.testing.assert_allclose(after[:, :4], before[:, :4], atol=1e-6)
    assert abs(after[:, 4:] - before[:, 4:]).max() > 0.1


def test_masks_of_the_tensors_are_used():
    layer = made()
    x, memory = keras.Input((None, D)), keras.Input((None, 5))
    marked = keras.layers.Masking()(memory)
    model = keras.Model([x, memory], layer(x, marked))
    empty = MEMORY * REAL[..., None]
    np.testing.assert_allclose(
        numbers(model([X, empty])), numbers(layer(X, empty, encoder_sequence_mask=REAL)), atol=1e-6
    )


def test_weights_of_both_attentions():
    layer = made()
    _, own, cross = layer(X, MEMORY, encoder_sequence_mask=REAL, return_attention_scores=True)
    own, cross = numbers(own), numbers(cross)
    assert own.shape == (B, 2, T, T)
    assert cross.shape == (B, 2, T, S)
    np.testing.assert_allclose(own.sum(-1), 1, rtol=1e-5)
    assert not own[:, :, ~np.tri(T, dtype=bool)].any()
    assert not cross[1, :, :, 2:].any()
    shapes = layer.compute_output_spec(
        keras.KerasTensor((B, T, D)), keras.KerasTensor((B, S, 5)), return_attention_scores=True
    )
    assert [s.shape for s in shapes] == [(B, T, D), own.shape, cross.shape]


def test_heads_must_divide_the_features():
    with pytest.raises(ValueError, match="`num_heads` must divide"):
        layers.TransformerDecoder(16, 3)(X)


def test_odd_features_cannot_be_turned():
    with pytest.raises(ValueError, match="even number of features, received 3"):
        layers.RotaryEmbedding()(np.zeros((1, 2, 3)))


def test_scores_of_turned_vectors_depend_on_the_distance():
    q, k = RNG.normal(size=(2, 1, 1, 8))
    layer = layers.RotaryEmbedding(dtype="float64")

    def score(t, s):
        turned = [numbers(layer(x, start_index=p)) for x, p in ((q[None, 0], t), (k[None, 0], s))]
        return (turned[0] * turned[1]).sum()

    np.testing.assert_allclose(score(7, 3), score(104, 100), rtol=1e-9)
    assert abs(score(7, 3) - score(7, 4)) > 1e-3


def test_a_cache_is_written_where_each_example_stands():
    cache, new = np.zeros((2, 4, 1, 1)), np.arange(1.0, 5.0).reshape(2, 2, 1, 1)
    written = numbers(write(ops.array(cache), ops.array(new), ops.array([[0], [2]])))
    assert written[..., 0, 0].tolist() == [[1, 2, 0, 0], [0, 0, 3, 4]]
