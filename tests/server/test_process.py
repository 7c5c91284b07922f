import os
import signal
import subprocess
import sys
import time

import httpx
import psutil
import pytest
from serving_models import save_scale

import kerasdl
from kerasdl.errors import InputError
from kerasdl.server import process, running


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(pid, seconds=20):
    deadline = time.monotonic() + seconds
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


def test_runs_for_the_length_of_the_block(tmp_path, monkeypatch):
    stopped = []
    stop = process._stop
    monkeypatch.setattr(process, "_stop", lambda child: (stop(child), stopped.append(child)))
    save_scale(tmp_path / "m" / "1", 3.0)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with pytest.raises(RuntimeError, match="left early"), running(tmp_path) as url:  # noqa: PT012
        answer = httpx.post(f"{url}/v1/models/m:predict", json={"instances": [2]}, trust_env=False)
        assert answer.json() == {"predictions": [6.0]}
        started = {child.pid for child in psutil.Process().children(recursive=True)} - before
        assert len(started) == 1
        raise RuntimeError("left early")
    assert not alive(*started)
    assert [child.returncode for child in stopped] == [0]  # it shut down, it was not killed
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/v1/models/m", trust_env=False)


def test_ends_when_its_parent_is_killed(tmp_path):
    save_scale(tmp_path / "m" / "1", 1.0)
    code = (
        "import sys, time, types\n"
        "package = types.ModuleType('kerasdl')\n"  # spares the parent, not the server, Keras
        "package.__path__ = [sys.argv[2]]\n"
        "sys.modules['kerasdl'] = package\n"
        "from kerasdl.server import running\n"
        "with running(sys.argv[1]) as url:\n"
        "    print(url, flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), kerasdl.__path__[0]],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = parent.stdout.readline().strip()
        (server,) = psutil.Process(parent.pid).children(recursive=True)
        assert httpx.get(f"{url}/v1/models/m", trust_env=False).status_code == 200
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
    wait_until_gone(server.pid)


def test_refusals_of_the_child_arrive_here(tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    with pytest.raises(InputError, match="m version 1"), running(tmp_path):
        pass


def test_bad_folder_is_refused_without_a_child(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(InputError, match="holds no model"), running(tmp_path):
        pass
