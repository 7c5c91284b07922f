"""Warm-up requests that come with a model, run before it takes traffic."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from kerasdl.server.codec.decode import DEFAULT_SIGNATURE
from kerasdl.server.errors import ServingError
from kerasdl.server.metrics import WARMUP_LATENCY

if TYPE_CHECKING:
    from kerasdl.server.servable import Servable

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
_MOST_REQUESTS = 1000  # TF Serving's own limit


def warm_up(servable: "Servable", path: str | Path) -> int:
    """Run the warm-up requests of a version, so that no client waits for what is done only once.

    Args:
        servable: the loaded version.
        path: its folder; the requests are `PredictionLog` records in
            `assets.extra/tf_serving_warmup_requests`.

    Returns:
        How many requests were run; other kinds than predict requests are passed over.

    Raises:
        ServingError: a request failed, or the file cannot be read; the version must not serve.
    """
    file = Path(path) / WARMUP_FILE
    if not file.is_file():
        return 0
    # Imported here: the package brings gRPC with it, and few models have such a file.
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    from kerasdl.server.servable import as_serving_error

    count, began = 0, time.perf_counter()
    try:
        for record in tf.data.TFRecordDataset(str(file)).take(_MOST_REQUESTS):
            log = PredictionLog.FromString(record.numpy())
            if log.WhichOneof("log_type") != "predict_log":
                continue
            request = log.predict_log.request
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            signature = servable.signature(name)
            if signature.inputs.keys() != request.inputs.keys():
                raise ServingError(
                    f"inputs of signature {name} are {sorted(signature.inputs)}, "
                    f"received {sorted(request.inputs)}"
                )
            arrays = {key: tf.make_ndarray(tensor) for key, tensor in request.inputs.items()}
            servable.predict(name, arrays)
            count += 1
    except Exception as error:
        WARMUP_LATENCY.observe((str(path), "fail"), (time.perf_counter() - began) * 1e6)
        reason = as_serving_error(error, "DATA_LOSS")
        raise ServingError(f"Warm-up request {count} failed: {reason.message}", reason.code) from (
            error
        )
    WARMUP_LATENCY.observe((str(path), "success"), (time.perf_counter() - began) * 1e6)
    return count
