"""One loaded version of a model: a SavedModel and its signatures, run as TF Serving runs them.

TF Serving feeds and fetches tensors of the graph by name, in a session. So do we, rather than call
the Python functions that `tf.saved_model.load` gives: these check shapes beforehand and word their
errors differently, and they know only what was exported from Python.
"""

import functools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Without oneDNN, convolutions refuse input of the wrong rank like any other operation; with it
# they abort the whole process. Small batches run faster without it too. A value set by the user
# wins, and so does a TensorFlow that is already loaded; `_guard` then keeps such input away.
if "tensorflow" not in sys.modules:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
_ONEDNN_IS_OFF = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"

from kerasdl.server.absent import absent  # noqa: E402

# At its end TensorFlow imports both where it finds them, which takes as long as all the rest. A
# SavedModel needs neither; `tf.keras` still comes when it is asked for.
with absent("keras", "jax"):
    import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2  # noqa: E402

from kerasdl.server.batching.rowwise import row_wise_signatures  # noqa: E402
from kerasdl.server.codec import Signature  # noqa: E402
from kerasdl.server.codec.signature import NUMPY_TYPES  # noqa: E402
from kerasdl.server.codec.wide import WideArray  # noqa: E402
from kerasdl.server.errors import HTTP_STATUS, ServingError  # noqa: E402
from kerasdl.server.graphs import check_readable, may_abort, signature_of  # noqa: E402
from kerasdl.server.metadata import metadata_json  # noqa: E402
from kerasdl.server.metrics import (  # noqa: E402
    LOAD_LATENCY,
    LOADS,
    RUN_LATENCY,
    SESSION_RUNS,
)

_FIRST_SECONDS = 1.0  # what a call is expected to take at most before there was one
_MANY_ROWS = 8  # so many that what a call takes by itself does not matter
_FORGET = 0.9  # of the slowest call so far, what still counts at the next

_ERROR_CODES = {getattr(tf.errors, name): name for name in HTTP_STATUS if hasattr(tf.errors, name)}


@dataclass(frozen=True)
class Threads:
    """Threads that TensorFlow uses for one call.

    Args:
        inter_op: for operations side by side; -1 runs them one after the other on the caller's own
            thread, which spares small models two changes of thread a call.
        intra_op: for the work inside one operation; 0 for half the cores: the others read and
            write requests, and threads that wait for each other keep them from it.
    """

    inter_op: int = -1
    intra_op: int = 0


class Servable:
    """A version of a model that is ready to answer.

    Args:
        name: name of the model.
        version: number of the version.
        path: folder that holds `saved_model.pb`.
        threads: of TensorFlow.

    Raises:
        ServingError: it cannot be loaded; the code and message are those shown in its status.
    """

    def __init__(self, name: str, version: int, path: str | Path, threads: Threads | None = None):
        self.name = name
        self.version = version
        self._functions: dict[str, tuple] = {}
        self._wide_functions: dict[str, Callable] = {}
        self._slowest: dict[str, float] = {}  # by signature, see `slowest_lately`
        self._a_row: dict[str, float] = {}  # seconds an example, see `seconds_for`
        self._function_lock = threading.Lock()
        self._lock = threading.Lock()
        self._running = 0
        self._retired = False
        self._closed: Callable[[], None] = lambda: None
        if not (Path(path) / "saved_model.pb").is_file():
            raise ServingError(
                "Specified file path does not appear to contain a SavedModel bundle (should have "
                f"a file called `saved_model.pb`)\nSpecified file path: {path}",
                "NOT_FOUND",
            )
        check_readable(Path(path) / "saved_model.pb")
        began = time.perf_counter()
        try:
            meta_graph = self._load(str(path), threads or Threads())
        except ServingError:
            LOADS.add((str(path), "fail"))
            raise
        LOADS.add((str(path), "success"))
        LOAD_LATENCY.add((str(path),), int((time.perf_counter() - began) * 1e6))
        self.signature_defs = dict(meta_graph.signature_def)
        self.signatures = {
            key: signature_of(definition) for key, definition in meta_graph.signature_def.items()
        }
        # NumPy's types of the inputs, `None` for those that no client can send.
        self.input_types = {
            key: {name: NUMPY_TYPES.get(spec.dtype) for name, spec in signature.inputs.items()}
            for key, signature in self.signatures.items()
        }
        self._output_dtypes = {
            key: {name: spec.dtype for name, spec in signature.outputs.items()}
            for key, signature in self.signatures.items()
        }
        self._row_wise = row_wise_signatures(meta_graph)
        self.metadata = metadata_json(name, version, meta_graph)
        self._guarded = not _ONEDNN_IS_OFF and may_abort(meta_graph)

    def _load(self, path: str, threads: Threads) -> meta_graph_pb2.MetaGraphDef:
        config = tf.compat.v1.ConfigProto(
            inter_op_parallelism_threads=threads.inter_op,
            intra_op_parallelism_threads=threads.intra_op or max(1, (os.cpu_count() or 1) // 2),
        )
        config.gpu_options.allow_growth = True  # leave the rest of a GPU to others
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        logger = tf.get_logger()
        level = logger.level
        try:
            logger.setLevel(logging.ERROR)  # the loader is the right one here, if an old one
            with graph.as_default():
                return tf.compat.v1.saved_model.load(self._session, [tf.saved_model.SERVING], path)
        except Exception as error:  # any fault of a model is reported in its status
            self._session.close()
            raise as_serving_error(error, "DATA_LOSS") from error
        finally:
            logger.setLevel(level)

    def signature(self, name: str) -> Signature:
        """The signature of a name.

        Raises:
            ServingError: there is none.
        """
        if name not in self.signatures:
            raise ServingError(f'Serving signature name: "{name}" not found in signature def')
        return self.signatures[name]

    def output_dtypes(self, name: str) -> dict[str, str]:
        """TensorFlow's names of the types of a signature's outputs."""
        return self._output_dtypes[name]

    def may_share(self, name: str, inputs: Mapping[str, np.ndarray]) -> bool:
        """Whether rows of other requests beside these inputs would change nothing.

        True if the signature is proven to treat each row by itself, for inputs of the declared
        shapes.
        """
        return name in self._row_wise and all(
            spec.accepts(inputs[key].shape) for key, spec in self.signatures[name].inputs.items()
        )

    def slowest_lately(self, name: str) -> float:
        """About how long the slowest of the last calls of a signature took, in seconds."""
        return self._slowest.get(name, _FIRST_SECONDS)

    def seconds_for(self, name: str, rows: int) -> float:
        """About how long a call with that many examples takes; 0 before there were such calls."""
        return rows * self._a_row.get(name, 0.0)

    def predict(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a signature.

        Args:
            name: name of the signature.
            inputs: an array for each of its inputs, of its type (float32 also as float64);
                strings as `object` arrays.

        Returns:
            An array for each output.

        Raises:
            ServingError: an operation of the model refused the input.
        """
        return self.prepare(name, inputs)()

    def prepare(
        self, name: str, inputs: Mapping[str, np.ndarray]
    ) -> Callable[[], dict[str, np.ndarray]]:
        """All of `predict` that can be done before; what is returned does the rest.

        Raises:
            ServingError: the input does not fit.
        """
        signature = self.signature(name)
        if self._guarded:
            _guard(signature, inputs)
        if any(isinstance(array, WideArray) for array in inputs.values()):
            return functools.partial(self._predict_wide, name, signature, inputs)
        run, feeds, outputs = self._function(name, signature)
        arrays = [_exact(inputs[key], dtype) for key, dtype in feeds.items()]
        return functools.partial(self._run, name, run, arrays, outputs)

    def _run(
        self, name: str, run: Callable, arrays: list[np.ndarray], outputs: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        try:
            started = time.perf_counter()
            results = run(*arrays)
        except Exception as error:
            raise as_serving_error(error, "INVALID_ARGUMENT") from error
        took = time.perf_counter() - started
        SESSION_RUNS.add()
        self._slowest[name] = max(took, _FORGET * self.slowest_lately(name))
        rows = max((len(array) for array in arrays if array.ndim), default=0)
        if rows >= _MANY_ROWS:
            self._a_row[name] = (self._a_row.get(name, took / rows) + took / rows) / 2
        RUN_LATENCY.observe((self.name, "Predict", "TF1"), took * 1e6)
        return {key: np.asarray(result) for key, result in zip(outputs, results, strict=True)}

    def _predict_wide(self, name: str, signature: Signature, inputs) -> dict:
        from kerasdl.server.wide import wide_function

        try:
            with self._function_lock:
                if name not in self._wide_functions:
                    self._wide_functions[name] = wide_function(self._session, signature)
                call = self._wide_functions[name]
            return call(inputs)
        except Exception as error:
            raise as_serving_error(error, "INVALID_ARGUMENT") from error

    def _function(self, name: str, signature: Signature) -> tuple:
        """The signature as a function of its feeds, made at its first use."""
        if name in self._functions:
            return self._functions[name]
        with self._function_lock:
            if name not in self._functions:
                options = config_pb2.CallableOptions(
                    feed=[spec.node for spec in signature.inputs.values()],
                    fetch=[spec.node for spec in signature.outputs.values()],
                )
                try:
                    # Session.run would check shapes first, which TF Serving does not.
                    run = self._session._make_callable_from_options(options)
                except Exception as error:
                    raise as_serving_error(error, "INTERNAL") from error
                self._functions[name] = run, self.input_types[name], tuple(signature.outputs)
            return self._functions[name]

    # A version that is being replaced finishes its requests before it is closed.

    def acquire(self) -> bool:
        """Count one more request; false if the version is already retired."""
        with self._lock:
            if self._retired:
                return False
            self._running += 1
            return True

    def release(self) -> None:
        """Count one request less; the last one out closes a retired version."""
        with self._lock:
            self._running -= 1
            close = self._retired and not self._running
        if close:
            self._close()

    def retire(self, closed: Callable[[], None] = lambda: None) -> None:
        """Take no more requests and close when the running ones are done.

        Args:
            closed: called then.
        """
        with self._lock:
            self._retired = True
            self._closed = closed
            close = not self._running
        if close:
            self._close()

    def _close(self) -> None:
        self._functions.clear()
        self._wide_functions.clear()
        self._session.close()
        self._closed()


def _exact(array: np.ndarray, dtype: type | None) -> np.ndarray:
    if array.dtype == np.float64 and dtype is np.float32:
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite
            return array.astype(np.float32)
    return array


def as_serving_error(error: Exception, otherwise: str) -> ServingError:
    """What a client is told of an exception; `otherwise` is the code if TensorFlow gave none."""
    if isinstance(error, ServingError):
        return error
    if isinstance(error, tf.errors.OpError):
        return ServingError(error.message, _ERROR_CODES.get(error.error_code, "UNKNOWN"))
    if isinstance(error, UnicodeDecodeError):  # of a message that quotes bytes of the input
        message = bytes(error.object).decode("utf-8", "surrogateescape")
        return ServingError(message, otherwise)
    if isinstance(error, MemoryError):
        return ServingError("Out of memory", "RESOURCE_EXHAUSTED")
    return ServingError(str(error) or type(error).__name__, otherwise)


def _guard(signature: Signature, inputs: Mapping[str, np.ndarray]) -> None:
    for key, spec in signature.inputs.items():
        if not spec.accepts(inputs[key].shape):
            wanted = ", ".join("any" if size is None else str(size) for size in spec.shape or ())
            got = ", ".join(map(str, inputs[key].shape))
            raise ServingError(f"Input {key} must be of shape [{wanted}], received [{got}]")
