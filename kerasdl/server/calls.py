"""Model calls: the body of a request -> a job, its outputs -> the body of the answer.

Classify and regress are calls of a signature with one input, serialised `tf.Example`s, and outputs
of fixed names; the rest is checked here in TF Serving's order and words.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np

from kerasdl.server.codec import (
    NotPlain,
    decode_examples,
    decode_predict,
    encode_classes,
    encode_predict,
    encode_values,
)
from kerasdl.server.errors import ServingError
from kerasdl.server.metrics import EXAMPLES
from kerasdl.server.models import ModelStore
from kerasdl.server.routes import Route
from kerasdl.server.servable import Servable

if TYPE_CHECKING:
    from kerasdl.server.batching.scheduler import Scheduler

_BYTE_SECONDS = 3e-9  # that it takes to read one of numbers

Encode = Callable[[Mapping[str, np.ndarray]], bytes]


class Call:
    """A decoded request: what to run, and how to write its answer.

    Args:
        servable: the version, held until `release` is called on it.
        signature_name: which of its functions.
        inputs: an array for each input.
        encode: turns the outputs into the body of the answer.
        begun: the outputs of examples that come before those of `inputs`, on their way.
    """

    __slots__ = ("begun", "encode", "inputs", "servable", "signature_name")

    def __init__(
        self,
        servable: Servable,
        signature_name: str,
        inputs: dict[str, np.ndarray],
        encode: Encode,
        begun: "Future[dict[str, np.ndarray]] | None" = None,
    ):
        self.servable = servable
        self.signature_name = signature_name
        self.inputs = inputs
        self.encode = encode
        self.begun = begun


def read_call(
    store: ModelStore,
    route: Route,
    body: bytes,
    *,
    check_method_names: bool = False,
    most_elements: int = 1 << 62,
    quick: "Scheduler | None" = None,
) -> Call:
    """Read the body of a request to a model.

    Args:
        store: has the model.
        route: what the request asks for.
        body: JSON text.
        check_method_names: whether classify and regress look at the signature's method.
        most_elements: most elements of one input.
        quick: if given, only a plain array of numbers is read, for whose first rows this one may
            run the model meanwhile.

    Raises:
        ServingError: the request is malformed or does not fit the model.
        NotPlain: it is no plain array of numbers, or not of full rows.
    """
    if quick is not None and route.action != "predict":
        raise NotPlain
    held: list[Servable] = []

    def acquire() -> Servable:
        held.append(store.acquire(route.model, route.version, route.label))
        return held[0]

    try:
        if route.action == "predict":
            call = _read_predict(acquire, body, most_elements, quick)
        else:
            call = _read_examples(acquire, route.action, body, check_method_names)
        for name, array in call.inputs.items():
            if array.size > most_elements:
                raise ServingError(
                    f"Input {name} has {array.size} elements; this server takes up to "
                    f"{most_elements}"
                )
        return call
    except BaseException:
        for servable in held:
            servable.release()
        raise


class _Ahead:
    """Has the model run for the first rows of a request.

    Args:
        find_servable: gives the version.
        scheduler: runs it.
    """

    def __init__(self, find_servable: Callable[[], Servable], scheduler: "Scheduler"):
        self.find_servable = find_servable
        self.scheduler = scheduler
        self.begun: Future | None = None

    def share(self, signature_name: str, row_bytes: int, rows: int) -> float:
        """See `codec.Ahead`."""
        seconds = row_bytes * _BYTE_SECONDS
        return self.scheduler.share(self.find_servable(), signature_name, seconds, rows)

    def begin(self, signature_name: str, inputs: dict[str, np.ndarray]) -> bool:
        """See `codec.Ahead`."""
        self.begun = self.scheduler.begin(self.find_servable(), signature_name, inputs)
        return self.begun is not None


def _read_predict(acquire, body: bytes, most_elements: int, quick: "Scheduler | None") -> Call:
    servable = None

    def find_servable() -> Servable:
        nonlocal servable
        servable = servable or acquire()
        return servable

    def find_signature(name: str):
        return find_servable().signature(name)

    ahead = None
    if quick is not None:
        # An element takes a digit and a comma at least.
        if len(body) > 2 * most_elements:
            raise NotPlain
        ahead = _Ahead(find_servable, quick)
    # NumPy lets go of the interpreter's lock to convert many numbers, and to get it back takes
    # longer than the conversion: the thread that runs the model does it for all of a batch.
    name, row_format, inputs = decode_predict(body, find_signature, rough=True, ahead=ahead)
    dtypes = servable.output_dtypes(name)
    return Call(
        servable,
        name,
        inputs,
        lambda outputs: encode_predict(outputs, dtypes, row_format),
        ahead and ahead.begun,
    )


def _read_examples(acquire, action: str, body: bytes, check_method_names: bool) -> Call:
    name, examples = decode_examples(body)
    servable = acquire()
    definition = servable.signature_defs.get(name)
    if definition is None:
        raise ServingError(f"No signature was found with the name: {name}")
    check, encode = _ACTIONS[action]
    check(definition, check_method_names)
    count = len(examples)
    EXAMPLES.add((servable.name,), count)
    return Call(servable, name, {"inputs": examples}, lambda outputs: encode(outputs, count))


def check_classify(definition, check_method_name: bool) -> None:
    """Whether a signature can classify.

    Args:
        definition: its `SignatureDef`.
        check_method_name: whether its method counts.

    Raises:
        ServingError: it cannot.
    """
    _check_method(definition, check_method_name, "classification", "tensorflow/serving/classify")
    if len(definition.inputs) != 1:
        raise ServingError("Expected one input Tensor.")
    if len(definition.outputs) not in (1, 2):
        raise ServingError(f"Expected one or two output Tensors, found {len(definition.outputs)}")
    if "inputs" not in definition.inputs:
        raise ServingError(f"No classification inputs found in SignatureDef: {definition}")
    if not definition.outputs.keys() & {"classes", "scores"}:
        raise ServingError(
            'Expected classification signature outputs to contain at least one of "classes" or '
            f'"scores". Signature was: {definition}'
        )


def check_regress(definition, check_method_name: bool) -> None:
    """Whether a signature can regress; as `check_classify`."""
    _check_method(definition, check_method_name, "regression", "tensorflow/serving/regress")
    if len(definition.inputs) != 1:
        raise ServingError("Expected one input Tensor.")
    if len(definition.outputs) != 1:
        raise ServingError("Expected one output Tensor.")
    if "inputs" not in definition.inputs:
        raise ServingError(f"No regression inputs found in SignatureDef: {definition}")
    if "outputs" not in definition.outputs:
        raise ServingError(f"No regression outputs found in SignatureDef: {definition}")


def _check_method(definition, check: bool, kind: str, method: str) -> None:
    if check and definition.method_name != method:
        raise ServingError(
            f"Expected {kind} signature method_name to be {method}. Was: {definition.method_name}"
        )


def checked_classes(
    outputs: Mapping[str, np.ndarray], count: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Labels and scores, (N, C), among the outputs of a classify signature.

    Args:
        outputs: arrays by name.
        count: number of examples, N.

    Raises:
        ServingError: they are not what they must be.
    """
    found = {}
    for name, dtype, type_name in (
        ("classes", np.object_, "DT_STRING"),
        ("scores", np.float32, "DT_FLOAT"),
    ):
        array = found[name] = outputs.get(name)
        if array is None:
            continue
        if array.ndim != 2:
            raise ServingError(
                f"Expected Tensor shape: [batch_size num_classes] but got {_shape(array)}"
            )
        if array.dtype != dtype:
            raise ServingError(f"Expected {name} Tensor of {type_name}. Got: {array.dtype}")
        if len(array) != count:
            raise ServingError(f"Expected {name} output batch size of {count}. Got: {len(array)}")
    classes, scores = found["classes"], found["scores"]
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise ServingError(
            "Tensors class and score should match in dim_size(1). Got "
            f"{classes.shape[1]} vs. {scores.shape[1]}"
        )
    return classes, scores


def checked_values(outputs: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """The numbers, (N,) or (N, 1), that a regress signature gives; as `checked_classes`."""
    array = outputs["outputs"]
    if array.ndim != 1 and (array.ndim != 2 or array.shape[1] != 1):
        raise ServingError(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{_shape(array)}"
        )
    if len(array) != count:
        raise ServingError(
            f"Input batch size did not match output batch size: {count} vs. {len(array)}"
        )
    if array.dtype != np.float32:
        raise ServingError(f"Expected output Tensor of DT_FLOAT.  Got: {array.dtype}")
    return array


def _shape(array: np.ndarray) -> str:
    return "[" + ",".join(map(str, array.shape)) + "]"


def _encode_classes(outputs: Mapping[str, np.ndarray], count: int) -> bytes:
    return encode_classes(*checked_classes(outputs, count))


def _encode_values(outputs: Mapping[str, np.ndarray], count: int) -> bytes:
    return encode_values(checked_values(outputs, count))


_ACTIONS = {
    "classify": (check_classify, _encode_classes),
    "regress": (check_regress, _encode_values),
}
