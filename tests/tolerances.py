"""The tolerances of the proof, under a short name for tests."""

from kerasdl.parity.tolerances import *  # noqa: F403
