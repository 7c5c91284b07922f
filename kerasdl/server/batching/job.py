"""One call of a signature, for the scheduler."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future

import numpy as np

from kerasdl.server.errors import ServingError
from kerasdl.server.servable import Servable

Outputs = dict[str, np.ndarray]


class Job:
    """One call of a signature.

    Args:
        servable: the version, held by the caller until `done`.
        signature_name: which of its functions.
        inputs: an array for each input; those of float32 may still be of float64.
        done: called on a thread of the scheduler with the outputs, or with what went wrong.
        deadline: `time.monotonic()` after which nobody wants the outputs any more.
        begun: the outputs of examples that come before those of `inputs`, on their way.
    """

    __slots__ = (
        "begun", "cancelled", "deadline", "done", "inputs", "queued", "rows", "servable",
        "signature_name",
    )  # fmt: skip

    def __init__(
        self,
        servable: Servable,
        signature_name: str,
        inputs: Mapping[str, np.ndarray],
        done: Callable[[Outputs | ServingError], None],
        deadline: float = float("inf"),
        begun: "Future[Outputs] | None" = None,
    ):
        self.servable = servable
        self.signature_name = signature_name
        self.inputs = inputs
        self.done = done
        self.deadline = deadline
        self.begun = begun
        self.cancelled = False
        self.queued = 0.0
        self.rows = 1
