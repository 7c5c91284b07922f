"""Masks and boxes from the data set to an exported model, on scenes made for the test."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasdl import datasets, training
from kerasdl.datasets.pictures import to_png_bytes
from kerasdl.errors import InputError
from kerasdl.export import export
from kerasdl.export.inspect_run import inspect_run
from kerasdl.training.average_precision import average_precision
from kerasdl.training.tasks.detection import answers_of_patches, confusion_of
from kerasdl.training.tasks.segmentation import mean_iou

NAMES = datasets.info("scenes").class_names


def scenes(rng, count):
    """One bright square a scene; how bright says which of two classes."""
    images = np.zeros((count, 64, 64, 1), "uint8")
    masks, boxes, classes = np.zeros((count, 64, 64), "uint8"), [], []
    for image, mask in zip(images, masks, strict=True):
        k = int(rng.integers(0, 2))
        y, x = 16 * rng.integers(0, 4, 2)
        image[y : y + 16, x : x + 16] = (100, 250)[k]
        mask[y : y + 16, x : x + 16] = 1 + k
        boxes.append(np.array([[y, x, y + 16, x + 16]]))
        classes.append(np.array([k]))
    return {"image": images, "mask": masks, "boxes": objects(boxes), "classes": objects(classes)}


def objects(items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


MADE = {
    s: scenes(np.random.default_rng(len(s)), n)
    for s, n in [("train", 256), ("validation", 32), ("test", 32)]
}


@pytest.fixture(autouse=True)
def made_data(monkeypatch):
    monkeypatch.setattr(datasets, "load_examples", lambda name, split, data_dir=None: MADE[split])


def config(model, **changed):
    arguments = dict(patch_size=16, num_layers=1, num_heads=2, hidden_dim=16, dropout=0.0)
    settings = dict(
        dataset="scenes", epochs=15, batch_size=16, learning_rate=0.01, warmup_epochs=0.0
    )
    return training.TrainConfig(model=model, **settings | dict(model_arguments=arguments) | changed)


@pytest.fixture(scope="module")
def pictures():
    return tf.constant([to_png_bytes(image) for image in MADE["test"]["image"][:6]])


@pytest.mark.slow
def test_masks(tmp_path, pictures):
    run = training.train(config("segmenter", flip=True, epochs=5), tmp_path / "run")
    assert run.results["test_mean_iou"] > 0.9
    baseline = run.results["baseline"]["test_mean_iou"]
    assert 0.3 < baseline < 0.6  # the background right, the two classes not told apart
    assert run.samples_path.is_file()
    assert run.confusion_matrix_path.is_file()
    assert training.evaluate(run).scores["mean_iou"] == run.results["test_mean_iou"]
    version = export(run, tmp_path / "served")
    answer = tf.saved_model.load(str(version)).signatures["explain"](image_bytes=pictures)
    truth = MADE["test"]["mask"][:6]
    assert (answer["mask"].numpy() == truth).mean() > 0.97
    assert answer["labels"].numpy()[0].tolist() == [b"background", *(n.encode() for n in NAMES)]
    shares = [(answer["mask"].numpy() == k).mean(axis=(1, 2)) for k in range(11)]
    np.testing.assert_allclose(answer["shares"].numpy().T, shares, atol=1e-6)
    assert answer["attention"].shape == (6, 1, 2, 16, 16)
    path = tmp_path / "one.png"
    path.write_bytes(pictures[0].numpy())
    drawn = inspect_run(run, [path], [], tmp_path / "drawn")
    assert [p.name for p in drawn] == ["overview.png", "attention-one.png", "masks.png"]


@pytest.mark.slow
def test_boxes(tmp_path, pictures):
    run = training.train(config("detector"), tmp_path / "run")
    assert run.results["test_ap50"] > 0.9
    assert run.results["baseline"]["test_ap50"] < 0.7
    assert run.results["baseline"]["test_ap50_of_boxes_alone"] == 1  # squares do not touch
    assert run.samples_path.is_file()
    measured = training.evaluate(run)
    assert measured.scores["ap50"] == run.results["test_ap50"]
    assert measured.confusion.sum() == 32
    version = export(run, tmp_path / "served")
    signatures = tf.saved_model.load(str(version)).signatures
    answer = signatures["serving_default"](image_bytes=pictures)
    boxes, labels = answer["boxes"].numpy(), answer["labels"].numpy()
    for i in range(6):
        if labels[i, 0]:
            assert labels[i, 0].decode() == NAMES[MADE["test"]["classes"][i][0]]
            np.testing.assert_allclose(64 * boxes[i, 0], MADE["test"]["boxes"][i][0], atol=6)
    assert (answer["scores"].numpy()[:, 0] > 0.5).sum() >= 5
    path = tmp_path / "one.png"
    path.write_bytes(pictures[0].numpy())
    drawn = inspect_run(run, [path], [], tmp_path / "drawn")
    assert [p.name for p in drawn] == ["overview.png", "attention-one.png", "boxes.png"]


def test_masks_move_as_their_pictures_do():
    task = training.task_of(config("segmenter", flip=True, max_shift=3))
    examples = task.examples(task.build(), "train")
    from kerasdl.training.examples import batches

    for image, mask in batches(task.config, examples).take(4):
        bright = np.rint(255 * image.numpy()[..., 0])
        np.testing.assert_array_equal(mask.numpy() == 1, bright == 100)
        np.testing.assert_array_equal(mask.numpy() == 2, bright == 250)


def test_detectors_are_not_augmented(tmp_path):
    with pytest.raises(InputError, match="`flip` is for networks"):
        training.train(config("detector", flip=True), tmp_path / "run")


def test_mean_iou_by_hand():
    assert mean_iou(np.array([[8, 2, 0], [0, 4, 0], [0, 0, 0]])) == (8 / 10 + 4 / 6) / 2


def test_average_precision_by_hand():
    """Three objects; of four boxes the first is right, the second a twin, the third right."""
    there = np.array([[0, 0, 4, 4], [4, 4, 8, 8]]), np.array([1, 1])
    other = np.array([[0, 0, 4, 4]]), np.array([1])
    found = [
        (np.array([[0, 0, 4, 4], [0, 0, 4, 5]]), np.array([1, 1]), np.array([0.9, 0.8])),
        (np.array([[0, 0, 4, 4], [4, 4, 8, 8]]), np.array([1, 1]), np.array([0.7, 0.6])),
    ]
    # Precision 1, 1/2, 2/3, 2/4 at recall 1/3, 1/3, 2/3, 2/3.
    expected = 1 / 3 * 1 + 1 / 3 * 2 / 3
    assert average_precision(found, [there, other], 3) == pytest.approx(expected)
    swapped = [(boxes, 0 * classes, scores) for boxes, classes, scores in found]
    assert average_precision(swapped, [there, other], 3) == 0


def test_patches_own_the_centres_in_them():
    said = answers_of_patches(
        np.array([[1, 2, 9, 7], [8, 8, 16, 16]]), np.array([4, 0]), (2, 2), (8, 8)
    )
    assert said.tolist() == [[5, 1, 2, 9, 7], [0] * 5, [0] * 5, [1, 8, 8, 16, 16]]


def test_confusion_of_answers():
    truth = [(np.array([[0, 0, 4, 4], [8, 8, 12, 12]]), np.array([0, 1]))]
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 4], [20, 20, 24, 24], [8, 8, 12, 12]])
    found = [(boxes, np.array([1, 0, 0, 1]), np.array([0.9, 0.8, 0.7, 0.3]))]
    expected = np.zeros((3, 3), int)
    expected[1, 2] = 1  # class 0 taken for class 1
    expected[2, 0] = 1  # not surely found
    np.testing.assert_array_equal(confusion_of(found, truth, 2), expected)


def test_settings_of_a_shipped_recipe_build():
    for model in ("segmenter", "detector"):
        chosen = training.TrainConfig.of(training.recipe(model, "scenes"))
        assert isinstance(training.task_of(chosen).build(), keras.Model)
