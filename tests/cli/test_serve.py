import re
import signal
import subprocess
import sys

import httpx
import pytest
from serving_models import save_scale

from kerasdl import cli


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_told_to_stop(tmp_path, number):
    save_scale(tmp_path / "m" / "1", 2.0)
    (tmp_path / "broken" / "1").mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "kerasdl", "serve", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        ready = re.fullmatch(r"kerasdl: serving at (http://127\.0\.0\.1:\d+) : (.*)\n", line)
        assert ready, (line, process.stderr.read() if process.poll() is not None else "")
        url, models = ready.groups()
        assert models == "m (version 1)"
        answer = httpx.post(f"{url}/v1/models/m:predict", json={"instances": [4]}, trust_env=False)
        assert answer.json() == {"predictions": [8.0]}
        status = httpx.get(f"{url}/v1/models/broken", trust_env=False).json()
        assert status["model_version_status"][0]["state"] == "END"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert out == ""  # the one line was all
    assert "Traceback" not in err
    assert "kerasdl: cannot load broken version 1" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{dir}/nowhere"], "does not exist"),
        (["{dir}"], "holds no model"),
    ],
)
def test_refusals_are_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    arguments = [argument.format(dir=tmp_path) for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["kerasdl", "serve", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert out == ""
    assert re.fullmatch(rf"kerasdl: error: [^\n]*{message}[^\n]*\n", err)
