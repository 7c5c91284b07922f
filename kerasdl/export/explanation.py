"""Where a network looked, computed in the graph: a server needs no library for it."""

import keras
import tensorflow as tf

from kerasdl.inspection.attention import to_patches
from kerasdl.models import CNN, ViT
from kerasdl.ops import attention_rollout


class Explainer:
    """Explains the class that a network gives to pictures.

    The same numbers as `kerasdl.inspection`, whose saliency and Grad-CAM are those of tf-keras-vis;
    that library needs NumPy between its steps, so it cannot be part of a graph.

    Args:
        model: Network from pictures (B, H, W, C) to logits (B, classes).
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.is_vit, self.is_cnn = isinstance(model, ViT), isinstance(model, CNN)
        if not (self.is_vit or self.is_cnn):
            return
        # As in `inspection.grad_cam`: what enters the last encoder, what the last block has before
        # it pools.
        features = model.encoders[-1].input if self.is_vit else model.blocks[-1].output
        self.begin = keras.Model(model.input, features)
        self.finish = keras.Model(features, model.output)

    def __call__(self, image):
        """Run the network forwards and backwards.

        Args:
            image: Pixels in [0, 1], (B, H, W, C).

        Returns:
            Logits (B, classes), and by name as far as the network has it: `saliency` (B, H, W);
            `grad_cam` and `rollout` (B, rows, columns); `attention` (B, layers, heads, T, T).
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            features = image
            if self.is_vit or self.is_cnn:
                features = self.begin(image, training=False)
                tape.watch(features)
                logits = self.finish(features, training=False)
            else:
                logits = self.model(image, training=False)
            score = tf.reduce_sum(tf.reduce_max(logits, axis=-1))  # of the class that is answered
        d_image, d_features = tape.gradient(score, [image, features])
        seen = {"saliency": _scaled(tf.reduce_max(tf.abs(d_image), axis=-1))}
        if self.is_vit or self.is_cnn:
            seen["grad_cam"] = self._grad_cam(features, d_features)
        if self.is_vit:
            maps = [tf.cast(A, tf.float32) for A in self.model.attend(image)]
            seen["attention"] = tf.stack(maps, axis=1)
            seen["rollout"] = to_patches(self.model, attention_rollout(maps))
        return logits, seen

    def _grad_cam(self, A, dA):
        if self.is_vit:  # without the class token, laid out as the picture is
            A, dA = (
                tf.reshape(z[:, self.model.class_tokens :], (-1, *self.model.grid, z.shape[-1]))
                for z in (A, dA)
            )
        A, dA = tf.cast(A, tf.float32), tf.cast(dA, tf.float32)
        alpha = tf.reduce_mean(dA, axis=(1, 2), keepdims=True)  # (B, 1, 1, D)
        return _scaled(tf.nn.relu(tf.reduce_sum(alpha * A, axis=-1)))


def _scaled(maps):
    """Bring each map (B, rows, columns) to 0 … 1, as tf-keras-vis does."""
    low = tf.reduce_min(maps, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(maps, axis=(1, 2), keepdims=True)
    return tf.cast((maps - low) / (high - low + keras.config.epsilon()), tf.float32)
