"""What cropping and padding share: how much comes off or on at each side of each spatial axis."""

import keras


def borders(name: str, value, rank: int) -> tuple[tuple[int, int], ...]:
    """Return ((before, after), …) for each spatial axis.

    Args:
        name: Argument, for the error message.
        value: One integer for all sides, one for each axis, or a pair for each axis. With one
            axis, a pair of integers are its two sides.
        rank: Number of spatial axes.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> borders("padding", (1, (0, 2)), 2)
        ((1, 1), (0, 2))
    """
    try:
        if isinstance(value, int):
            entries = (value,) * rank
        else:
            entries = (tuple(value),) if rank == 1 else tuple(value)
        pairs = tuple((e, e) if isinstance(e, int) else tuple(e) for e in entries)
    except TypeError:
        pairs = ()
    fits = len(pairs) == rank and all(
        len(pair) == 2 and all(isinstance(n, int) and n >= 0 for n in pair) for pair in pairs
    )
    if not fits:
        raise ValueError(
            f"`{name}` must be a non-negative integer"
            + (" or a pair of them" if rank == 1 else f", or {rank} integers or pairs of them")
            + f", received {value!r}."
        )
    return pairs


class SpatialLayer(keras.Layer):
    """A layer that changes the sizes of `rank` spatial axes and leaves batch and channels alone."""

    rank: int

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format or keras.config.image_data_format()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                "`data_format` must be 'channels_last' or 'channels_first', "
                f"received {data_format!r}."
            )
        self.input_spec = keras.InputSpec(ndim=self.rank + 2)

    @property
    def spatial_axes(self) -> range:
        """Axes of height, width and so on."""
        first = 2 if self.data_format == "channels_first" else 1
        return range(first, first + self.rank)

    def with_sizes(self, shape, change) -> tuple:
        """Return the shape with `change(i, size)` in place of each known spatial size."""
        shape = list(shape)
        for i, axis in enumerate(self.spatial_axes):
            if shape[axis] is not None:
                shape[axis] = change(i, shape[axis])
        return tuple(shape)
