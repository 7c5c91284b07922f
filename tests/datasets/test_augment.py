import itertools

import numpy as np
import pytest
import tensorflow as tf

from kerasdl.datasets.augment import shift_and_flip
from kerasdl.errors import InputError


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return random.integers(1, 256, (400, 6, 5, 2), dtype=np.uint8)


def moved(image, down, right, mirror):
    """The same in NumPy, one image and one direction after the other."""
    height, width, _ = image.shape
    if mirror:
        image = image[:, ::-1]
    result = np.zeros_like(image)
    for row, column in itertools.product(range(height), range(width)):
        from_row, from_column = row - down, column - right
        if 0 <= from_row < height and 0 <= from_column < width:
            result[row, column] = image[from_row, from_column]
    return result


@pytest.mark.parametrize(("max_shift", "flip"), [(0, True), (1, False), (2, True)])
def test_every_image_is_moved_on_its_own_and_every_move_occurs(images, max_shift, flip):
    shifts = range(-max_shift, max_shift + 1)
    moves = list(itertools.product(shifts, shifts, (False, True) if flip else (False,)))
    result = shift_and_flip(max_shift, flip)(images, tf.constant([3, 4])).numpy()
    assert result.dtype == images.dtype
    counts = dict.fromkeys(moves, 0)
    for before, after in zip(images, result, strict=True):
        matching = [move for move in moves if np.array_equal(moved(before, *move), after)]
        assert len(matching) == 1
        counts[matching[0]] += 1
    # 400 images over at most 50 moves: 8 each on average. A move that can occur is missing with
    # probability 50 * (49/50)^400 = 1.5 %, and the seed is fixed.
    assert min(counts.values()) > 0


def test_nothing_to_do_changes_nothing(images):
    np.testing.assert_array_equal(shift_and_flip()(images, tf.constant([0, 0])), images)


def test_it_is_a_pure_function_of_the_seed(images):
    augment = shift_and_flip(2, flip=True)
    one, same = augment(images, tf.constant([1, 2])), augment(images, tf.constant([1, 2]))
    np.testing.assert_array_equal(one, same)
    for other in ([2, 1], [1, 3], [0, 2]):
        assert not np.array_equal(one, augment(images, tf.constant(other)))


def test_graph_equals_eager(images):
    augment = shift_and_flip(1, flip=True)
    signature = [tf.TensorSpec((None, 6, 5, 2), tf.float32), tf.TensorSpec((2,), tf.int32)]
    graph = tf.function(augment, input_signature=signature)
    floats = tf.constant(images, tf.float32) / 255.0
    seed = tf.constant([5, 6])
    np.testing.assert_array_equal(graph(floats, seed), augment(floats, seed))


@pytest.mark.parametrize("max_shift", [-1, 1.5, "1", None])
def test_bad_max_shift(max_shift):
    with pytest.raises(InputError, match=f"`max_shift`.*at least 0, received {max_shift!r}"):
        shift_and_flip(max_shift)


def test_bad_flip():
    with pytest.raises(InputError, match="`flip` must be True or False, received 'yes'"):
        shift_and_flip(1, flip="yes")


def test_shift_as_large_as_the_image(images):
    with pytest.raises(InputError, match="height and width, 6 and 5; received 5"):
        shift_and_flip(5)(images, tf.constant([0, 0]))
