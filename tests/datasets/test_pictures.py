import io
import sys

import numpy as np
import pytest
from PIL import Image

from kerasdl.datasets.pictures import save_grid, to_png_bytes
from kerasdl.errors import InputError

CHECKERBOARD = np.array([[0, 255], [255, 0]], np.uint8)


def test_grid_shows_every_image_with_sharp_pixels(tmp_path):
    path = save_grid(tmp_path / "new" / "grid.png", np.stack([CHECKERBOARD] * 6), columns=3)
    picture = np.asarray(Image.open(path).convert("L"))
    height, width = picture.shape
    assert width > height  # three columns, two rows
    # Half of each image is black, and the images fill at least 60 % of the picture.
    assert 0.3 < (picture < 5).mean() < 0.5
    # Smoothing between neighbours would make most pixels of a 2x2 image grey.
    assert ((picture > 5) & (picture < 200)).mean() < 0.02


def test_grey_levels_are_absolute(tmp_path):
    path = save_grid(tmp_path / "grid.png", np.full((1, 4, 4), 60, np.uint8))
    picture = np.asarray(Image.open(path).convert("L"))
    assert (picture == 60).mean() > 0.5


def test_colour_stays_colour(tmp_path):
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    picture = np.asarray(Image.open(save_grid(tmp_path / "grid.png", red)).convert("RGB"))
    assert (picture == [255, 0, 0]).all(axis=-1).mean() > 0.5


def test_floats_and_bytes_give_the_same_picture(tmp_path):
    images = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8, 1)
    as_bytes = save_grid(tmp_path / "bytes.png", images, ["a", "b", "c"], heading="three")
    as_floats = save_grid(
        tmp_path / "floats.png", images.astype(np.float32) / 255, ["a", "b", "c"], heading="three"
    )
    assert as_bytes.read_bytes() == as_floats.read_bytes()


def test_titles_of_several_lines_get_their_room(tmp_path):
    images = np.zeros((2, 4, 4), np.uint8)
    heights = [
        Image.open(save_grid(tmp_path / "grid.png", images, titles)).height
        for titles in (None, ["a", "b"], ["a", "b\nand\nc"])
    ]
    assert heights == sorted(set(heights))


def test_titles_and_heading_are_drawn(tmp_path):
    images = np.zeros((2, 4, 4), np.uint8)
    one = save_grid(tmp_path / "one.png", images, ["a", "b"], heading="x").read_bytes()
    other = save_grid(tmp_path / "two.png", images, ["a", "c"], heading="x").read_bytes()
    third = save_grid(tmp_path / "three.png", images, ["a", "b"], heading="y").read_bytes()
    assert len({one, other, third}) == 3


def test_pyplot_is_left_alone(tmp_path):
    before = "matplotlib.pyplot" in sys.modules
    save_grid(tmp_path / "grid.png", CHECKERBOARD[np.newaxis])
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_failed_write_keeps_the_old_picture(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    path = save_grid(tmp_path / "grid.png", CHECKERBOARD[np.newaxis])
    before = path.read_bytes()

    def half(self, target, **kwargs):
        target.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.raises(OSError, match="no space"):
        save_grid(path, CHECKERBOARD[np.newaxis])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["grid.png"]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 4, 4), np.uint8), "at least one pixel"),
        (np.zeros((4, 4), np.uint8), r"must have the shape.*received \(4, 4\)"),
        (np.zeros((1, 4, 4, 2), np.uint8), "must have the shape"),
        (np.full((1, 4, 4), 1.5), r"lie in \[0, 1\], received 1.5"),
        (np.full((1, 4, 4), np.nan), r"lie in \[0, 1\], received nan"),
        (np.zeros((1, 4, 4), np.int64), "uint8 or float, received int64"),
    ],
)
def test_bad_images(tmp_path, images, message):
    with pytest.raises(InputError, match=message):
        save_grid(tmp_path / "grid.png", images)
    assert list(tmp_path.iterdir()) == []


def test_bad_titles_columns_and_path(tmp_path):
    images = np.zeros((2, 4, 4), np.uint8)
    with pytest.raises(InputError, match="`titles` must hold one text per image, 2; received 1"):
        save_grid(tmp_path / "grid.png", images, ["a"])
    with pytest.raises(InputError, match="`columns` must be an integer of at least 1, received 0"):
        save_grid(tmp_path / "grid.png", images, columns=0)
    with pytest.raises(InputError, match=r"`path` must end in '\.png'"):
        save_grid(tmp_path / "grid.jpg", images)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
def test_png_bytes_lose_nothing(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    decoded = np.asarray(Image.open(io.BytesIO(to_png_bytes(image))))
    np.testing.assert_array_equal(decoded.reshape(shape), image)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4)),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4, 1), np.uint8),
    ],
)
def test_png_bytes_of_something_else(image):
    with pytest.raises(InputError, match="`image` must be uint8 of shape"):
        to_png_bytes(image)
