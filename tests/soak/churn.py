"""Version changes: a new version every two seconds, now and then a broken one, the oldest goes."""

import shutil
import threading
import time
from pathlib import Path

from process import Server
from record import Record

from kerasdl.client import Client, ConnectionFailed, ServerError

FACTORS = 16
_SECONDS = 2.0
_KEPT = 2
_BROKEN_EVERY = 7
_PATIENCE = 60.0  # seconds for a new version to become available, on a busy machine


def factor_of(version: int) -> float:
    return float(1 + version % FACTORS)


class Churn(threading.Thread):
    """Changes the versions of the model `scale`, whose answer tells which version gave it."""

    def __init__(self, templates: Path, folder: Path, server: Server, record: Record):
        super().__init__(name="churn", daemon=True)
        self.templates = templates
        self.folder = folder
        self.server = server
        self.record = record
        self.published = 0
        self.broken = 0
        self.lifetimes: dict[int, list[float]] = {}
        self.publish(1)

    def publish(self, version: int) -> None:
        hidden = self.folder / f".{version}"
        shutil.copytree(self.templates / str(version % FACTORS), hidden)
        self.lifetimes[version] = [time.monotonic(), float("inf")]
        hidden.rename(self.folder / str(version))

    def remove(self, version: int) -> None:
        hidden = self.folder / f".gone{version}"
        (self.folder / str(version)).rename(hidden)
        shutil.rmtree(hidden)
        self.lifetimes[version][1] = time.monotonic()

    def could_answer(self, factor: float, began: float) -> list[int]:
        """Versions with this factor that were there since, or shortly before, a request began."""
        return [
            version
            for version, (start, end) in list(self.lifetimes.items())
            if factor_of(version) == factor
            and start <= time.monotonic()
            and end + _PATIENCE / 4 >= began
        ]

    def run(self) -> None:
        version = 1
        with Client(self.server.url, 30, retries=8) as client:
            while not self.record.stop.wait(_SECONDS):
                version += 1
                if version % _BROKEN_EVERY == 0:
                    self._break(version, client)
                    continue
                began = time.monotonic()
                self.publish(version)
                if not self._reaches(client, version, "AVAILABLE", began):
                    continue
                self.published += 1
                self.record.ok("version change")
                good = [n for n, (_, end) in self.lifetimes.items() if end == float("inf")]
                for old in sorted(good)[:-_KEPT]:
                    self.remove(old)

    def _break(self, version: int, client: Client) -> None:
        began = time.monotonic()
        hidden = self.folder / f".{version}"
        hidden.mkdir()
        (hidden / "saved_model.pb").write_bytes(b"\xff no model " * 100)
        hidden.rename(self.folder / str(version))
        if self._reaches(client, version, "END", began):
            self.broken += 1
            self.record.ok("broken version told")
        shutil.rmtree(self.folder / str(version))

    def _reaches(self, client: Client, version: int, state: str, began: float) -> bool:
        problem = ""
        while time.monotonic() - began < _PATIENCE:
            if self.record.stop.is_set():
                return False
            try:
                (found,) = client.status("scale", version)
                if found["state"] == state:
                    return True
                problem = str(found)
            except (ServerError, ConnectionFailed) as error:
                problem = str(error)
            time.sleep(0.1)
        what = f"version {version} is not {state} after {_PATIENCE:g} s: {problem}"
        self.record.fail("version change", what, began)
        return False
