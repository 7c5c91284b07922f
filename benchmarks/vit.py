"""The ViT recipe as one program for each epoch, from ours and from Keras' built-ins.

For `benchmarks/gpu.py`. A step of so small a network takes a GPU less time than `fit` takes to ask
for it; here the pictures lie on the device, and so do the order and the augmentation.
"""

import statistics
import time

import jax
import keras
from jax import numpy as jnp

import kerasdl
from kerasdl import layers, models, training
from kerasdl.datasets.fashion_mnist_sources import files_in, find_folder, read_files
from kerasdl.optimizers import schedules

DTYPE = "mixed_bfloat16"


def twin(vit):
    """Return the same network with Keras' layers where Keras has them, with the same weights."""
    k = keras.layers
    (H, W, C), (P, Q), D = vit.image_shape, vit.patch_size, vit.hidden_dim
    image = keras.Input(vit.image_shape)
    z = k.Reshape((H // P, P, W // Q, Q, C))(image)
    z = k.Reshape((H // P * W // Q, P * Q * C))(k.Permute((1, 3, 2, 4, 5))(z))
    z = k.Dense(D, name="patches")(z)
    z = layers.ClassToken(name="class_token")(z) if vit.class_tokens else z
    z = layers.PositionEmbedding(z.shape[1], name="positions")(z)
    for i in range(vit.num_layers):
        x = k.LayerNormalization(epsilon=1e-6, name=f"attention_norm_{i}")(z)
        heads = (vit.num_heads, D // vit.num_heads)
        z += k.MultiHeadAttention(*heads, name=f"attention_{i}")(x, x)
        x = k.LayerNormalization(epsilon=1e-6, name=f"feed_forward_norm_{i}")(z)
        x = k.Dense(vit.mlp_dim, "gelu", name=f"hidden_{i}")(x)
        z += k.Dense(D, name=f"output_{i}")(x)
    z = k.LayerNormalization(epsilon=1e-6, name="norm")(z)
    y = z[:, 0] if vit.class_tokens else keras.ops.mean(z, axis=1)
    network = keras.Model(image, k.Dense(vit.num_classes, dtype="float32", name="head")(y))
    _carry_over(vit, network)
    return network


def _carry_over(vit, network):
    pairs = {name: vit.get_layer(name) for name in ("patches", "positions", "norm", "head")}
    if vit.class_tokens:
        pairs["class_token"] = vit.get_layer("class_token")
    for i, encoder in enumerate(vit.encoders):
        pairs[f"attention_norm_{i}"] = encoder.attention_norm
        pairs[f"attention_{i}"] = encoder.self_attention
        pairs[f"feed_forward_norm_{i}"] = encoder.feed_forward_norm
        weights = encoder.feed_forward.get_weights()
        network.get_layer(f"hidden_{i}").set_weights(weights[:2])
        network.get_layer(f"output_{i}").set_weights(weights[2:])
    for name, layer in pairs.items():
        network.get_layer(name).set_weights(layer.get_weights())


def moved_and_mirrored(images, key, most, flip):
    """Move each picture by up to so many pixels and mirror half of them, as the recipe does."""
    B, H, W, _ = images.shape
    for_corners, for_mirrors = jax.random.split(key)
    corners = jax.random.randint(for_corners, (B, 2, 1), 0, 2 * most + 1)
    rows, columns = corners[:, 0] + jnp.arange(H), jnp.arange(W)[None]
    if flip:
        mirrored = jax.random.bernoulli(for_mirrors, shape=(B, 1))
        columns = jnp.where(mirrored, W - 1 - columns, columns)
    columns = corners[:, 1] + columns
    padded = jnp.pad(images, [(0, 0), (most, most), (most, most), (0, 0)])
    return padded[jnp.arange(B)[:, None, None], rows[:, :, None], columns[:, None]]


def epoch_of(network, loss, optimizer, settings):
    """Return a function that trains for an epoch, compiled as one program."""
    B = settings["batch_size"]

    def loss_of(trainable, others, x, y):
        logits, others = network.stateless_call(trainable, others, x, training=True)
        return loss(y, logits), others

    @jax.jit
    def epoch(state, key, images, labels):
        for_order, key = jax.random.split(key)
        steps = len(labels) // B
        order = jax.random.permutation(for_order, len(labels))[: steps * B].reshape(steps, B)

        def step(state, at):
            (trainable, others, of_optimizer), (chosen, key) = state, at
            x = moved_and_mirrored(images[chosen], key, settings["max_shift"], settings["flip"])
            gradient = jax.value_and_grad(loss_of, has_aux=True)
            (value, others), gradients = gradient(
                trainable, others, x.astype("float32") / 255, labels[chosen]
            )
            trainable, of_optimizer = optimizer.stateless_apply(of_optimizer, gradients, trainable)
            return (trainable, others, of_optimizer), value

        return jax.lax.scan(step, state, (order, jax.random.split(key, steps)))

    return epoch


def trainings(epochs=None):
    """Train ours and the two twins; return a list of what came of each."""
    folder = find_folder()
    if folder is None:
        raise SystemExit(
            "KERASDL_FASHION_MNIST_DIR must name a folder with the four files of Fashion-MNIST; "
            "it is not set, and Debian's package dataset-fashion-mnist is not installed."
        )
    official = read_files(files_in(folder))
    settings = training.recipe("vit", "fashion_mnist")
    epochs = epochs or settings["epochs"]
    keras.config.set_dtype_policy(DTYPE)
    runs = []
    for kind in ("ours", "flash attention", "no flash attention"):
        try:
            run = _trained(kind, settings, epochs, official)
        except Exception as error:  # no flash attention on this machine
            run = {"error": f"{type(error).__name__}: {error}"[:200]}
        runs.append({"kind": kind, "dtype": DTYPE, **run})
        print("vit", runs[-1], flush=True)
    return runs


def _trained(kind, settings, epochs, official):
    (images, labels), (tests, truths) = map(_on_device, (official["train"], official["test"]))
    tests = tests.astype("float32") / 255
    keras.utils.set_random_seed(0)
    network = ours = models.ViT(tests.shape[1:], 10, **settings["model_arguments"])
    library = kerasdl
    if kind != "ours":
        if kind == "no flash attention":
            keras.config.disable_flash_attention()
        try:
            network, library = twin(ours), keras
        finally:
            keras.config.enable_flash_attention()
    few = tests[:256]
    away = jnp.abs(network(few) - ours(few)).max()
    steps = len(labels) // settings["batch_size"]
    warmup = round(settings["warmup_epochs"] * steps)
    rate = schedules.CosineDecay(
        0.0,
        epochs * steps - warmup,
        alpha=0.01,
        warmup_target=settings["learning_rate"],
        warmup_steps=warmup,
    )
    optimizer = library.optimizers.Adam(rate, weight_decay=settings["weight_decay"])
    optimizer.build(network.trainable_variables)
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    epoch = epoch_of(network, loss, optimizer, settings)
    variables = (
        network.trainable_variables,
        network.non_trainable_variables,
        optimizer.variables,
    )
    state = tuple([v.value for v in of] for of in variables)
    started, keys = time.perf_counter(), jax.random.split(jax.random.key(0), epochs)
    compiled = epoch.lower(state, keys[0], images, labels).compile()
    compile_s, seconds = time.perf_counter() - started, []
    for key in keys:
        started = time.perf_counter()
        state, losses = jax.block_until_ready(compiled(state, key, images, labels))
        seconds.append(time.perf_counter() - started)
    logits, _ = network.stateless_call(*state[:2], tests, training=False)
    return {
        "epochs": epochs,
        "first_outputs_differ_by": float(away),
        "compile_s": round(compile_s, 1),
        "seconds": round(sum(seconds), 2),
        "ms_a_step": round(1e3 * statistics.median(seconds) / steps, 4),
        "last_loss": round(float(losses.mean()), 4),
        "test_accuracy": round(float((logits.argmax(-1) == truths).mean()), 4),
    }


def _on_device(pair):
    images, labels = pair
    return jnp.asarray(images), jnp.asarray(labels, "int32")
