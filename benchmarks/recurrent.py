"""Recurrent layers against Keras' built-ins: `make bench-recurrent`.

On TensorFlow ours, with XLA and without, is held against the faster of the built-in's two.
"""

import argparse
import os
import re
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from harness import LayerBench, _sample, main, modes

import kerasdl

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
    "LSTM": lambda k, u: k.layers.LSTM(u),
    "GRU": lambda k, u: k.layers.GRU(u),
    "Bidirectional(LSTM)": lambda k, u: k.layers.Bidirectional(k.layers.LSTM(u)),
}


def case(kind, size):
    B, T, F, u = size
    return LayerBench(
        f"{kind} {B},{T},{F},{u}",
        lambda k: KINDS[kind](k, u),
        ((B, T, F),),
        against_the_faster=True,
    )


CASES = [case(kind, size) for kind in KINDS for size in SIZES]


def compile_times(cases) -> None:
    """Print how long the first training step takes, compilation included."""
    print(f"{'first training step, seconds':44s} {'':10s} {'':5s} {'keras':>9s} {'ours':>9s}")
    for bench in cases:
        for xla in modes():
            seconds = []
            for k in (keras, kerasdl):
                step = bench.steps(k, xla)["train"]
                started = time.perf_counter()
                _sample(step, 1)
                seconds.append(time.perf_counter() - started)
            print(
                f"{bench.name:44s} {keras.backend.backend():10s} {'XLA' if xla else 'graph':5s} "
                f"{seconds[0]:9.2f} {seconds[1]:9.2f}",
                flush=True,
            )


def summary(rows) -> None:
    """Print the geometric mean and the lowest ratio of each mode."""
    for mode in ("train", "infer"):
        for xla in modes():
            ratios = {r["case"]: r["ratio"] for r in rows if (r["mode"], r["jit"]) == (mode, xla)}
            lowest = min(ratios, key=ratios.get)
            print(
                f"{keras.backend.backend()} {'XLA' if xla else 'graph'} {mode}: geometric mean "
                f"{statistics.geometric_mean(ratios.values()):.2f}, lowest {ratios[lowest]:.2f} "
                f"({lowest})"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run the cases whose name matches")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--no-compile-times", dest="compile", action="store_false")
    arguments = parser.parse_args()
    summary(main("recurrent", CASES, arguments))
    if arguments.compile:
        compile_times([bench for bench in CASES if re.search(arguments.only, bench.name)])
