"""Arrays of more dimensions than NumPy has: TensorFlow, and so TF Serving, takes up to 254."""

import math

import numpy as np

NUMPY_MAX_RANK = 64


class WideArray:
    """Numbers in C order and their shape; what the codec needs of an array.

    Args:
        flat: one dimension.
        shape: more than 64 sizes.

    Example:
        >>> wide = WideArray(np.array([1.0]), (1,) * 100)
        >>> wide.ndim, len(wide), wide.reshape(-1)
        (100, 1, array([1.]))
    """

    def __init__(self, flat: np.ndarray, shape: tuple[int, ...]):
        self.flat = flat
        self.shape = shape
        self.ndim = len(shape)
        self.dtype = flat.dtype
        self.size = flat.size

    def __len__(self):
        return self.shape[0]

    def reshape(self, *_: int) -> np.ndarray:
        """The numbers in one dimension, the only other shape there is."""
        return self.flat


def shaped(flat: np.ndarray, shape: tuple[int, ...]) -> "np.ndarray | WideArray":
    """An array of a shape, of NumPy if it can be."""
    if flat.size != math.prod(shape):
        raise ValueError(f"{flat.size} numbers cannot have shape {shape}")
    return flat.reshape(shape) if len(shape) <= NUMPY_MAX_RANK else WideArray(flat, shape)
