"""Small SavedModels for the tests of server, client and command line, and a server in a thread."""

import contextlib
import io
import threading

import numpy as np


def _function(body, **inputs):
    import tensorflow as tf

    specs = [tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in inputs.items()]
    return tf.function(body, input_signature=specs)


def save(path, **signatures):
    """Write a SavedModel whose signatures are the given functions."""
    import tensorflow as tf

    module = tf.Module()
    module.functions = dict(signatures)
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def save_scale(path, factor, steps=0):
    """A model whose answer tells its version: y = factor * x, slower the more steps it takes."""
    import tensorflow as tf

    def scale(x):
        if steps:  # work inside the graph: Python's sleep does not travel in a SavedModel
            _, work = tf.while_loop(
                lambda i, a: i < steps,
                lambda i, a: (i + 1, tf.linalg.matmul(a, a)),
                (0, tf.fill((128, 128), tf.reduce_max(x) * 0 + 1 / 128)),
            )
            return {"y": factor * x + 0 * tf.reduce_sum(work)}
        return {"y": factor * x}

    return save(path, serving_default=_function(scale, x=([None], "float32")))


def save_half_plus_two(path):
    """The signatures of the recorded `half_plus_two`."""
    import tensorflow as tf

    half = lambda x: {"y": x / 2 + 2}  # noqa: E731
    return save(
        path,
        serving_default=_function(half, x=([None], "float32")),
        vec=_function(half, x=([None, 3], "float32")),
        scal=_function(half, x=([], "float32")),
        anyshape=_function(lambda x: {"y": tf.identity(x)}, x=(None, "float32")),
        summed=_function(lambda x: {"total": tf.reduce_sum(x)}, x=([None], "float32")),
        mixed=_function(
            lambda x: {"y": x / 2 + 2, "total": tf.reduce_sum(x)}, x=([None], "float32")
        ),
        fixed2=_function(
            lambda x: {"y": tf.stack([tf.reduce_sum(x), tf.cast(tf.size(x), tf.float32)])},
            x=([None], "float32"),
        ),
        noin=_function(lambda: {"y": tf.constant([1.0, 2.0])}),
    )


def save_two_io(path):
    """The signatures of the recorded `two_io`."""
    import tensorflow as tf

    inputs = {"a": ([None, 2], "float32"), "b": ([None], "int32")}
    return save(
        path,
        serving_default=_function(
            lambda a, b: {"sum": tf.reduce_sum(a, 1) + tf.cast(b, tf.float32), "doubled": 2 * b},
            **inputs,
        ),
        indep=_function(lambda a, b: {"a_out": a + 0.0, "b_out": b + 0}, **inputs),
    )


def save_strings(path):
    """The signatures of the recorded `strings`."""
    import tensorflow as tf

    text = {"text": ([None], "string")}
    return save(
        path,
        serving_default=_function(lambda text: {"out": tf.identity(text)}, **text),
        echo_bytes=_function(lambda text: {"out_bytes": tf.identity(text)}, **text),
        both=_function(
            lambda text: {
                "up": tf.strings.upper(text),
                "length": tf.strings.length(text),
                "raw_bytes": tf.identity(text),
            },
            **text,
        ),
        mat=_function(
            lambda image_bytes: {"out_bytes": tf.identity(image_bytes)},
            image_bytes=([None, None], "string"),
        ),
        img=_function(
            lambda image_bytes, w: {"size": tf.strings.length(image_bytes), "w2": 2.0 * w},
            image_bytes=([None], "string"),
            w=([None], "float32"),
        ),
    )


def save_dtypes(path):
    """The signatures of the recorded `dtypes`: the input as it is, in each type."""
    import tensorflow as tf

    types = {
        "f16": "float16",
        "bf16": "bfloat16",
        "f32": "float32",
        "f64": "float64",
        "i8": "int8",
        "i16": "int16",
        "i32": "int32",
        "i64": "int64",
        "u8": "uint8",
        "u16": "uint16",
        "u32": "uint32",
        "u64": "uint64",
        "bool": "bool",
        "c64": "complex64",
    }
    return save(
        path,
        **{
            name: _function(lambda x: {"y": tf.identity(x)}, x=(None, dtype))
            for name, dtype in types.items()
        },
    )


CLASSES = ["dark", "bright"]


def save_images(path):
    """Encoded images in, label and probabilities out: brightness is the probability."""
    import tensorflow as tf

    def classify(image_bytes):
        def brightness(encoded):
            image = tf.io.decode_image(encoded, channels=1, expand_animations=False)
            return tf.reduce_mean(tf.cast(image, tf.float32)) / 255

        bright = tf.map_fn(brightness, image_bytes, fn_output_signature=tf.float32)  # (B,)
        probabilities = tf.stack([1 - bright, bright], -1)  # (B, 2)
        classes = tf.constant(CLASSES)
        batch = tf.shape(image_bytes)[0]
        return {
            "label": tf.gather(classes, tf.argmax(probabilities, -1)),
            "probability": tf.reduce_max(probabilities, -1),
            "probabilities": probabilities,
            "classes": tf.tile(classes[tf.newaxis], [batch, 1]),
        }

    return save(path, serving_default=_function(classify, image_bytes=([None], "string")))


def save_convolution(path):
    """A convolution: with oneDNN its kernel aborts the process on input of the wrong rank."""
    import tensorflow as tf

    def convolve(x):
        return {"y": tf.nn.relu(tf.nn.conv2d(x, tf.ones((3, 3, 1, 2)), 1, "SAME"))}

    return save(path, serving_default=_function(convolve, x=([None, 8, 8, 1], "float32")))


def save_failing(path):
    """A model whose operation refuses some input."""
    import tensorflow as tf

    def root(x):
        with tf.control_dependencies([tf.debugging.assert_positive(x, "must be positive")]):
            return {"y": tf.sqrt(x)}

    return save(
        path,
        serving_default=_function(root, x=([None], "float32")),
        div=_function(lambda x: {"y": 10 // x}, x=([None], "int32")),
    )


def save_all(folder):
    """Every model above, below one folder."""
    save_half_plus_two(folder / "half_plus_two" / "123")
    save_two_io(folder / "two_io" / "1")
    save_strings(folder / "strings" / "1")
    save_dtypes(folder / "dtypes" / "1")
    save_images(folder / "images" / "1")
    save_convolution(folder / "convolution" / "1")
    save_failing(folder / "failing" / "1")
    return folder


def write_warmup(path, *arrays, signature_name="serving_default", name="x"):
    """Put warm-up requests with these arrays into the SavedModel at `path`."""
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    file = path / "assets.extra" / "tf_serving_warmup_requests"
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for array in arrays:
            log = PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = signature_name
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
            writer.write(log.SerializeToString())
    return file


def png(brightness, size=8):
    """An encoded grey image, all of one brightness between 0 and 255."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.full((size, size), brightness, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@contextlib.contextmanager
def serving(folder=None, poll_seconds=0.1, *, sources=None, **settings):
    """The server in a thread of this process; gives its URL and its store."""
    from kerasdl.server.launch import bind, sources_of
    from kerasdl.server.models import ModelStore
    from kerasdl.server.service import Service
    from kerasdl.server.settings import Settings

    if not {"model_base_path", "model_config_file"} & set(settings):
        settings["model_dir"] = folder
    settings = Settings(file_system_poll_wait_seconds=poll_seconds, **settings)
    store = ModelStore(sources or sources_of(settings), poll_seconds)
    store.rescan()
    store.start()
    service = Service(settings, store)
    ready = threading.Event()
    with bind("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=service.run, args=[listener, ready.set])
        thread.start()
        try:
            while not ready.wait(0.1):
                assert thread.is_alive()
            scheme = "https" if settings.tls_certificate else "http"
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", store
        finally:
            service.stop()
            thread.join()
            store.stop()
