"""The proof: ours against Keras' built-in, in numbers."""

from kerasdl.parity.compare import compare_layers as compare_layers
from kerasdl.parity.compare import relative_error as relative_error
from kerasdl.parity.compare import scramble as scramble
from kerasdl.parity.finite_differences import finite_difference as finite_difference
