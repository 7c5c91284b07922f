"""Time ours against Keras' built-in: interleaved in one process, median of many.

A case gives, for a namespace (`keras` or `kerasdl`), functions that take one training step and one
inference. Both sides get the same weights' shapes and the same numbers. Compiled steps take
everything that changes as arguments, so that nothing is folded into a constant.
"""

import contextlib
import json
import os
import platform
import re
import resource
import statistics
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.backend import compiled, value_and_grad

with contextlib.suppress(ImportError):
    import tensorflow  # noqa: F401  else Keras imports it while memory is measured

RESULTS = Path(__file__).parent / "results"
ROUNDS = 30
SAMPLE_SECONDS = 0.02  # what one sample takes at least, so that the clock's grain does not count


def tensors(*shapes, seed=0):
    """Draw normal float32 tensors."""
    rng = np.random.default_rng(seed)
    return [ops.convert_to_tensor(rng.normal(size=shape).astype("float32")) for shape in shapes]


@dataclass(frozen=True)
class LayerBench:
    """A layer on inputs of given shapes.

    Args:
        name: What the row is called.
        make: Builds the layer from `keras` or `kerasdl`.
        shapes: Shapes of the inputs, drawn from a normal distribution.
        inputs: Returns the input tensors, in place of `shapes`.
        ours: Builds ours in place of `make`, for rows that compare forms of ours.
        against_the_faster: Whether ours, with XLA and without, is held against the faster of the
            built-in's two.
        seconds: What timing one mode may take, where three rounds do not take longer: fewer rounds
            then, and of the built-in's two only the faster.
        apart: Whether each of the built-in's two is timed beside ours in a process of its own,
            where memory does not suffice for both.
    """

    name: str
    make: object
    shapes: tuple = ()
    inputs: object = None
    ours: object = None
    against_the_faster: bool = False
    seconds: float | None = None
    apart: bool = False

    def steps(self, k, xla):
        """Return {mode: function without arguments} for one side."""
        return {
            mode: _first_result(compiled(function, xla), arguments)
            for mode, (function, arguments) in self.functions(k).items()
        }

    def functions(self, k):
        """Return {mode: (function of tensors, tensors)}; what it returns first is a number."""
        make = self.ours if self.ours and k is kerasdl else self.make
        values = self.inputs() if self.inputs else tensors(*self.shapes)
        keras.utils.set_random_seed(0)
        layer = make(k)
        # Built by shapes alone: a call, operation by operation, would need the most memory of all.
        shapes = [
            keras.KerasTensor(v.shape, keras.backend.standardize_dtype(v.dtype)) for v in values
        ]
        output = layer(*shapes)
        takes_training = layer._call_has_training_arg
        trainable = [v.value for v in layer.trainable_variables]
        state = [v.value for v in layer.non_trainable_variables]
        floats = [
            i for i, v in enumerate(values) if "float" in keras.backend.standardize_dtype(v.dtype)
        ]
        upstream = tensors(tuple(output.shape), seed=1)[0]

        def call(weights, state, inputs, training):
            arguments = {"training": training} if takes_training else {}
            return layer.stateless_call(weights, state, *inputs, **arguments)

        def train(weights, state, inputs, upstream):
            def loss(*points):
                inner = list(inputs)
                for i, point in zip(floats, points[: len(floats)]):
                    inner[i] = point
                y, _ = call(list(points[len(floats) :]), state, inner, True)
                return ops.sum(y * upstream)

            value, gradients = value_and_grad(loss, [*(inputs[i] for i in floats), *weights])
            return value, gradients

        def infer(weights, state, inputs):
            y, _ = call(weights, state, inputs, False)
            return ops.reshape(y, (-1,))[0], y

        return {
            "train": (train, (trainable, state, values, upstream)),
            "infer": (infer, (trainable, state, values)),
        }


def _first_result(function, arguments):
    return lambda: function(*arguments)[0]


@dataclass(frozen=True)
class LossBench:
    """A loss on (y_true, y_pred): with its gradient as training, alone as inference."""

    name: str
    make: object
    inputs: object
    against_the_faster = False

    def steps(self, k, xla):
        """Return {mode: function without arguments} for one side."""
        loss = self.make(k)
        y_true, y_pred = self.inputs()
        train = compiled(lambda t, p: value_and_grad(lambda q: loss(t, q), [p]), xla)
        infer = compiled(lambda t, p: loss(t, p), xla)
        return {"train": lambda: train(y_true, y_pred)[0], "infer": lambda: infer(y_true, y_pred)}


@dataclass(frozen=True)
class OptimizerBench:
    """One update of a list of weights."""

    name: str
    make: object
    shapes: tuple
    against_the_faster = False

    def steps(self, k, xla):
        """Return {mode: function without arguments} for one side."""
        optimizer = self.make(k)
        variables = [keras.Variable(t) for t in tensors(*self.shapes)]
        gradients = tensors(*self.shapes, seed=1)
        optimizer.build(variables)
        if keras.backend.backend() == "jax":
            import jax

            # As `fit` does it: what was read is written over, and not kept beside the new.
            run = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))
            held = [[v.value for v in optimizer.variables], [v.value for v in variables]]

            def step():
                held[1], held[0] = run(held[0], gradients, held[1])
                return held[1][0].reshape(-1)[0]

            return {"train": step}

        def update(gradients):
            optimizer.apply(gradients, variables)
            return ops.reshape(variables[0].value, (-1,))[0]

        run = compiled(update, xla)
        return {"train": lambda: run(gradients)}


def _sample(step, count) -> float:
    started = time.perf_counter()
    for _ in range(count):
        last = step()
    np.asarray(ops.convert_to_numpy(last))  # waits until it is there
    return (time.perf_counter() - started) / count


def interleaved(steps, seconds=None) -> list[list[float]]:
    """Time functions in turn, forwards and back; return the samples of each in seconds.

    Args:
        steps: Functions without arguments.
        seconds: What this may take, where three rounds do not take longer; `None` for all rounds.
    """
    for step in steps:
        for _ in range(3 if seconds is None else 1):
            _sample(step, 1)
    first = [_sample(step, 3 if seconds is None else 1) for step in steps]
    count = max(1, int(SAMPLE_SECONDS / max(1e-6, min(first))))
    rounds = ROUNDS
    if seconds is not None:
        rounds = min(ROUNDS, max(3, int(seconds / (count * sum(first)))))
    samples = [[] for _ in steps]
    for round_number in range(rounds):
        order = range(len(steps))
        for i in order if round_number % 2 else reversed(order):
            samples[i].append(_sample(steps[i], count))
    return samples


def faster_only(steps):
    """Of functions, keep the one that is fastest by far at first sight, else all."""
    for step in steps:
        _sample(step, 1)
    taken = [_sample(step, 1) for step in steps]
    return [step for step, t in zip(steps, taken) if t <= 1.5 * min(taken)]


def modes() -> list[bool]:
    """Whether XLA compiles: both on TensorFlow, always on JAX."""
    return [False, True] if keras.backend.backend() == "tensorflow" else [True]


def run_case(case) -> list[dict]:
    """All rows of one case on this backend.

    Ours is held against the built-in in the same mode or, where the case says so, against the
    faster of the built-in with XLA and without. The ratio is the median over rounds in which both
    were timed one after the other.
    """
    sides = {xla: [case.steps(k, xla) for k in (keras, kerasdl)] for xla in modes()}
    rows = []
    for mode in next(iter(sides.values()))[0]:
        if case.against_the_faster:
            theirs = [pair[0][mode] for pair in sides.values()]
            theirs = theirs if case.seconds is None else faster_only(theirs)
            steps = [*theirs, *(pair[1][mode] for pair in sides.values())]
            samples = interleaved(steps, case.seconds)
            baseline = min(samples[: len(theirs)], key=statistics.median)
            timed = [(baseline, ours) for ours in samples[len(theirs) :]]
        else:
            timed = [interleaved([side[mode] for side in pair]) for pair in sides.values()]
        rows += [_row(case, mode, xla, *pair) for xla, pair in zip(sides, timed, strict=True)]
    return rows


def run_apart(case) -> list[dict]:
    """All rows of one case whose built-ins are timed in processes of their own, see `in_child`."""
    rows = []
    for mode in ("train", "infer"):
        beside = [in_child(_samples_beside, case, mode, xla) for xla in modes()]
        beside = [samples for samples in beside if samples]
        if beside:  # else memory did not suffice for any of them
            theirs, *ours = min(beside, key=lambda samples: statistics.median(samples[0]))
            rows += [_row(case, mode, xla, theirs, o) for xla, o in zip(modes(), ours, strict=True)]
    return rows


def _samples_beside(case, mode, xla):
    """Return the samples of one of the built-in's forms and of all of ours."""
    steps = [case.steps(keras, xla)[mode], *(case.steps(kerasdl, own)[mode] for own in modes())]
    return interleaved(steps, case.seconds)


def _row(case, mode, xla, theirs, ours):
    """Put samples into a row of the results, and print it."""
    baseline, own = (statistics.median(s) * 1e3 for s in (theirs, ours))
    ratio = statistics.median(a / b for a, b in zip(theirs, ours, strict=True))
    print(
        f"{case.name:44s} {keras.backend.backend():10s} {'XLA' if xla else 'graph':5s} "
        f"{mode:5s} {baseline:9.3f} {own:9.3f} {ratio:6.2f}",
        flush=True,
    )
    return {
        "case": case.name,
        "backend": keras.backend.backend(),
        "jit": xla,
        "mode": mode,
        "baseline_ms": round(baseline, 4),
        "ours_ms": round(own, 4),
        "ratio": round(ratio, 3),
        "baseline_peak_mb": None,
        "ours_peak_mb": None,
    }


def peak_of(case, k) -> dict:
    """Peak memory of one side in MiB above what was there before; to be run in its own process.

    Before, that are the imports and XLA's compiler, 100 MiB once a process, which ours loads in
    TensorFlow's graphs and the built-in does not.
    """
    np.asarray(compiled(lambda x: ops.tanh(x @ x) + x, xla=True)(ops.ones((64, 64))))
    before = _resident_peak()
    peaks = {}
    steps = case.steps(k, keras.backend.backend() == "jax")
    for mode in sorted(steps):  # inference first: the peak only grows
        for _ in range(3):
            _sample(steps[mode], 1)
        peaks[mode] = round(_resident_peak() - before, 1)
    return peaks


def _resident_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peaks_of(case) -> dict:
    """Peaks of both sides, each measured in a process that has imported all and compiled once."""
    return {k.__name__: in_child(peak_of, case, k) or {} for k in (keras, kerasdl)}


def in_child(function, *arguments):
    """Return what a function returns in a process forked off this one; None if that is killed.

    This one therefore must not have computed anything yet: neither TensorFlow nor JAX survives a
    fork once its threads run.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open(writer, "w") as pipe:
                pipe.write(json.dumps(function(*arguments)))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else None


def machine() -> dict:
    """What the numbers were measured on."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "keras": keras.__version__,
        keras.backend.backend(): version(keras.backend.backend()),
    }


def _processor():
    """Return its name, where the system tells it: ratios differ between Intel's and AMD's."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {platform.machine()}" if names else platform.machine()


def main(name: str, cases, arguments, annotate=lambda case, rows: None) -> list[dict]:
    """Run the cases on this backend; their rows replace those in `results/NAME.json`.

    Args:
        name: Of the benchmark.
        cases: What can be run.
        arguments: `only` and `memory` from the command line.
        annotate: Takes a case and its rows, and may add to the rows.
    """
    names = [case.name for case in cases]
    cases = [case for case in cases if re.search(arguments.only, case.name)]
    if not cases:
        raise SystemExit(f"--only must match one of {', '.join(names)}; got {arguments.only!r}.")
    peaks = {case.name: peaks_of(case) for case in cases} if arguments.memory else {}
    heads = ("case", "backend", "jit", "mode", "keras ms", "ours ms", "ratio")
    print("{:44s} {:10s} {:5s} {:5s} {:>9s} {:>9s} {}".format(*heads))
    apart = {case.name: run_apart(case) for case in cases if getattr(case, "apart", False)}
    rows = []
    for case in cases:
        new = apart[case.name] if case.name in apart else run_case(case)
        annotate(case, new)
        rows += new
    for row in rows:
        if peaks and row["jit"] == modes()[0]:
            for side, column in (("keras", "baseline_peak_mb"), ("kerasdl", "ours_peak_mb")):
                row[column] = peaks[row["case"]][side].get(row["mode"])
    path = RESULTS / f"{name}.json"
    known = json.loads(path.read_text()) if path.is_file() else {"rows": []}
    measured = {(row["backend"], row["case"]) for row in rows}
    kept = [row for row in known["rows"] if (row["backend"], row["case"]) not in measured]
    content = {
        "command": f"make bench-{name}",
        **{key: v for key, v in known.items() if key not in ("rows", "command")},
        **machine(),
        "rows": kept + rows,
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"Written: {path.relative_to(Path.cwd())}")
    return rows


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
