"""Minutes of valid and hostile load with version changes and a kill: `python tests/soak`.

Exit status 0 if no answer was wrong, none was lost but in the kill, neither memory nor descriptors
grew, and the log holds no traceback.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from churn import FACTORS, Churn, factor_of  # noqa: E402
from hostile import Generated, Heavy, Slow  # noqa: E402
from process import Server  # noqa: E402
from record import Record  # noqa: E402
from serving_models import save_all, save_scale  # noqa: E402
from valid import Grpc, Rest  # noqa: E402

_KILL_AT = 0.1  # of the time
_BASE, _LAST = (0.2, 0.4), (0.85, 1.0)  # of the time since then: what is compared of memory
_MEMORY_GROWTH = 0.10
_SPARE_MB = 30  # what the allocator may keep of one large body more or less
_SPARE_DESCRIPTORS = 8
_SETTLE_SECONDS = 10
_SHORT_SECONDS = 60  # within which a fresh process still fills its caches


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--log", type=Path, help="keep the server's output in this file")
    parser.add_argument("--no-kill", action="store_true", help="leave out the kill -9")
    arguments, for_server = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="kerasdl-soak-") as temporary:
        folder = Path(temporary)
        log = arguments.log or folder / "server.log"
        log.unlink(missing_ok=True)
        return soak(folder, log, 60 * arguments.minutes, not arguments.no_kill, for_server)


def soak(folder: Path, log: Path, seconds: float, kill: bool, options: list[str]) -> int:
    print("writing models ...", flush=True)
    served, templates = folder / "served", folder / "templates"
    save_all(served)
    for index in range(FACTORS):
        save_scale(templates / str(index), factor_of(index))
    (served / "scale").mkdir()
    record = Record()
    server = Server(served, log, options)
    churn = Churn(templates, served / "scale", server, record)
    start_seconds = server.start()
    time.sleep(2)
    idle_descriptors, idle_threads = server.descriptors(), server.threads()
    print(f"server ready after {start_seconds:.1f} s; load for {seconds:.0f} s", flush=True)

    loads = [
        churn,
        Rest(server, churn, record),
        Grpc(server, record),
        Generated(server, record, 0),
        Generated(server, record, 1),
        Heavy(server, record),
        Slow(server, record),
    ]
    began = time.monotonic()
    for load in loads:
        load.start()
    restart_seconds = None
    since = end = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        time.sleep(0.5)
        if kill and restart_seconds is None and elapsed > _KILL_AT * seconds:
            print(f"kill -9 after {elapsed:.0f} s", flush=True)
            record.down()
            server.kill()
            restart_seconds = server.start()
            record.up()
            since = time.monotonic()
            seconds += restart_seconds
        if not server.is_alive():
            record.fail("server", f"died: {server.text()[-1000:]}", time.monotonic())
            break
        server.sample()
        end = time.monotonic()
    print("load ends", flush=True)
    record.stop.set()
    for load in loads:
        load.join(120)
    hanging = [load.name for load in loads if load.is_alive()]
    alive = server.is_alive()
    time.sleep(_SETTLE_SECONDS if alive else 0)
    descriptors = server.descriptors() if alive else -1
    threads = server.threads() if alive else -1
    status = server.stop() if alive else None

    base, last = (
        server.resident_mb(*(since + share * (end - since) for share in shares))
        for shares in (_BASE, _LAST)
    )
    tracebacks = server.tracebacks()
    judged = [
        ("no wrong answer", not record.wrong, f"{record.counts['WRONG']} wrong"),
        ("load came to its end", not hanging, ", ".join(hanging) or "all of it"),
        ("versions changed", churn.published > 0, f"{churn.published}, broken {churn.broken}"),
        (
            "memory does not grow",
            end - since < _SHORT_SECONDS or last <= base * (1 + _MEMORY_GROWTH) + _SPARE_MB,
            f"{base:.0f} MB, then {last:.0f} MB"
            + (" (too short to judge)" if end - since < _SHORT_SECONDS else ""),
        ),
        (
            "descriptors do not grow",
            alive and descriptors <= idle_descriptors + _SPARE_DESCRIPTORS,
            f"{idle_descriptors}, then {descriptors} (threads {idle_threads}, {threads})",
        ),
        ("no traceback in the log", not tracebacks, f"{len(tracebacks)}"),
        ("server lived and ended in order", status == 0, f"exit status {status}"),
    ]
    if kill:
        text = f"ready again after {restart_seconds or float('nan'):.1f} s"
        judged.insert(1, ("came back after kill -9", restart_seconds is not None, text))
    _print(record, judged, time.monotonic() - began)
    for problem in [*record.wrong, *tracebacks[:3]]:
        print(problem, file=sys.stderr)
    return 0 if all(good for _, good, _ in judged) else 1


def _print(record: Record, judged: list[tuple[str, bool, str]], seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    counts = Table("load", title=f"{seconds:.0f} s")
    counts.add_column("answers", justify="right")
    for kind, count in sorted(record.counts.items()):
        counts.add_row(kind, f"{count:,}")
    verdict = Table("what must hold", "", "measured")
    for what, good, measured in judged:
        verdict.add_row(what, "yes" if good else "NO", measured)
    console = Console()
    console.print(counts)
    p50, p99 = record.latency_ms(0.5), record.latency_ms(0.99)
    console.print(f"valid requests beside all that: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    console.print(verdict)


if __name__ == "__main__":
    sys.exit(main())
