import os
import re
import signal
import subprocess
import sys
import time

import httpx
import psutil
import pytest
from serving_models import save_scale


def ask(url):
    # A connection each, so that both workers have a chance to be asked.
    answer = httpx.post(f"{url}/v1/models/m:predict", json={"instances": [2]}, trust_env=False)
    assert answer.json() == {"predictions": [6.0]}
    return answer


@pytest.mark.slow
def test_two_workers_share_a_port_and_one_that_dies_is_replaced(tmp_path):
    save_scale(tmp_path / "m" / "1", 3.0)
    command = [sys.executable, "-m", "kerasdl", "serve", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        url = re.search(r"http://\S+", process.stdout.readline())[0]
        for _ in range(40):
            ask(url)
        time.sleep(2.5)  # they tell each other what they counted once a second
        page = httpx.get(f"{url}/monitoring/prometheus/metrics", trust_env=False).text
        assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 40\n' in page
        first, second = psutil.Process(process.pid).children()
        os.kill(first.pid, signal.SIGKILL)
        deadline = time.monotonic() + 120
        while len(psutil.Process(process.pid).children()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert second.is_running()
        for _ in range(10):
            ask(url)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (0, "")
    assert "died, starting another" in err
    assert "Traceback" not in err
