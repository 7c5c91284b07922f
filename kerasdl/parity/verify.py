"""Run the proofs: which cases there are, one case, all cases in several processes."""

import contextlib
import functools
import importlib
import multiprocessing
import os
import pkgutil
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from types import SimpleNamespace

import keras
import numpy as np

from kerasdl.backend import forget_compiled, products_in_full_precision
from kerasdl.errors import InputError
from kerasdl.parity import cases as rooms
from kerasdl.parity import functions, initializers, layer_models, layers, optimizers
from kerasdl.parity.case import (
    Case,
    CustomCase,
    FunctionCase,
    InitializerCase,
    LayerCase,
    OptimizerCase,
    has_counterpart,
)
from kerasdl.parity.result import Check, Row
from kerasdl.parity.symbols import public

# Of each kind: what holds the case, and the checks, each with the name by which a case skips it.
CHECKS = {
    LayerCase: (
        layers.LayerProof,
        {
            "numbers": layers.check_numbers,
            "finite differences": layers.check_finite_differences,
            "weights": layers.check_weights,
            "draws": layers.check_draws,
            "config": layer_models.check_config,
            "modes": layer_models.check_modes,
            "dynamic sizes": layer_models.check_dynamic,
            ".keras": layer_models.check_file,
            "SavedModel": layer_models.check_saved_model,
        },
    ),
    FunctionCase: (
        functions.FunctionProof,
        {
            "numbers": functions.check_function_numbers,
            "finite differences": functions.check_function_finite_differences,
            "modes": functions.check_function_modes,
            "config": functions.check_object_config,
        },
    ),
    InitializerCase: (
        lambda case: case,
        {
            "values": initializers.check_values,
            "moments": initializers.check_moments,
            "dtype": initializers.check_dtype,
            "variable": initializers.check_layer_takes_it,
            "config": lambda case: functions.check_object_config(SimpleNamespace(case=case)),
        },
    ),
    OptimizerCase: (
        lambda case: case,
        {
            "path": optimizers.check_path,
            "state": optimizers.check_state,
            "training steps": optimizers.check_training,
            ".keras": optimizers.check_optimizer_file,
            "config": optimizers.check_optimizer_config,
        },
    ),
    CustomCase: (lambda case: case, {"all": lambda case: case.run()}),
}


@functools.cache
def all_cases() -> dict[str, Case]:
    """Every case, by name.

    Raises:
        ValueError: If two cases have the same name.
    """
    found: dict[str, Case] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(rooms.__path__)):
        for case in importlib.import_module(f"{rooms.__name__}.{module}").CASES:
            if case.name in found:
                raise ValueError(f"Two cases are named {case.name!r}; give one a `label`.")
            found[case.name] = case
    return found


def select(pattern: str | None = None) -> list[str]:
    """Names of the cases, and of public symbols without one, that match a regular expression.

    Args:
        pattern: Searched for in the name, e.g. "layers.(LSTM|GRU)"; `None` for all.

    Raises:
        InputError: If the pattern is no regular expression or matches nothing.
    """
    proven = {case.symbol for case in all_cases().values()}
    names = sorted([*all_cases(), *(symbol for symbol in public() if symbol not in proven)])
    if pattern is None:
        return names
    try:
        chosen = [name for name in names if re.search(pattern, name)]
    except re.error as error:
        raise InputError(
            f"PATTERN must be a regular expression, received {pattern!r}: {error}"
        ) from None
    if not chosen:
        raise InputError(
            f"No public symbol matches {pattern!r}; `kerasdl verify --list` shows all."
        )
    return chosen


@products_in_full_precision()
def prove(name: str) -> Row:
    """Run all checks of one case. An exception in a check fails that check."""
    case = all_cases().get(name)
    if case is None:
        missing = Check("case", np.inf, 0.0, "no case in kerasdl/parity/cases")
        return Row(name, baseline="nothing", checks=[missing])
    started = time.perf_counter()
    holder, checks = CHECKS[type(case)]
    row = Row(name, baseline=_baseline(case), skipped=dict(case.skip))
    try:
        proof = holder(case)
    except Exception as error:
        row.checks.append(Check("case", np.inf, 0.0, _sentence(error)))
        return row
    for what, check in checks.items():
        if what in case.skip:
            continue
        keras.utils.set_random_seed(0)
        try:
            row.checks.extend(check(proof))
        except Exception as error:
            row.checks.append(Check(what, np.inf, 0.0, _sentence(error)))
        keras.backend.clear_session()
    forget_compiled()
    row.seconds = time.perf_counter() - started
    return row


def _baseline(case: Case) -> str:
    if isinstance(case, CustomCase):
        return case.against
    wrong_throughout = {"all", keras.backend.backend()} & set(case.builtin_is_wrong)
    if not has_counterpart(case.symbol) or wrong_throughout:
        return "NumPy"
    return "keras"


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:400]}"


def prove_all(names: list[str], processes: int = 1) -> Iterator[Row]:
    """Prove cases, yielding each row when it is done.

    Args:
        names: Of `select`.
        processes: How many run side by side, each with its own backend.
    """
    if processes == 1 or len(names) == 1:
        yield from map(prove, names)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        with _stderr_discarded():  # the children inherit it: start-up lines of the backends
            futures = {pool.submit(prove, name): name for name in names}
        for future in as_completed(futures):
            try:
                yield future.result()
            except Exception as error:  # the process died
                yield Row(futures[future], checks=[Check("case", np.inf, 0.0, _sentence(error))])


@contextlib.contextmanager
def _stderr_discarded() -> Iterator[None]:
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
