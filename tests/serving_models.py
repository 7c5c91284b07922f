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


def save_plus(path, number):
    """A model whose answer tells its version: y = x / 2 + number - 0.5."""
    return save(
        path,
        serving_default=_function(lambda x: {"y": x / 2 + (number - 0.5)}, x=([None], "float32")),
    )


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


def save_examples(folder):
    """The signatures of the recorded `examples`, `classifier` and `regressor`."""
    import tensorflow as tf

    features = {
        "x": tf.io.FixedLenFeature([1], tf.float32),
        "k": tf.io.FixedLenFeature([1], tf.int64, [0]),
        "s": tf.io.FixedLenFeature([1], tf.string, ["dflt"]),
    }
    inputs = {"inputs": ([None], "string")}

    def read(inputs):
        return tf.io.parse_example(inputs, features)

    def classify(inputs):
        x = read(inputs)["x"]  # (N, 1)
        classes = tf.tile([["cat", "dog", "été"]], [tf.shape(x)[0], 1])
        return {"classes": classes, "scores": tf.concat([x, x / 10, 1 - x], 1)}

    def regress(inputs):
        found = read(inputs)
        return {"outputs": 2 * found["x"] + tf.cast(found["k"], tf.float32)}

    def twice(name, output):
        def body(inputs):
            value = read(inputs)[name]
            return {output: tf.concat([value, value], 1)}

        return _function(body, **inputs)

    regress1d = _function(lambda inputs: {"outputs": 2 * read(inputs)["x"][:, 0]}, **inputs)
    save(
        folder / "examples" / "1",
        serving_default=_function(lambda x: {"y": 2 * x}, x=([None], "float32")),
        classify=_function(classify, **inputs),
        regress=_function(regress, **inputs),
        regress1d=regress1d,
        badregress=twice("x", "outputs"),
        classes_only=twice("s", "classes"),
        scores_only=twice("x", "scores"),
    )
    save(folder / "classifier" / "1", serving_default=_function(classify, **inputs))
    save(folder / "regressor" / "1", serving_default=regress1d)
    _set_method(folder / "classifier" / "1", "serving_default", "classify")
    _set_method(folder / "regressor" / "1", "serving_default", "regress")
    _set_method(folder / "examples" / "1", "regress", "regress")


def _set_method(path, signature, method):
    """Name the method of a signature, which TensorFlow 2 always calls predict."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = path / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    definition = model.meta_graphs[0].signature_def[signature]
    definition.method_name = f"tensorflow/serving/{method}"
    file.write_bytes(model.SerializeToString())


def save_all(folder):
    """Every model above, below one folder."""
    save_half_plus_two(folder / "half_plus_two" / "123")
    save_two_io(folder / "two_io" / "1")
    save_strings(folder / "strings" / "1")
    save_dtypes(folder / "dtypes" / "1")
    save_images(folder / "images" / "1")
    save_convolution(folder / "convolution" / "1")
    save_failing(folder / "failing" / "1")
    save_examples(folder)
    return folder


def models_config(folder, *blocks):
    """Write a `models.config` for some of the models in a folder, and give its path.

    Each block is a name, or a name and further protobuf text.
    """
    texts = []
    for block in blocks:
        name, more = (block, "") if isinstance(block, str) else block
        base = more if "base_path" in more else f'base_path: "{folder / name}" {more}'
        texts.append(f'config {{ name: "{name}" model_platform: "tensorflow" {base} }}')
    file = folder / "models.config"
    file.write_text("model_config_list {" + "\n".join(texts) + "}")
    return file


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
def serving(folder=None, poll_seconds=0.1, **settings):
    """The server in a thread of this process; gives its URL and its store."""
    from kerasdl.server.settings import Settings

    settings = Settings(model_dir=folder, file_system_poll_wait_seconds=poll_seconds, **settings)
    with serving_as(settings) as served:
        yield served


@contextlib.contextmanager
def serving_as(settings):
    """The same, as settings say; see `flags.parse`."""
    from kerasdl.server.launch import bind, sources_of
    from kerasdl.server.models import ModelStore
    from kerasdl.server.service import Service

    store = ModelStore(
        sources_of(settings),
        settings.file_system_poll_wait_seconds,
        labels_of_unavailable=settings.allow_version_labels_for_unavailable_models,
    )
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
