"""How many units feed one unit, and how many it feeds."""

import math


def compute_fans(shape, input_axes=None, output_axes=None) -> tuple[int, int]:
    r"""Count the units that feed one unit ($n_{in}$) and that one unit feeds ($n_{out}$).

    A kernel of rank 2 is $(n_{in}, n_{out})$. A convolution kernel (…, channels in, channels out)
    multiplies both by the size of its receptive field.

    Args:
        shape: Shape of the weight.
        input_axes: Axes that belong to the inputs; with `output_axes`, replaces the rule above.
        output_axes: Axes that belong to the outputs.

    Returns:
        `(fan_in, fan_out)`.

    Example:
        >>> compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    shape = tuple(int(n) for n in shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    receptive_field = math.prod(shape[:-2])
    return shape[-2] * receptive_field, shape[-1] * receptive_field
