"""The middle of an image."""

import keras

from kerasdl.layers.arguments import positive_integer
from kerasdl.layers.preprocessing.base import ImageLayer
from kerasdl.ops import image


class CropLayer(ImageLayer):
    """Base of the layers that cut a window out and bring it to their size."""

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height = positive_integer("height", height)
        self.width = positive_integer("width", width)

    def cut(self, images, window, interpolation="bilinear"):
        """Cut a window out; resample it if it has not the layer's size."""
        ops = self.ops
        top, left, rows, columns = window
        size = self.height, self.width
        known = isinstance(rows, int) and isinstance(columns, int)
        if known and (rows, columns) == size:
            return image.crop(images, top, left, *size, self.data_format, ops)
        return image.resize_window(images, window, *size, interpolation, self.data_format, ops)

    def cut_boxes(self, bounding_boxes, window, size, clip=True):
        """Move boxes into the window of an image of a size."""
        result = self.height, self.width

        def move(boxes, ops):
            return image.crop_boxes(boxes, window, *result, ops)

        return self.move_boxes(bounding_boxes, move, size, result, clip)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with the layer's height and width."""
        shape = list(input_shape)
        if len(shape) not in (3, 4) or isinstance(shape[0], list | tuple):
            raise ValueError(
                "`input_shape` must be a non-nested tuple or list of rank-1 with size 3 "
                f"(unbatched) or 4 (batched). Received: {input_shape}"
            )
        for axis, size in zip(self.image_axes, (self.height, self.width)):
            shape[axis] = size
        return tuple(shape)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable(package="kerasdl")
class CenterCrop(CropLayer):
    r"""Keep the middle of each image, in training and at inference.

    $$g(i, j) = f(i + t,\; j + l), \qquad
      t = \lfloor \tfrac{H - h}{2} \rfloor, \quad l = \lfloor \tfrac{W - w}{2} \rfloor$$

    An image that is smaller along one axis gives the largest window of the shape h : w instead,
    brought to the size by bilinear interpolation.

    Args:
        height: h.
        width: w.
        data_format: "channels_last", "channels_first", or `None` for Keras' default.
        **kwargs: `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C); or a dictionary with "images" and any of
            "labels", "bounding_boxes", "segmentation_masks".

    Returns:
        What came in, cropped, images in the layer's dtype.

    Raises:
        ValueError: If `height` or `width` is not a positive integer.

    Source:
        Krizhevsky et al., 2012, ImageNet Classification with Deep Convolutional Neural Networks,
        section 2.

    Example:
        >>> image = keras.ops.reshape(keras.ops.arange(5, dtype="float32"), (1, 5, 1))
        >>> [float(v) for v in keras.ops.reshape(CenterCrop(1, 3)(image), (-1,))]
        [1.0, 2.0, 3.0]

    Differences from Keras: masks are resampled by "nearest" (Keras mixes class numbers), and sizes
    that are known only when the graph runs give the right window also for small images.
    """

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(height, width, data_format=data_format, **kwargs)

    def get_random_transformation(self, data, training=True, seed=None):
        """Nothing is drawn."""
        return {"input_shape": self.shape_of(data)}

    def transform_images(self, images, transformation=None, training=True):
        """Cut the middle out."""
        images = self.ops.cast(images, self.compute_dtype)
        return self.cut(images, self._window(self.ops.shape(images)))

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Cut the middle of the masks out."""
        masks = self.ops.cast(segmentation_masks, self.compute_dtype)
        return self.cut(masks, self._window(self.ops.shape(masks)), "nearest")

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Move the boxes into the window, label -1 what has gone."""
        shape = transformation["input_shape"]
        with self._in_this_graph():
            window = self._window(shape)
        return self.cut_boxes(bounding_boxes, window, self.size_of(shape))

    def _window(self, shape):
        return image.central_window(*self.size_of(shape), self.height, self.width, self.ops)
