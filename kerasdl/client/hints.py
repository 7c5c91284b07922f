"""How to mend a predict request that does not fit the model's signature."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_REFUSED = ("HALF", "BFLOAT16", "UINT16", "COMPLEX64", "COMPLEX128")  # by the REST API
Spec = Mapping[str, Any]


def mend(signatures: Mapping[str, Mapping[str, Any]], name: str, in_rows: bool, values: Any) -> str:
    """Compare what was sent with what a model takes.

    Args:
        signatures: the signatures of the model, as its metadata gives them.
        name: name of the signature that was asked.
        in_rows: whether `values` are in row format.
        values: what was sent.

    Returns:
        What does not fit and how to change it; empty where nothing is amiss.

    Example:
        >>> x = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}, {"size": "28"}]}}
        >>> print(mend({"serving_default": {"inputs": {"x": x}}}, "serving_default", False,
        ...            np.zeros(28)))
        Input `x` takes float32 of shape (any, 28), received float64 of shape (28,): make it a batch
        of one with x[np.newaxis].
    """
    names = ", ".join(f"`{key}`" for key in signatures if not key.startswith("__"))
    if name not in signatures:
        return f"The model has no signature `{name}`; it has {names}."
    problems = _problems(signatures[name].get("inputs", {}), in_rows, values)
    if problems:
        for other, signature in signatures.items():
            inputs = signature.get("inputs")
            if other != name and inputs and not _problems(inputs, in_rows, values):
                problems.append(f'Signature `{other}` takes it: signature_name="{other}".')
    return "\n".join(problems)


def _problems(specs: Mapping[str, Spec], in_rows: bool, values: Any) -> list[str]:
    """One line for each input that does not fit."""
    columns = _columns(specs, in_rows, values)
    if isinstance(columns, str):
        return [columns]
    takes = ", ".join(f"`{key}` ({_words(spec)})" for key, spec in specs.items())
    if columns.keys() != specs.keys():
        received = ", ".join(f"`{key}`" for key in columns) or "none"
        return [f"The signature takes {takes}; received {received}."]
    found = (_problem(key, spec, columns[key], in_rows) for key, spec in specs.items())
    return [problem for problem in found if problem]


def _columns(specs: Mapping[str, Spec], in_rows: bool, values: Any) -> dict[str, Any] | str:
    """What was sent for each input, as one batch; a sentence if that cannot be told."""
    if not in_rows:
        if isinstance(values, Mapping):
            return dict(values)
        return dict.fromkeys(specs, values) if len(specs) == 1 else _name_them(specs)
    is_sequence = isinstance(values, (list, tuple)) or getattr(values, "shape", ())
    if not is_sequence or not len(values):
        return "`instances` must be a sequence with one element per example, at least one."
    if isinstance(values[0], Mapping):
        if not all(isinstance(row, Mapping) and row.keys() == values[0].keys() for row in values):
            return "Each of `instances` must be a dictionary with the same keys."
        return {key: [row[key] for row in values] for key in values[0]}
    return dict.fromkeys(specs, values) if len(specs) == 1 else _name_them(specs)


def _name_them(specs: Mapping[str, Spec]) -> str:
    takes = ", ".join(f"`{key}` ({_words(spec)})" for key, spec in specs.items())
    return f"The signature has several inputs; give a dictionary with {takes}."


def _problem(name: str, spec: Spec, value: Any, in_rows: bool) -> str:
    wanted = spec["dtype"].removeprefix("DT_")
    if wanted in _REFUSED:
        return f"Input `{name}` is {wanted.lower()}, which HTTP with JSON cannot carry."
    try:
        array = value if isinstance(value, np.ndarray) else np.asarray(_plain(value))
    except ValueError:  # ragged
        return (
            f"Input `{name}` takes {_words(spec)}; its examples are of different sizes. "
            "Pad them to one, or send them one by one."
        )
    received = f"received {_type_name(array)} of shape {_tuple(array.shape)}"
    takes = f"Input `{name}` takes {_words(spec)}, {received}"
    if fix := _fix_dtype(name, wanted, array):
        return f"{takes}: {fix}."
    shape = _shape(spec)
    if shape is None or _fits(array.shape, shape):
        return ""
    return f"{takes}: {_fix_shape(name, shape, array, in_rows)}."


def _plain(value: Any) -> Any:
    """Files and bytes as `bytes`: the shape counts, not what is in them."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return (
        b"" if hasattr(value, "__fspath__") or isinstance(value, (bytearray, memoryview)) else value
    )


def _fix_dtype(name: str, wanted: str, array: np.ndarray) -> str:
    kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(array.dtype.kind, "string")
    if array.dtype.name == "bfloat16":
        kind = "float"
    if wanted == "STRING":
        return "" if kind == "string" else "send text, or the bytes of a file such as a picture"
    if wanted == "BOOL":
        return "" if kind == "bool" else f"use {name} != 0"
    if kind == "string":
        return "send numbers"
    if kind == "bool":
        return f'use {name}.astype("{_numpy_name(wanted)}")'
    if wanted in ("FLOAT", "DOUBLE"):
        return ""
    if kind == "float":
        return f'use {name}.astype("{_numpy_name(wanted)}")'
    limits = np.iinfo(_numpy_name(wanted))
    if array.size and not limits.min <= array.min() <= array.max() <= limits.max:
        return f"values must lie between {limits.min} and {limits.max}"
    return ""


def _fix_shape(name: str, wanted: tuple, array: np.ndarray, in_rows: bool) -> str:
    one = (
        f"put the single example into a list, [{name}]"
        if in_rows
        else (f"make it a batch of one with {name}[np.newaxis]")
    )
    shape = array.shape
    candidates = [
        ((1, *shape), one),
        ((*shape, 1), f"add the last axis with {name}[..., np.newaxis]"),
        ((1, *shape, 1), f"add both axes with {name}[np.newaxis, ..., np.newaxis]"),
    ]
    if array.ndim > 2:
        moved = (shape[0], *shape[2:], shape[1])
        candidates.append((moved, f"put channels last with np.moveaxis({name}, 1, -1)"))
    if shape[-1:] == (1,):
        candidates.append((shape[:-1], f"leave out the last axis with {name}[..., 0]"))
    for candidate, words in candidates:
        if _fits(candidate, wanted):
            return words
    if array.size and wanted and None not in wanted[1:]:
        sizes = (len(array) if array.ndim else 1, *wanted[1:])
        if array.size == int(np.prod(sizes)) and _fits(sizes, wanted):
            return f"use {name}.reshape({_tuple(sizes)})"
    if len(shape) != len(wanted):
        return f"it must have {len(wanted)} axes, not {len(shape)}"
    axes = [
        f"axis {axis} must have size {size}, not {got}"
        for axis, (size, got) in enumerate(zip(wanted, shape, strict=True))
        if size not in (None, got)
    ]
    return ", ".join(axes)


def _shape(spec: Spec) -> tuple[int | None, ...] | None:
    shape = spec.get("tensor_shape", {})
    if shape.get("unknown_rank"):
        return None
    sizes = (int(dim["size"]) for dim in shape.get("dim", []))
    return tuple(None if size < 0 else size for size in sizes)


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size in (None, got) for size, got in zip(wanted, shape, strict=True)
    )


def _words(spec: Spec) -> str:
    shape = _shape(spec)
    text = "any shape" if shape is None else f"shape {_tuple(shape)}"
    return f"{_numpy_name(spec['dtype'].removeprefix('DT_'))} of {text}"


def _tuple(shape: tuple[int | None, ...]) -> str:
    return str(tuple("any" if size is None else size for size in shape)).replace("'", "")


def _numpy_name(dtype: str) -> str:
    return {"FLOAT": "float32", "DOUBLE": "float64", "HALF": "float16"}.get(dtype, dtype.lower())


def _type_name(array: np.ndarray) -> str:
    return "string" if array.dtype.kind in "OSU" else array.dtype.name
