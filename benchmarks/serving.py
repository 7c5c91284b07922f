"""How many requests a second `kerasdl serve` answers, asked by wrk on the same machine.

    python benchmarks/serving.py [FOLDER]

FOLDER is the recording of a real TF Serving with its models, `../shared/serving_conformance` beside
the repository unless named here or in $SERVING_CONFORMANCE. Each load runs three times; the median
counts. Writes benchmarks/results/serving.json and the table of docs/results/serving.md.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "results" / "serving.md"
# What a real TF Serving 2.20 did on two cores shared with wrk: its recording says so.
REAL = {
    "1 client": (2000, 0.45, None),
    "8 clients": (5000, 1.5, 3.6),
    "32 clients": (5000, 6.2, None),
    "1 client, batch of 64": (210, 4.5, None),
    "half_plus_two, 8 clients": (10_000, None, None),
}
CLIENTS = {name: 1 if name.startswith("1 ") else int(re.search(r"\d+", name)[0]) for name in REAL}
CLIENTS["half_plus_two, 8 clients"] = 8
LUA = """
wrk.method = "POST"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
"""


def bodies() -> dict[str, str]:
    rng = np.random.default_rng(0)
    images = rng.random((64, 28, 28, 1)).round(4).tolist()
    one = json.dumps({"instances": images[:1]})  # 7.8 KB
    many = json.dumps({"instances": images})  # 500 KB
    small = json.dumps({"instances": [1.0, 2.0, 5.0]})
    return {name: small if "half" in name else many if "64" in name else one for name in REAL}


def start(folder: Path, flags: list[str]) -> tuple[psutil.Popen, str, float]:
    """The server, its URL, and the seconds from its start to the first good answer."""
    config = f"""model_config_list {{
        config {{ name: "mnist" base_path: "{folder}/models/mnist" model_platform: "tensorflow" }}
        config {{ name: "half_plus_two" base_path: "{folder}/models/half_plus_two"
                  model_platform: "tensorflow" }} }}"""
    file = Path(tempfile.mkdtemp()) / "models.config"
    file.write_text(config)
    began = time.perf_counter()
    command = [sys.executable, "-m", "kerasdl", "serve", f"--model_config_file={file}"]
    server = psutil.Popen(
        [*command, "--rest_api_port=0", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    url = server.stdout.readline().split()[3]
    text = json.dumps({"instances": [1.0]})
    answer = subprocess.run(
        ["curl", "-sf", "-d", text, f"{url}/v1/models/half_plus_two:predict"],
        capture_output=True,
        check=True,
    )
    took = time.perf_counter() - began
    assert json.loads(answer.stdout) == {"predictions": [2.5]}
    return server, url, took


def load(url: str, name: str, body: str, seconds: int, server: psutil.Popen) -> dict:
    model = "half_plus_two" if "half" in name else "mnist"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "body").write_text(body)
        script = Path(folder, "post.lua")
        script.write_text(LUA.format(body=Path(folder, "body")))
        ours, everything = _cpu(server), _busy(psutil.cpu_times())
        command = ["wrk", "-t1", f"-c{CLIENTS[name]}", f"-d{seconds}s", "--latency", "-s", script]
        before = os.times()
        text = subprocess.run(
            [*map(str, command), f"{url}/v1/models/{model}:predict"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        after = os.times()
    assert not re.search("Non-2xx|Socket errors", text), text
    busy = _busy(psutil.cpu_times()) - everything
    wrk = sum(after[2:4]) - sum(before[2:4])
    others = busy - wrk - (_cpu(server) - ours)
    return {
        "requests_a_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50_ms": _latency(text, "50%"),
        "p99_ms": _latency(text, "99%"),
        # Cores that other programs kept busy meanwhile: near 0, or the figures are too low.
        "cores_of_others": round(max(0.0, others) / seconds, 2),
    }


def _cpu(server: psutil.Popen) -> float:
    processes = [server, *server.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _memory(server: psutil.Popen) -> float:
    processes = [server, *server.children(recursive=True)]
    return sum(process.memory_info().rss for process in processes) / 2**20


def _busy(times) -> float:
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def _latency(text: str, quantile: str) -> float:
    number, unit = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s)\b", text).groups()
    return round(float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit], 3)


def table(results: dict) -> str:
    lines = [
        "| load | requests/s | p50 | p99 | real TF Serving: requests/s, p50, p99 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, row in results["loads"].items():
        real, p50, p99 = REAL[name]
        theirs = ", ".join([f"{real:,}", *(f"{ms} ms" for ms in (p50, p99) if ms)])
        lines.append(
            f"| {name} | {row['requests_a_second']:,.0f} | {row['p50_ms']} ms | "
            f"{row['p99_ms']} ms | {theirs} |"
        )
    return "\n".join(lines)


def write_table(text: str) -> None:
    before, after = "<!-- table: make bench-serving writes it -->\n", "<!-- end of table -->"
    page = TABLE.read_text()
    head, _, rest = page.partition(before)
    TABLE.write_text(head + before + text + "\n" + after + rest.partition(after)[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("SERVING_CONFORMANCE", ROOT.parent / "shared" / "serving_conformance")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--flags", default="", help="further flags of `kerasdl serve`")
    arguments = parser.parse_args()
    if not (arguments.folder / "models" / "mnist").is_dir():
        sys.exit(f"{arguments.folder}/models/mnist is not there; name the folder of the recording")
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (Debian: apt-get install wrk)")
    server, url, first_answer = start(arguments.folder.absolute(), arguments.flags.split())
    texts = bodies()
    try:
        for name in REAL:  # buffers and compiled kernels of each load
            load(url, name, texts[name], 1, server)
        memory = _memory(server)
        runs = [
            {name: load(url, name, texts[name], arguments.seconds, server) for name in REAL}
            for _ in range(arguments.runs)
        ]
        grown = _memory(server) / memory - 1
    finally:
        server.terminate()
        server.wait()
    loads = {
        name: {
            key: round(statistics.median(run[name][key] for run in runs), 3)
            for key in runs[0][name]
        }
        for name in REAL
    }
    results = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "flags": arguments.flags,
        "seconds_to_first_answer": round(first_answer, 2),
        "memory_mb": round(memory),
        "memory_grown": round(grown, 3),
        "loads": loads,
    }
    file = Path(__file__).parent / "results" / "serving.json"
    file.write_text(json.dumps(results, indent=2) + "\n")
    write_table(table(results))
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
