"""The server under test: started, watched, killed, started again, stopped."""

import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

_START_SECONDS = 180
_STOP_SECONDS = 60


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """`python -m kerasdl.server` on a folder; all of its output goes into one file."""

    def __init__(self, folder: Path, log: Path, options: list[str]):
        self.port, self.grpc_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.command = [
            sys.executable, "-P", "-m", "kerasdl.server", str(folder),
            "--rest_api_port", str(self.port), "--grpc_port", str(self.grpc_port),
            "--poll_seconds", "0.2", "--stop-with-stdin", *options,
        ]  # fmt: skip
        self.process: subprocess.Popen | None = None
        self.samples: list[tuple[float, int]] = []  # time, resident bytes

    def start(self) -> float:
        """Return the seconds until it was ready."""
        began = time.monotonic()
        before = self.text().count("kerasdl: serving at")
        root = str(Path(__file__).parents[2])
        environment = os.environ | {
            "TF_ENABLE_ONEDNN_OPTS": "0",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,  # it closes with us, and ends the server
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        while self.text().count("kerasdl: serving at") == before:
            if self.process.poll() is not None or time.monotonic() - began > _START_SECONDS:
                raise SystemExit(f"The server did not start:\n{self.text()[-3000:]}")
            time.sleep(0.05)
        return time.monotonic() - began

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()

    def stop(self) -> int | None:
        """Ask it to end; return its exit status, `None` if it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def descriptors(self) -> int:
        return sum(process.num_fds() for process in self._family())

    def threads(self) -> int:
        return sum(process.num_threads() for process in self._family())

    def sample(self) -> None:
        try:
            resident = sum(process.memory_info().rss for process in self._family())
        except psutil.Error:  # it is being killed just now
            return
        self.samples.append((time.monotonic(), resident))

    def resident_mb(self, start: float, end: float) -> float:
        """Median resident memory between two times."""
        chosen = [resident for when, resident in self.samples if start <= when <= end]
        return statistics.median(chosen) / 2**20 if chosen else float("nan")

    def tracebacks(self) -> list[str]:
        return re.findall(
            r"^.*Traceback \(most recent call last\).*$(?:\n.*){0,12}", self.text(), re.M
        )
