"""Where the models to serve are named: a folder, flags, or a configuration file."""

import time
from collections.abc import Callable
from pathlib import Path

from kerasdl.server.settings import Settings
from kerasdl.server.versions import ModelSource, latest, models_in

Sources = Callable[[], list[ModelSource]]


def sources_of(settings: Settings) -> Sources:
    """What gives the models to serve, asked at each look for new versions.

    Raises:
        InputError: nothing that is named can be served.
    """
    if settings.model_dir is not None:
        folder = settings.model_dir.expanduser().absolute()
        return lambda: models_in(folder)
    if settings.model_base_path is not None:
        path = settings.model_base_path.expanduser().absolute()
        source = ModelSource(settings.model_name, path, latest())
        return lambda: [source]
    return _ConfigFile(settings.model_config_file, settings.model_config_file_poll_wait_seconds)


class _ConfigFile:
    """The models that a configuration file names, read anew from time to time."""

    def __init__(self, file: Path, seconds: float):
        self._file = file
        self._seconds = seconds
        self._sources: list[ModelSource] | None = None
        self._read_at = 0.0

    def __call__(self) -> list[ModelSource]:
        from kerasdl.server.config import read_models

        now = time.monotonic()
        due = self._seconds and now - self._read_at >= self._seconds
        if self._sources is None or due:
            self._read_at = now
            self._sources = read_models(self._file)
        return self._sources
