"""The one place where TensorFlow, JAX and PyTorch differ.

Everything else is written with `keras.ops`. What stands here has no counterpart there: gradients
of a function with respect to given tensors, gradients that were derived by hand, a loop over a
sequence, compilation of a part of a program, attention as kernels of a GPU, float64 that stays
float64, a switch for bit-wise repeatable runs, and the mask that Keras attaches to a tensor.
"""

from kerasdl.backend.attention_kernels import attention_backwards as attention_backwards
from kerasdl.backend.attention_kernels import attention_forwards as attention_forwards
from kerasdl.backend.attention_kernels import has_attention_kernels as has_attention_kernels
from kerasdl.backend.compilation import at_once as at_once
from kerasdl.backend.compilation import compiled as compiled
from kerasdl.backend.compilation import compiled_step as compiled_step
from kerasdl.backend.compilation import compiles_apart as compiles_apart
from kerasdl.backend.compilation import compiles_loops as compiles_loops
from kerasdl.backend.compilation import forget_compiled as forget_compiled
from kerasdl.backend.compilation import fuse as fuse
from kerasdl.backend.compilation import fuses as fuses
from kerasdl.backend.compilation import joins_loops as joins_loops
from kerasdl.backend.compilation import joins_steps as joins_steps
from kerasdl.backend.compilation import multiplies_at_once as multiplies_at_once
from kerasdl.backend.compilation import runs_side_by_side as runs_side_by_side
from kerasdl.backend.compilation import sizes_are_few as sizes_are_few
from kerasdl.backend.compilation import whole as whole
from kerasdl.backend.devices import accelerators as accelerators
from kerasdl.backend.devices import all_reduce_sum as all_reduce_sum
from kerasdl.backend.devices import has_accelerator as has_accelerator
from kerasdl.backend.devices import make_deterministic as make_deterministic
from kerasdl.backend.gradients import hand_derived_in_graphs as hand_derived_in_graphs
from kerasdl.backend.gradients import value_and_grad as value_and_grad
from kerasdl.backend.gradients import with_gradient as with_gradient
from kerasdl.backend.loops import scan as scan
from kerasdl.backend.precision import constant as constant
from kerasdl.backend.precision import products_in_full_precision as products_in_full_precision
from kerasdl.backend.precision import promotion_keeps_float64 as promotion_keeps_float64
from kerasdl.backend.precision import result_type as result_type
from kerasdl.backend.tensors import column_sums as column_sums
from kerasdl.backend.tensors import get_mask as get_mask
from kerasdl.backend.tensors import is_sparse as is_sparse
from kerasdl.backend.tensors import joins_rows as joins_rows
from kerasdl.backend.tensors import set_mask as set_mask
