"""GlorotUniform: its variance, its fans, its seed."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import initializers, layers


def test_same_seed_same_values_as_keras():
    ours = initializers.GlorotUniform(seed=7)((20, 30), dtype="float64")
    theirs = keras.initializers.GlorotUniform(seed=7)((20, 30), dtype="float64")
    assert np.array_equal(ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs))


@pytest.mark.parametrize("shape", [(400, 300), (3, 3, 64, 128)])
def test_variance_is_two_over_the_fans(shape):
    w = ops.convert_to_numpy(initializers.GlorotUniform(seed=1)(shape))
    n_in, n_out = initializers.compute_fans(shape)
    expected = 2 / (n_in + n_out)
    # Var of the sample variance of a uniform law: (4/5) σ⁴ / n; six standard deviations.
    assert abs(w.var() - expected) < 6 * expected * np.sqrt(0.8 / w.size)
    assert abs(w.mean()) < 6 * np.sqrt(expected / w.size)
    assert np.abs(w).max() <= np.sqrt(6 / (n_in + n_out))


def test_heads_of_an_attention_kernel_are_outputs():
    """A (features, heads, size) kernel is no convolution: its fans are features and heads·size."""
    layer = layers.MultiHeadAttention(num_heads=8, key_dim=16)
    layer.build((None, 5, 64), (None, 5, 64))
    query, output = layer.get_weights()[0], layer.get_weights()[6]
    for w in (query, output):
        limit = np.sqrt(6 / (64 + 128))
        assert 0.98 * limit < np.abs(w).max() <= limit
    assert not np.array_equal(layer.get_weights()[0], layer.get_weights()[2]), "own draws each"


def test_every_weight_is_drawn_anew_and_a_seed_repeats():
    a, b = initializers.GlorotUniform(), initializers.GlorotUniform()
    assert not np.array_equal(a((3, 3)), b((3, 3)))
    assert np.array_equal(a((3, 3)), a((3, 3)))
    keras.utils.set_random_seed(3)
    first = ops.convert_to_numpy(initializers.GlorotUniform()((3, 3)))
    keras.utils.set_random_seed(3)
    assert np.array_equal(first, ops.convert_to_numpy(initializers.GlorotUniform()((3, 3))))


def test_lookup_and_config():
    initializer = initializers.get("glorot_uniform")
    assert type(initializer) is initializers.GlorotUniform
    assert type(initializers.get("zeros")) is keras.initializers.Zeros
    seeded = initializers.GlorotUniform(seed=3, input_axes=[0], output_axes=[1, 2])
    again = initializers.deserialize(initializers.serialize(seeded))
    assert type(again) is initializers.GlorotUniform
    assert again.get_config() == seeded.get_config()
    with pytest.raises(ValueError, match="`seed` must be"):
        initializers.GlorotUniform(seed="x")
