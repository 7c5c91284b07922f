import dataclasses
import itertools

import numpy as np
import pytest

from kerasdl import datasets
from kerasdl.datasets import catalog, fashion_mnist_sources, scene_captions, scene_composition
from kerasdl.datasets.scene_captions import CLEAR, arrange, caption
from kerasdl.datasets.scene_composition import OVERLAP, THRESHOLD, Items, compose

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def items():
    """Ten rectangles of each class, each of a brightness of its own."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 10)
    images = np.full((100, 28, 28, 1), THRESHOLD, np.uint8)  # as bright as noise may be
    for index, image in enumerate(images):
        (y0, x0), (y1, x1) = random.integers(0, 6, 2), random.integers(18, 29, 2)
        image[y0:y1, x0:x1] = 50 + index
    return Items.of(images, labels)


@pytest.fixture(scope="module")
def scenes(items):
    return [compose(items, "train", index) for index in range(300)]


def test_a_scene_is_a_function_of_split_and_index(items, scenes):
    again = compose(items, "train", 7)
    for feature, value in scenes[7].items():
        np.testing.assert_array_equal(again[feature], value)
    assert any(compose(items, "test", i)["caption"] != scenes[i]["caption"] for i in range(5))


def test_shapes(scenes):
    for scene in scenes:
        count = len(scene["classes"])
        assert scene["image"].shape == datasets.info("scenes").image_shape
        assert scene["mask"].shape == (64, 64)
        assert scene["boxes"].shape == (count, 4)
        assert scene["image"].dtype == scene["mask"].dtype == np.uint8
        assert scene["boxes"].dtype == scene["classes"].dtype == np.int32
    assert {len(scene["classes"]) for scene in scenes} == {1, 2, 3}


def test_boxes_are_tight_and_hardly_overlap(scenes):
    for scene in scenes:
        for (y0, x0, y1, x1), kind in zip(scene["boxes"], scene["classes"]):
            inside = scene["image"][y0:y1, x0:x1, 0]
            # A rectangle fills its box, but for the few pixels where a brighter one lies above.
            own = (inside - 50) // 10 == kind
            assert own.mean() > 0.7
        for a, b in itertools.combinations(scene["boxes"], 2):
            overlap = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
            assert overlap.min() <= OVERLAP


def test_mask_tells_whose_each_pixel_is(scenes):
    for scene in scenes:
        pixels = scene["image"][..., 0].astype(int)
        expected = np.where(pixels > THRESHOLD, (pixels - 50) // 10 + 1, 0)
        np.testing.assert_array_equal(scene["mask"], expected)


def test_captions_are_true(scenes):
    """Read the caption as a reader would, and look whether the boxes agree."""
    for scene in scenes:
        text, centres = scene["caption"], (scene["boxes"][:, :2] + scene["boxes"][:, 2:]) / 2
        nouns = [scene_captions._NOUNS[kind] for kind in dict.fromkeys(scene["classes"].tolist())]
        # Boxes and classes stand in the order of the caption.
        places = [max(text.find(one), text.find(several)) for one, several in nouns]
        assert -1 not in places
        assert places == sorted(places)
        assert text == text.replace("T-shirt", "t-shirt").lower().replace("t-shirt", "T-shirt")
        assert not text.endswith(".")
        count = {"two": 2, "three": 3}
        numbers = [count.get(word, 0) for word in text.split() if word in count or word in "a an"]
        assert sum(number or 1 for number in numbers) == len(centres)
        across = np.ptp(centres, axis=0)
        if "above" in text or "top to bottom" in text:
            along = centres[:, 0]
        elif "left" in text or "side" in text:
            along = centres[:, 1]
        else:
            continue
        if len(nouns) > 1:
            kinds = scene["classes"]
            cut = [along[kinds == kind] for kind in dict.fromkeys(kinds.tolist())]
            assert all(b.min() - a.max() >= CLEAR for a, b in itertools.pairwise(cut))
        else:
            assert np.ptp(along) == across.max()


A, B, C = [0, 0, 20, 20], [2, 40, 22, 60], [40, 20, 60, 40]


@pytest.mark.parametrize(
    ("boxes", "classes", "text"),
    [
        ([A], [1], "a pair of trousers"),
        ([A], [9], "an ankle boot"),
        ([B, A], [3, 8], "a bag to the left of a dress"),
        ([C, A], [0, 4], "a coat above a T-shirt"),
        ([A, B], [7, 7], "two sneakers side by side"),
        ([A, C], [1, 1], "two pairs of trousers one above the other"),
        ([A, C, B], [7, 4, 7], "two sneakers above a coat"),
        ([A, B, C], [3, 3, 3], "three dresses"),
        ([B, A, C], [6, 2, 5], "a pullover, a sandal and a shirt from left to right"),
    ],
)
def test_grammar(boxes, classes, text):
    assert caption(np.array(boxes), np.array(classes)) == text


def test_what_is_not_clear_is_told():
    boxes = np.array([A, [30, 30, 50, 50]])
    assert not arrange(boxes, np.array([1, 2]))[2]  # as far below as to the right
    boxes = np.array([A, [40, 0, 60, 20], [18, 30, 38, 50]])
    assert arrange(boxes, np.array([1, 1, 2]))[2]
    boxes = np.array([A, [40, 26, 60, 46], [20, 28, 40, 48]])
    assert not arrange(boxes, np.array([1, 1, 2]))[2]  # one of the two is hardly further left


def test_items_without_a_bright_pixel_are_left_out():
    images = np.zeros((2, 28, 28, 1), np.uint8)
    images[1, 3:5, 7] = 99
    items = Items.of(images, np.array([4, 5]))
    assert items.labels.tolist() == [5]
    assert items.boxes.tolist() == [[3, 7, 5, 8]]


def test_builder_uses_each_split_of_fashion_mnist_for_itself(
    tmp_path, monkeypatch, make_official, write_files
):
    official = make_official()
    folder = write_files(tmp_path / "files", official)
    monkeypatch.setenv(fashion_mnist_sources.FOLDER_VARIABLE, str(folder))
    sizes = {"train": 30, "validation": 10, "test": 10}
    monkeypatch.setitem(
        catalog._CATALOG, "scenes", dataclasses.replace(catalog.SCENES, split_sizes=sizes)
    )
    for split in SPLITS:
        scenes = datasets.load_examples("scenes", split, tmp_path)
        assert tuple(scenes) == datasets.info("scenes").features
        assert scenes["image"].shape == (sizes[split], 64, 64, 1)
        assert scenes["mask"].shape == (sizes[split], 64, 64)
        own = Items.of(*datasets.load_arrays("fashion_mnist", split, tmp_path))
        for index in range(sizes[split]):
            for feature, value in compose(own, split, index).items():
                np.testing.assert_array_equal(scenes[feature][index], value)
        assert scenes["boxes"][0].dtype == scenes["classes"][0].dtype == np.int32
    assert scene_composition.SIZE == 64
