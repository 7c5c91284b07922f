import numpy as np
import pytest
import tensorflow as tf

from kerasdl import datasets
from kerasdl.datasets.augment import shift_and_flip
from kerasdl.datasets.pipelines import from_arrays
from kerasdl.errors import InputError

DEFAULTS = {
    "shuffle": False,
    "seed": 0,
    "epochs": 1,
    "start_epoch": 0,
    "drop_remainder": False,
    "augment": None,
}


def batches(dataset):
    return list(dataset.as_numpy_iterator())


def order(count, batch_size, **kwargs):
    """The positions of the images in the order of delivery: each image's label is its position."""
    images = np.zeros((count, 1, 1, 1), np.uint8)
    labels = np.arange(count, dtype=np.int32)
    dataset = from_arrays(images, labels, batch_size, **{**DEFAULTS, **kwargs})
    return np.concatenate([labels for _, labels in batches(dataset)])


def test_without_shuffling_it_is_the_stored_order(digits_dir):
    images, labels = datasets.load_arrays("digits", "validation", digits_dir)
    delivered = batches(datasets.pipeline("digits", "validation", 32, data_dir=digits_dir))
    delivered_images = np.concatenate([batch for batch, _ in delivered])
    assert delivered_images.dtype == np.float32
    np.testing.assert_array_equal(delivered_images, images.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(np.concatenate([batch for _, batch in delivered]), labels)
    assert delivered[0][1].dtype == np.int32


def test_images_and_labels_stay_together_when_shuffled(digits_dir):
    images, labels = datasets.load_arrays("digits", "validation", digits_dir)
    label_of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    shuffled = datasets.pipeline("digits", "validation", 50, shuffle=True, data_dir=digits_dir)
    seen = set()
    for image_batch, label_batch in batches(shuffled):
        for image, label in zip(image_batch, label_batch, strict=True):
            pixels = np.rint(image * 255).astype(np.uint8).tobytes()
            assert label_of[pixels] == label
            seen.add(pixels)
    assert seen == set(label_of)


@pytest.mark.parametrize("count", [1, 2, 3, 97, 128])
def test_every_epoch_is_a_permutation(count):
    delivered = order(count, 10, shuffle=True, epochs=3).reshape(3, count)
    for epoch in delivered:
        assert sorted(epoch) == list(range(count))


def test_epochs_and_seeds_have_their_own_order():
    orders = [*order(97, 10, shuffle=True, seed=1, epochs=4).reshape(4, 97)]
    orders += [order(97, 10, shuffle=True, seed=seed) for seed in (0, 2, -1, 2**31 - 1)]
    assert len({tuple(one) for one in orders}) == len(orders)


def test_shuffling_spreads_every_image_over_all_positions():
    epochs, count = 400, 20
    delivered = order(count, count, shuffle=True, epochs=epochs).reshape(epochs, count)
    positions = np.argsort(delivered, axis=1)  # position of each image in each epoch
    # The mean of 400 draws uniform on 0..19 has a standard deviation of 5.77 / 20 = 0.29: five
    # of them, because there are twenty images and the order is fixed by the seed anyway.
    assert np.abs(positions.mean(axis=0) - 9.5).max() < 5 * 0.29


def test_order_does_not_depend_on_the_batch_size():
    one, other = (order(97, size, shuffle=True, seed=3, epochs=2) for size in (8, 97))
    np.testing.assert_array_equal(one, other)


def test_resume_sees_what_an_unbroken_run_sees(digits_dir):
    arguments = {"shuffle": True, "seed": 7, "epochs": 4, "data_dir": digits_dir}
    arguments["augment"] = shift_and_flip(2, flip=True)
    unbroken = batches(datasets.pipeline("digits", "validation", 32, **arguments))
    per_epoch = len(unbroken) // 4
    for start in (1, 3):
        resumed = datasets.pipeline("digits", "validation", 32, start_epoch=start, **arguments)
        resumed = batches(resumed)
        assert len(resumed) == (4 - start) * per_epoch
        for ours, theirs in zip(resumed, unbroken[start * per_epoch :], strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])


def test_iterating_again_gives_the_same(digits_dir):
    dataset = datasets.pipeline(
        "digits", "test", 64, shuffle=True, augment=shift_and_flip(1), data_dir=digits_dir
    )
    for ours, theirs in zip(batches(dataset), batches(dataset), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])


@pytest.mark.parametrize(
    ("drop_remainder", "sizes"), [(False, [40, 40, 17] * 2), (True, [40, 40] * 2)]
)
def test_batches_never_cross_an_epoch(drop_remainder, sizes):
    images, labels = np.zeros((97, 2, 3, 1), np.uint8), np.zeros(97, np.int32)
    arguments = {**DEFAULTS, "epochs": 2, "drop_remainder": drop_remainder}
    dataset = from_arrays(images, labels, 40, **arguments)
    assert len(dataset) == len(sizes)
    assert [len(batch) for _, batch in batches(dataset)] == sizes
    static = 40 if drop_remainder else None
    assert dataset.element_spec == (
        tf.TensorSpec((static, 2, 3, 1), tf.float32),
        tf.TensorSpec((static,), tf.int32),
    )


def test_batch_size_is_static_when_it_divides():
    images, labels = np.zeros((80, 2, 3, 1), np.uint8), np.zeros(80, np.int32)
    dataset = from_arrays(images, labels, 40, **DEFAULTS)
    assert dataset.element_spec[0].shape == (40, 2, 3, 1)


def test_batch_may_be_larger_than_the_split():
    np.testing.assert_array_equal(order(5, 100), np.arange(5))


def test_every_batch_has_its_own_augmentation_seed():
    images, labels = np.zeros((64, 1, 2, 1), np.uint8), np.zeros(64, np.int32)

    def seed_as_pixels(batch, seed):
        # Two numbers of 24 bits each, which float32 holds exactly.
        bits = tf.cast(tf.bitwise.bitwise_and(seed, 2**24 - 1), tf.float32)
        return tf.zeros_like(batch) + tf.reshape(bits, (1, 1, 2, 1))

    def seeds(**kwargs):
        arguments = {**DEFAULTS, "epochs": 3, "augment": seed_as_pixels, **kwargs}
        dataset = from_arrays(images, labels, 16, **arguments)
        return [tuple(batch[0].ravel()) for batch, _ in batches(dataset)]

    assert len(set(seeds()) | set(seeds(seed=1))) == 2 * 3 * 4
    assert seeds() == seeds(shuffle=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "digit"}, "`name` must be one of.*Did you mean 'digits'"),
        ({"split": "val"}, "`split` must be one of 'train', 'validation', 'test'; received 'val'"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1, received 0"),
        ({"batch_size": 2.0}, "`batch_size` must be an integer"),
        ({"batch_size": True}, "`batch_size` must be an integer"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1, received 0"),
        ({"start_epoch": -1}, "`start_epoch` must be an integer of at least 0, received -1"),
        ({"start_epoch": 2}, r"`start_epoch` must be less than `epochs` \(2\), received 2"),
        ({"seed": 2**31}, "`seed` must be at most 2147483647, received 2147483648"),
        ({"seed": "x"}, "`seed` must be an integer"),
        ({"augment": 3}, "`augment` must be a function.*received 3"),
        (
            {"batch_size": 361, "drop_remainder": True},
            "`batch_size` must be at most 360.*received 361",
        ),
        ({"augment": lambda images, seed: images[:, 1:]}, r"`augment` must return.*7, 8, 1\)"),
        ({"augment": lambda images, seed: tf.cast(images, tf.float64)}, "type float64"),
        ({"augment": shift_and_flip(8)}, "`max_shift` must be less than.*8 and 8; received 8"),
    ],
)
def test_bad_arguments(digits_dir, arguments, message):
    good = {"name": "digits", "split": "test", "batch_size": 32, "epochs": 2}
    with pytest.raises(InputError, match=message):
        datasets.pipeline(**{**good, "data_dir": digits_dir, **arguments})


def test_bad_arguments_fail_before_anything_is_prepared(own_machine):
    with pytest.raises(InputError):
        datasets.pipeline("digits", "train", 0)
    assert not own_machine.exists()
