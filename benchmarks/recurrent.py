"""Recurrent layers against Keras' built-ins: `make bench-recurrent`.

On TensorFlow ours, with XLA and without, is held against the faster of the built-in's two.
"""

import argparse
import contextlib
import os
import time
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from harness import LayerBench, _sample, main, summary

import kerasdl
from kerasdl.layers.rnn import rnn
from kerasdl.ops.recurrence import through_time

# batch, steps, features, units
SIZES = [
    (64, 28, 28, 128),
    (32, 128, 64, 128),
    (32, 256, 128, 256),
    (128, 512, 64, 64),
    (1, 128, 64, 128),
]
KINDS = {
    "SimpleRNN": lambda k, u: k.layers.SimpleRNN(u),
    "LSTM": lambda k, u, **how: k.layers.LSTM(u, **how),
    "GRU": lambda k, u, **how: k.layers.GRU(u, **how),
    "Bidirectional(LSTM)": lambda k, u, **how: k.layers.Bidirectional(k.layers.LSTM(u, **how)),
}


def case(kind, size, **how):
    """Return the comparison of a kind and size; `how` are arguments of the layer."""
    B, T, F, u = size
    return LayerBench(
        f"{kind} {B},{T},{F},{u}",
        lambda k: KINDS[kind](k, u, **how),
        ((B, T, F),),
        against_the_faster=True,
    )


CASES = [case(kind, size) for kind in KINDS for size in SIZES]


def annotate(bench, rows) -> None:
    """Add to each row how long the first call takes on both sides, and which path ours took.

    The first call traces and compiles; the timed ones come after it.
    """
    for row in rows:
        seconds = {}
        with watched() as path:
            for k in (keras, kerasdl):
                step = bench.steps(k, row["jit"])[row["mode"]]
                path.clear()
                through_time.loops_over_time.cache_clear()  # else they are compiled already
                started = time.perf_counter()
                _sample(step, 1)
                seconds[k] = time.perf_counter() - started
        row["path"] = ", ".join(path)
        row["baseline_compile_s"] = round(seconds[keras], 3)
        row["ours_compile_s"] = round(seconds[kerasdl], 3)
        print(
            f"{'':44s} {'XLA' if row['jit'] else 'graph':16s} {row['mode']:5s} first call "
            f"{seconds[keras]:.2f} s, ours {seconds[kerasdl]:.2f} s, path: {row['path']}",
            flush=True,
        )


@contextlib.contextmanager
def watched():
    """Note which path the recurrences take while they are traced."""
    path = {}  # for its order

    def noting(module, function, names):
        def wrapper(*args, **kwargs):
            result = function(*args, **kwargs)
            path.update({name: True for name, says in names.items() if says(result)})
            return result

        return mock.patch.object(module, function.__name__, wrapper)

    with (
        noting(
            through_time,
            through_time._through_time,
            {"by hand": bool, "both directions in one loop": lambda runs: len(runs) > 1},
        ),
        noting(through_time, through_time.in_halves, {"two halves": bool}),
        noting(through_time, through_time._parts, {"parts": lambda parts: parts > 1}),
        noting(through_time, through_time._sums_in_the_loop, {"sums in the loop": bool}),
        noting(rnn, rnn.unfold, {"plain loop": bool}),
    ):
        yield path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run the cases whose name matches")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    arguments = parser.parse_args()
    summary(main("recurrent", CASES, arguments, annotate))
