"""Tolerances on relative errors, each with its reason."""

# Two float64 computations of the same sums in another order: a few hundred roundings of 1e-16.
FORWARD_64 = 1e-12
# The backward pass sums over batch and time too.
GRADIENT_64 = 1e-10
# The same in float32, rounding 6e-8; matrix products of a few hundred terms.
FORWARD_32 = 1e-5
GRADIENT_32 = 1e-4
# bfloat16 keeps 8 bits: one rounding is 0.4 %, and a layer rounds several times.
FORWARD_BF16 = 3e-2
# Central differences in float64 with a step of 1e-6: eight to nine digits.
FINITE_DIFFERENCE = 1e-6
