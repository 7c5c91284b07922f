"""The numbers that a proof is run on."""

import keras
import numpy as np
from keras import ops

from kerasdl.backend import set_mask
from kerasdl.parity.case import Input


def draw(specification: Input, rng: np.random.Generator, grow: int = 0) -> np.ndarray:
    """Draw one input in float64 (integers in int32).

    Args:
        specification: What to draw.
        rng: Source of randomness.
        grow: By how much the free axes are longer than stated.

    Example:
        >>> draw(Input((2, 3), "integers", high=5), np.random.default_rng(0)).dtype
        dtype('int32')
    """
    shape = tuple(
        n + grow * (axis in specification.free) for axis, n in enumerate(specification.shape)
    )
    match specification.values:
        case "normal":
            return rng.normal(size=shape)
        case "uniform":
            return rng.uniform(size=shape)
        case "positive":
            return rng.uniform(0.1, 1.1, size=shape)
        case "probabilities":
            p = rng.uniform(0.1, 1.1, size=shape)
            return p / p.sum(axis=-1, keepdims=True)
        case "one_hot":
            return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
        case "signs":
            return rng.choice([-1.0, 1.0], size=shape)
        case "zeros_and_ones":
            return rng.choice([0.0, 1.0], size=shape)
        case "integers":
            return rng.integers(specification.high, size=shape).astype("int32")
        case function if callable(function):
            return np.asarray(function(rng, shape))
    raise ValueError(f"`values` of an Input is not known: {specification.values!r}.")


def draw_all(specifications, seed=0, grow=0) -> list[np.ndarray]:
    """Draw every input."""
    rng = np.random.default_rng(seed)
    return [draw(s, rng, grow) for s in specifications]


def tensor(array: np.ndarray, dtype: str):
    """Make a tensor; floating-point numbers in `dtype`, integers and booleans as they are."""
    is_float = np.issubdtype(array.dtype, np.floating)
    return ops.convert_to_tensor(array, dtype=dtype if is_float else None)


def draw_masks(shapes, seed=1) -> list[np.ndarray | None]:
    """Draw boolean masks that keep about two thirds."""
    rng = np.random.default_rng(seed)
    masks = []
    for shape in shapes:
        mask = None if shape is None else rng.uniform(size=shape) < 0.7
        if mask is not None:
            mask.reshape(-1)[0] = True  # an example that is masked throughout has a test of its own
        masks.append(mask)
    return masks


def with_mask(value, mask):
    """Attach a mask to a tensor, if there is one."""
    if mask is not None:
        set_mask(value, ops.convert_to_tensor(mask))
    return value


def path_below(layer: keras.Layer, variable) -> str:
    """Return a variable's path without the name of the layer itself.

    Example:
        >>> layer = keras.layers.Dense(1, name="last")
        >>> layer.build((None, 2))
        >>> path_below(layer, layer.kernel)
        'kernel'
    """
    return variable.path.removeprefix(f"{layer.name}/")
