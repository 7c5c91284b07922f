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
# The backward pass rounds as often again.
GRADIENT_BF16 = 6e-2
# Central differences in float64 with a step of 1e-6: eight to nine digits.
FINITE_DIFFERENCE = 1e-6
# Steps of an optimiser carry the roundings of all steps before, each of 1e-16 (float32: 6e-8).
STEPS_64 = 1e-10
STEPS_32 = 1e-4
# The same numbers must come back from a file.
EXACT = 0.0
