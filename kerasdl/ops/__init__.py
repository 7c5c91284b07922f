"""Pure functions, tensors in and tensors out, one equation each.

Names that are not ours are `keras.ops`' own (see `kerasdl.builtins`).
"""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.ops.attention import attention_equations as attention_equations
from kerasdl.ops.attention import causal_mask as causal_mask
from kerasdl.ops.attention import masked_softmax as masked_softmax
from kerasdl.ops.attention import scaled_dot_product_attention as scaled_dot_product_attention
from kerasdl.ops.attention import sliding_window_mask as sliding_window_mask
from kerasdl.ops.embedding import extract_patches as extract_patches
from kerasdl.ops.embedding import sinusoidal_encoding as sinusoidal_encoding
from kerasdl.ops.linear import affine as affine
from kerasdl.ops.normalization import layer_normalization as layer_normalization
from kerasdl.ops.regularization import dropout as dropout
from kerasdl.ops.updates import adam_update as adam_update

__getattr__ = fall_back_to(keras.ops, __name__)
