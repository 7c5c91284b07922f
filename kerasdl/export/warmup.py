"""Requests that a server runs before it lets clients in."""

from pathlib import Path

import tensorflow as tf


def write_warmup_requests(version_folder: Path, name: str, key: str, examples: list) -> Path:
    """Write `assets.extra/tf_serving_warmup_requests`, one record a batch size.

    The first call of a graph costs a hundred times the next ones; these take that cost.

    Args:
        version_folder: Folder of the SavedModel.
        name: Name of the model.
        key: Name of the input of `serving_default`.
        examples: Values for it, strings or bytes.

    Returns:
        The file.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    path = version_folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in (examples[:1], examples):
            request = predict_pb2.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = "serving_default"
            request.inputs[key].CopyFrom(tf.make_tensor_proto(batch, tf.string))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())
    return path
