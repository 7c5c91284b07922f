"""Patch embedding: from a picture to a sequence of vectors."""

import keras

from kerasdl import initializers, ops
from kerasdl.layers.arguments import positive_integer
from kerasdl.ops.embedding import patch_grid


@keras.saving.register_keras_serializable(package="kerasdl")
class PatchEmbedding(keras.Layer):
    r"""Split a picture into patches, flatten each, project it linearly.

    $$z_n = x_p^{(n)} E + b, \qquad
      x_p^{(n)} \in \mathbb{R}^{P_h P_w C}, \quad E \in \mathbb{R}^{(P_h P_w C) \times D},
      \quad n = 1, \dots, \tfrac{H}{P_h} \cdot \tfrac{W}{P_w}$$

    Args:
        patch_size: Height and width of a patch in pixels, `(P_h, P_w)`, or one integer for both.
        embed_dim: $D$, the size of the vectors.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $E$.
        bias_initializer: Initialiser of $b$.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Pictures (B, H, W, C), channels last.

    Returns:
        Tensor (B, N, D), the patches row by row from the top left.

    Raises:
        ValueError: If the picture does not divide into whole patches, or is not (B, H, W, C).

    Source:
        Dosovitskiy et al., 2021, An Image is Worth 16x16 Words, section 3.1, equation 1.

    Example:
        >>> layer = PatchEmbedding(patch_size=(4, 7), embed_dim=16)
        >>> tuple(layer(keras.ops.ones((2, 28, 28, 1))).shape)
        (2, 28, 16)

    Differences from the paper: none. A convolution whose stride is its kernel computes the same.
    """

    def __init__(
        self,
        patch_size,
        embed_dim,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        pair = (patch_size, patch_size) if isinstance(patch_size, int) else tuple(patch_size)
        if len(pair) != 2:
            raise ValueError(
                f"`patch_size` must be an integer or (height, width), received {patch_size!r}."
            )
        self.patch_size = tuple(positive_integer("patch_size", side) for side in pair)
        self.embed_dim = positive_integer("embed_dim", embed_dim)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.input_spec = keras.InputSpec(ndim=4)

    def build(self, input_shape):
        """Create $E$ and $b$; check that the picture divides."""
        patch_grid(input_shape[1:3], self.patch_size)
        P_h, P_w = self.patch_size
        channels = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(P_h * P_w * channels, self.embed_dim),
            initializer=self.kernel_initializer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.embed_dim,), initializer=self.bias_initializer
            )
        self.input_spec = keras.InputSpec(ndim=4, axes={-1: channels})

    def call(self, inputs):
        """Compute $x_p E + b$."""
        x_p = ops.extract_patches(inputs, self.patch_size)  # (B, N, P_h P_w C)
        return ops.affine(x_p, self.kernel, self.bias)  # (B, N, D)

    def compute_output_shape(self, input_shape):
        """Return (B, N, D)."""
        B, H, W, _ = input_shape
        if H is None or W is None:
            return (B, None, self.embed_dim)
        rows, columns = patch_grid((H, W), self.patch_size)
        return (B, rows * columns, self.embed_dim)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "embed_dim": self.embed_dim,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
