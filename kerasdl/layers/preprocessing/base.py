"""What all preprocessing layers share: dispatch, draws, and where the operations come from.

Keras' abstract bases are not public, and there is no public way to them. They hold no equation:
they notice a `tf.data` pipeline and compute there with TensorFlow (`self.backend`), whatever the
backend of Keras, and hand the images, boxes, labels and masks of a dictionary to one method each.
This is the only module that imports them.
"""

import contextlib

import keras
from keras.src.layers.preprocessing.data_layer import DataLayer as DataLayer
from keras.src.layers.preprocessing.image_preprocessing.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)
from keras.src.utils.backend_utils import in_tf_graph
from keras.utils.bounding_boxes import clip_to_image_size, convert_format

from kerasdl.ops import image


class OtherBackend:
    """`keras.ops` for a backend that Keras does not run on.

    Args:
        backend: Keras' module of that backend, or the `DynamicBackend` of a layer.
    """

    def __init__(self, backend):
        self._backend = backend

    def __getattr__(self, name):
        for module in (self._backend.numpy, self._backend.core):
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"no operation '{name}' on the backend {self._backend.name}")


def operations(backend):
    """Return the operations of a layer's backend: `keras.ops`, but for `tf.data` TensorFlow's."""
    return keras.ops if backend.name == keras.backend.backend() else OtherBackend(backend)


class ImageLayer(BaseImagePreprocessingLayer):
    """Base of the image layers: labels pass, draws come from the layer's own generator."""

    _USE_BASE_FACTOR = False

    @property
    def ops(self):
        """The operations to compute with, here and now."""
        return operations(self.backend)

    @contextlib.contextmanager
    def _in_this_graph(self):
        """Compute with TensorFlow in a graph of its, also where a method is mapped directly."""
        before = self.backend.name
        if in_tf_graph():
            self.backend.set_backend("tensorflow")
        try:
            yield self.ops
        finally:
            self.backend.set_backend(before)

    def draw(self, shape, low, high, seed=None, dtype=None):
        """Draw uniformly from [low, high)."""
        if seed is None:
            seed = self._get_seed_generator(self.backend.name)
        return self.backend.random.uniform(
            shape=shape, minval=low, maxval=high, seed=seed, dtype=dtype
        )

    def shape_of(self, data):
        """Return the shape of the images among the inputs.

        Raises:
            ValueError: If their rank is neither 3 nor 4.
        """
        shape = self.ops.shape(data["images"] if isinstance(data, dict) else data)
        if len(shape) not in (3, 4):
            raise ValueError(
                f"Expected the input image to be rank 3 or 4. Received: inputs.shape={shape}"
            )
        return shape

    @property
    def image_axes(self):
        """Axes of height and width, from the end."""
        return (-2, -1) if self.data_format == "channels_first" else (-3, -2)

    def size_of(self, shape):
        """Return height and width."""
        return tuple(shape[axis] for axis in self.image_axes)

    def move_boxes(self, bounding_boxes, move, size, new_size=None, clip=True):
        """Convert boxes to pixels, move them, clip them to the new image, convert them back.

        Args:
            bounding_boxes: Dictionary with "boxes" and "labels".
            move: Function of (boxes as left, top, right, bottom; operations).
            size: Height and width of the image before.
            new_size: The same afterwards, where they change.
            clip: Whether to clip, and to label -1 what has no area left.
        """
        before, after = ({"height": h, "width": w} for h, w in (size, new_size or size))
        own = self.bounding_box_format
        with self._in_this_graph() as ops:
            moved = convert_format({**bounding_boxes}, source=own, target="xyxy", **before)
            moved["boxes"] = move(moved["boxes"], ops)
            moved = clip_to_image_size(moved, **after) if clip else moved
            return convert_format(moved, source="xyxy", target=own, **after)

    def transform_labels(self, labels, transformation, training=True):
        """Labels stay."""
        return labels

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


class ValueLayer(ImageLayer):
    """Base of the layers that change values and leave every pixel where it is."""

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Boxes stay."""
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Masks stay."""
        return segmentation_masks


class AffineLayer(ImageLayer):
    """Base of the layers that move pixels by an affine map.

    A subclass draws in `get_random_transformation` and gives the map in `transform`.
    """

    _BOXES_OF_ONE_IMAGE_AS_BATCH = False  # what (N, 4) given to the method itself comes back as

    def __init__(self, fill_mode, interpolation, seed, fill_value, **kwargs):
        super().__init__(**kwargs)
        check_one_of("fill_mode", fill_mode, ("reflect", "wrap", "constant", "nearest"))
        check_one_of("interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.fill_value = fill_value

    def transform(self, transformation, height, width):
        """Return the map from output to input, (B, 8)."""
        raise NotImplementedError

    def _transform_images(self, images, transformation, interpolation):
        if transformation is None:
            return images
        ops = self.ops
        height, width = self.size_of(ops.shape(images))
        return image.affine_transform(
            images,
            self.transform(transformation, height, width),
            interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
            ops,
        )

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Move the boxes with the image, clip them, label -1 what has gone."""
        if not training:
            return bounding_boxes
        height, width = self.boxes_size(transformation)

        def move(boxes, ops):
            transform = ops.convert_to_tensor(self.transform(transformation, height, width))
            transform = transform[None] if len(transform.shape) == 1 else transform
            if len(boxes.shape) == 3:
                return image.transform_boxes(boxes, transform, ops)
            moved = image.transform_boxes(boxes[None], transform, ops)
            return moved if self._BOXES_OF_ONE_IMAGE_AS_BATCH else ops.squeeze(moved, axis=0)

        return self.move_boxes(bounding_boxes, move, (height, width))

    def boxes_size(self, transformation):
        """Return height and width of the image that the boxes belong to."""
        return self.size_of(transformation["input_shape"])

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "interpolation": self.interpolation,
            "seed": self.seed,
        }


def factor_range(name, factor, low, high, low_excluded=False):
    """Return lower and upper bound of a draw from a number or a pair.

    Raises:
        ValueError: If they are not numbers in the range.

    Example:
        >>> factor_range("height_factor", 0.25, -1.0, 1.0)
        (-0.25, 0.25)
    """
    pair = factor if isinstance(factor, tuple | list) else (factor, factor)
    if len(pair) != 2 or not all(
        isinstance(f, int | float) and low <= f <= high and not (low_excluded and f == low)
        for f in pair
    ):
        bracket = "(" if low_excluded else "["
        raise ValueError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"{bracket}{low}, {high}]. Received: {name}={factor}"
        )
    if isinstance(factor, tuple | list):
        return tuple(sorted(factor))
    return -abs(factor), abs(factor)


def check_one_of(name, value, allowed):
    """Check that a value is one of those allowed.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> check_one_of("fill_mode", "warp", ("wrap", "nearest"))
        Traceback (most recent call last):
        ...
        ValueError: `fill_mode` must be one of ('wrap', 'nearest'), received 'warp'.
    """
    if value not in allowed:
        raise ValueError(f"`{name}` must be one of {allowed}, received {value!r}.")
