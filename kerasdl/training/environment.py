"""What a run was made with."""

import importlib.metadata
import os
import platform

import keras

from kerasdl.backend import accelerators

_PACKAGES = ("kerasdl", "keras", "tensorflow", "jax", "torch", "numpy", "tensorflow-datasets")


def environment() -> dict:
    """Return backend, versions and machine, for the run folder.

    Example:
        >>> "keras" in environment()["versions"]
        True
    """
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "backend": keras.backend.backend(),
        "floatx": keras.config.floatx(),
        "versions": versions,
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "accelerators": accelerators(),
    }
