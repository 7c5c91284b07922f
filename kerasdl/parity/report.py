"""The proof as a table on the terminal, a page and a JSON file."""

import json
import math
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import keras
from rich.table import Table

from kerasdl.files import write_text
from kerasdl.parity.result import Check, Row

_PACKAGES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
_COLUMNS = {
    "forward float64": "forward 64",
    "gradient float64": "gradient 64",
    "finite differences": "finite diff.",
    "forward float32": "forward 32",
    "gradient float32": "gradient 32",
    "forward bfloat16": "forward bf16",
    "gradient bfloat16": "gradient bf16",
}


def backend_name() -> str:
    """Name and version of the backend, e.g. "JAX 0.10.2"."""
    name = keras.backend.backend()
    return f"{_PACKAGES[name]} {version(name)}"


def number(value: float | None) -> str:
    """Write an error: "0", "3e-16", "not equal" for one that could not be measured.

    Example:
        >>> number(0.0), number(3.21e-16), number(float("inf")), number(None)
        ('0', '3.2e-16', 'not equal', '')
    """
    if value is None:
        return ""
    if not math.isfinite(value):
        return "not equal"
    return "0" if value == 0 else f"{value:.1e}"


def others(row: Row) -> str:
    """Names of the checks that have no column of their own."""
    names = dict.fromkeys(check.name for check in row.checks)
    return ", ".join(name for name in names if name not in _COLUMNS)


def table(rows: Sequence[Row]) -> Table:
    """The table of the terminal: symbol, what was checked, largest error, tolerance, verdict."""
    result = Table(
        title=f"Against Keras {keras.__version__} on {backend_name()}", title_justify="left"
    )
    for heading in ("symbol", "against", "checks"):
        result.add_column(heading, overflow="fold")
    for heading in ("largest error", "tolerance", "of check", "verdict"):
        result.add_column(heading, overflow="fold")
    for row in sorted(rows, key=lambda r: r.name):
        nearest = row.nearest or Check("none", math.inf, 0.0)
        result.add_row(
            row.name,
            row.baseline,
            str(len(row.checks)),
            number(nearest.error),
            number(nearest.tolerance),
            nearest.name,
            "[green]equal[/]" if row.passed else "[red]FAILED[/]",
        )
    return result


def failures(rows: Sequence[Row]) -> list[str]:
    """One line for each failed check."""
    return [
        f"{row.name}: {check.name}: {number(check.error)} (tolerance {number(check.tolerance)}) "
        f"{check.note}".rstrip()
        for row in sorted(rows, key=lambda r: r.name)
        for check in row.checks
        if not check.passed
    ]


def summary(rows: Sequence[Row]) -> str:
    """One sentence: rows, symbols, checks, failures."""
    failed = sum(not row.passed for row in rows)
    symbols = len({row.name.split(" (")[0] for row in rows})
    checks = sum(len(row.checks) for row in rows)
    return f"{len(rows)} rows for {symbols} symbols, {checks} checks on {backend_name()}: " + (
        "all pass" if not failed else f"{failed} rows FAILED"
    )


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write every check of every row."""
    content = {
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "version": version(keras.backend.backend()),
        "rows": [row.as_dict() for row in sorted(rows, key=lambda r: r.name)],
    }
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


_INTRODUCTION = """\
# Parity

Written by `kerasdl verify`; do not edit. Each row is a public symbol beside Keras' built-in, or,
where Keras has none, beside a plain NumPy loop in float64. Errors are the largest difference over
the largest value (or over 1, if that is larger) of any output or gradient, over training and
inference, with and without masks. The tolerances and their reasons are in
`kerasdl/parity/tolerances.py`.
"""


def page_section(rows: Sequence[Row]) -> str:
    """The part of the page for this backend."""
    heads = ["symbol", "against", *_COLUMNS.values(), "also equal", "verdict"]
    lines = [
        f"## {_PACKAGES[keras.backend.backend()]}",
        "",
        f"Keras {keras.__version__}. {summary(rows)}. "
        f"`kerasdl verify --backend {keras.backend.backend()}`",
        "",
        f"| {' | '.join(heads)} |",
        f"| {' | '.join('---' for _ in heads)} |",
    ]
    for row in sorted(rows, key=lambda r: r.name):
        cells = [
            f"`{row.name.split(' (')[0]}`" + row.name[len(row.name.split(" (")[0]) :],
            row.baseline,
            *(number(row.error(name)) for name in _COLUMNS),
            others(row),
            "equal" if row.passed else "**FAILED**",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    reasons = sorted({f"{what}: {why}" for row in rows for what, why in row.skipped.items()})
    if reasons:
        lines += ["", "Not checked, where it makes no sense:", "", *(f"- {r}" for r in reasons)]
    return "\n".join(lines) + "\n"


def write_page(rows: Sequence[Row], path: Path) -> None:
    """Put this backend's section into the page; those of the others stay."""
    old = path.read_text() if path.is_file() else ""
    sections = dict(
        re.findall(r"^(## (?:TensorFlow|JAX|PyTorch))\n(.*?)(?=^## |\Z)", old, re.M | re.S)
    )
    sections = {head: f"{head}\n{body}".strip() + "\n" for head, body in sections.items()}
    own = page_section(rows)
    sections[own.splitlines()[0]] = own
    order = [f"## {name}" for name in _PACKAGES.values() if f"## {name}" in sections]
    write_text(path, "\n".join([_INTRODUCTION, *(sections[head] for head in order)]))
