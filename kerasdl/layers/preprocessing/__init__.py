"""Layers that prepare inputs, within the model or within `tf.data`."""
