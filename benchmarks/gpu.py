"""Attention, recurrent layers and the ViT recipe on a GPU, on JAX: `make bench-gpu`.

Attention in bfloat16 against the built-in with flash attention (cuDNN's) on and off, recurrent
layers in float32 against the built-in with cuDNN and without, and a training of the recipe's Vision
Transformer against the same network from built-ins. TensorFlow need not be there. The pictures are
read from the folder that KERASDL_FASHION_MNIST_DIR names.

    python benchmarks/gpu.py --part attention --only "causal 1,"
"""

import argparse
import functools
import json
import os
import re
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
# Parts are allocated as they are needed, so that another program finds room beside this one.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import attention
import jax
import keras
import recurrent
from harness import RESULTS, interleaved, machine
from vit import trainings

import kerasdl
from kerasdl.files import write_text

SECONDS = 1  # for the timing of a case in one mode
COMPILERS = os.cpu_count()


def attention_cases():
    """Return {name: {what: (layer's comparison, its library)}}."""
    return {
        f"{kind} {size[0]},{size[1]}": {
            "flash attention": (attention.case(kind, size, flash_attention=True), keras),
            "no flash attention": (attention.case(kind, size), keras),
            "ours": (attention.case(kind, size), kerasdl),
        }
        for size in attention.SIZES
        for kind in attention.KINDS
    }


def recurrent_cases():
    """Return the same for recurrent layers; of them Keras has cuDNN's LSTM only."""
    cases = {}
    for kind in recurrent.KINDS:
        for size in recurrent.SIZES:
            plain = {} if kind == "SimpleRNN" else {"use_cudnn": False}
            sides = {
                "no cuDNN": (recurrent.case(kind, size, **plain), keras),
                "ours": (recurrent.case(kind, size), kerasdl),
            }
            if "LSTM" in kind:
                sides["cuDNN"] = (recurrent.case(kind, size, use_cudnn=True), keras)
            cases[sides["ours"][0].name] = sides
    return cases


def compile_ahead(cases):
    """Compile all functions of all cases, a thread each; return futures in their places.

    All are done when it returns, so that nothing runs beside what is timed.
    """
    pool, futures = ThreadPoolExecutor(COMPILERS), {}
    for name, sides in cases.items():
        for side, (case, k) in sides.items():
            if side == "no flash attention":  # the layer's argument only asks for it
                keras.config.disable_flash_attention()
            try:
                for mode, (function, arguments) in case.functions(k).items():
                    lowered = jax.jit(function).lower(*arguments)
                    futures[name, side, mode] = pool.submit(lowered.compile), arguments
            except Exception as error:  # not on this machine: a row says so
                futures[name, side] = error
            finally:
                keras.config.enable_flash_attention()
    pool.shutdown()
    return futures


def compiled_side(found):
    """Return a step without arguments, and what is known of it before it runs."""
    if isinstance(found, Exception):
        return None, {"error": _first_line(found)}
    future, arguments = found
    try:
        executable = future.result()
        step = functools.partial(_first_of, executable, arguments)
        jax.block_until_ready(step())
    except Exception as error:
        return None, {"error": _first_line(error)}
    memory, text = executable.memory_analysis(), executable.as_text()
    return step, {
        "peak_mb": round((memory.temp_size_in_bytes + memory.output_size_in_bytes) / 2**20, 1),
        "path": _path(text),
    }


def _path(program):
    """Return what a compiled program calls; XLA's own fusions call Triton by another name."""
    called = set(re.findall(r'custom_call_target="([^"]*)"', program))
    for mark, name in (("fmha", "cuDNN"), ("rnn", "cuDNN"), ("triton", "our kernels")):
        if any(mark in target for target in called):
            return name
    return "XLA"


def _first_of(executable, arguments):
    return executable(*arguments)[0]


def _first_line(error):
    return f"{type(error).__name__}: {str(error)[:200]}".splitlines()[0]


def run_case(name, sides, futures, dtype):
    """Time one case and return its rows, one for each mode and built-in."""
    rows = []
    for mode in ("train", "infer"):
        ready = {}
        for side in sides:
            ready[side] = compiled_side(futures.get((name, side, mode), futures.get((name, side))))
        steps = {side: step for side, (step, _) in ready.items() if step}
        samples = dict(zip(steps, interleaved(list(steps.values()), SECONDS), strict=True))
        for side in sides:
            if side != "ours":
                row = {"case": name, "backend": "jax", "jit": True, "mode": mode}
                row |= {"dtype": dtype, "baseline": side}
                rows.append(row | _compared(samples, ready, side))
                print(_line(rows[-1]), flush=True)
    return rows


def _compared(samples, ready, side):
    theirs, ours = samples.get(side), samples.get("ours")
    known, own = ready[side][1], ready["ours"][1]
    row = {
        "baseline_ms": theirs and round(statistics.median(theirs) * 1e3, 4),
        "ours_ms": ours and round(statistics.median(ours) * 1e3, 4),
        "ratio": None,
        "baseline_peak_mb": known.get("peak_mb"),
        "ours_peak_mb": own.get("peak_mb"),
        "baseline_path": known.get("path"),
        "ours_path": own.get("path"),
    }
    if theirs and ours:
        row["ratio"] = round(statistics.median(a / b for a, b in zip(theirs, ours)), 3)
    errors = {"baseline_error": known.get("error"), "ours_error": own.get("error")}
    return row | {key: error for key, error in errors.items() if error}


def _line(row):
    shown = [row["baseline_ms"], row["ours_ms"], row["ratio"]]
    numbers = " ".join(f"{'—' if n is None else f'{n:.3f}':>9s}" for n in shown)
    memory = f"{row['baseline_peak_mb']} → {row['ours_peak_mb']} MiB"
    trouble = row.get("baseline_error") or row.get("ours_error") or ""
    return (
        f"{row['case']:36s} {row['mode']:5s} {row['baseline']:18s} {numbers}  {memory:22s} "
        f"{row['baseline_path']} → {row['ours_path']} {trouble}"
    )


def layers(name, cases, dtype, only):
    """Measure the layers of one part."""
    keras.config.set_dtype_policy(dtype)
    names = ", ".join(cases)
    cases = {case: sides for case, sides in cases.items() if re.search(only, case)}
    if not cases:
        raise SystemExit(f"--only must match one of {names}; got {only!r}. See --part, too.")
    started = time.perf_counter()
    futures = compile_ahead(cases)
    print(f"{name}: compiled in {time.perf_counter() - started:.0f} s", flush=True)
    rows = []
    for case, sides in cases.items():
        rows += run_case(case, sides, futures, dtype)
    for baseline in dict.fromkeys(row["baseline"] for row in rows):
        for mode in ("train", "infer"):
            ratios = {
                row["case"]: row["ratio"]
                for row in rows
                if (row["baseline"], row["mode"]) == (baseline, mode) and row["ratio"]
            }
            if ratios:
                lowest = min(ratios, key=ratios.get)
                print(
                    f"{name} {mode} against {baseline}: geometric mean "
                    f"{statistics.geometric_mean(ratios.values()):.2f}, lowest "
                    f"{ratios[lowest]:.2f} ({lowest})"
                )
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ("attention", "recurrent", "vit")
    parser.add_argument("--part", choices=parts, action="append", help="default: all")
    parser.add_argument("--only", default="", help="of the layers, the cases whose name matches")
    parser.add_argument("--epochs", type=int, help="of the ViT; default: the recipe's")
    parser.add_argument(
        "--out", type=Path, default=RESULTS / "gpu.json", help="JSON whose rows are replaced"
    )
    options = parser.parse_args()
    device = jax.devices()[0]
    if device.platform == "cpu":
        print("JAX sees no GPU: this measures the CPU.", file=sys.stderr)
    known = json.loads(options.out.read_text()) if options.out.is_file() else {}
    known |= {"command": "make bench-gpu", "device": device.device_kind, **machine()}
    of_layers = {
        "attention": (attention_cases, "mixed_bfloat16"),
        "recurrent": (recurrent_cases, "float32"),
    }
    for part in options.part or parts:
        if part == "vit":
            known[part] = trainings(options.epochs)
        else:
            cases, dtype = of_layers[part]
            rows = layers(part, cases(), dtype, options.only)
            measured = {row["case"] for row in rows}
            kept = [row for row in known.get(part, []) if row["case"] not in measured]
            known[part] = kept + rows
        # After each part: what is measured is kept.
        write_text(options.out, json.dumps(known, indent=1) + "\n")
    print(f"Written: {options.out}")


if __name__ == "__main__":
    main()
