"""A pytest plugin that runs Keras' own tests with kerasdl's classes in the place of Keras'.

Keras' test modules are imported as they are. What they see of Keras is changed in two ways: while a
test module is imported, every name of Keras that kerasdl offers leads to ours (so that parameters
of tests are ours too); after it, the modules in its globals are replaced by views that do the
same. Keras itself is left alone: our layer runs inside Keras' own models, savers and trainers.
"""

import contextlib
import fnmatch
import functools
import os
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import keras
import pytest
from offered import offered

REPLACED = {id(theirs): ours for theirs, ours in offered().values()}
LEFT_OUT_LIMIT = 0.1
_touched = False


class View(ModuleType):
    """A Keras module as seen through our import line."""

    def __init__(self, module):
        super().__init__(module.__name__, module.__doc__)
        self.__dict__["_viewed"] = module

    def __getattr__(self, name):
        return seen(getattr(self._viewed, name))

    def __setattr__(self, name, value):  # unittest.mock patches the real module
        setattr(self._viewed, name, value)

    def __delattr__(self, name):
        delattr(self._viewed, name)

    def __dir__(self):
        return dir(self._viewed)


def seen(value):
    """Return ours for what we offer, a view for a module of Keras, else the value itself."""
    global _touched
    if id(value) in REPLACED:
        _touched = True
        return REPLACED[id(value)]
    if isinstance(value, ModuleType) and value.__name__.split(".")[0] == "keras":
        return View(value)
    return value


@contextlib.contextmanager
def ours_everywhere():
    """Let every attribute of a Keras module that holds a class of ours hold ours instead."""
    changed = []
    for name, module in list(sys.modules.items()):
        if not name.startswith("keras") or name.endswith("_test") or isinstance(module, View):
            continue
        for attribute, value in list(vars(module).items()):
            if id(value) in REPLACED:
                changed.append((module, attribute, value))
                setattr(module, attribute, REPLACED[id(value)])
    try:
        yield
    finally:
        for module, attribute, value in changed:
            setattr(module, attribute, value)


def _conftest() -> ModuleType:
    """Stand in for the `conftest` of Keras' repository, which the wheel leaves out."""
    module = ModuleType("conftest")
    module.skip_if_backend = lambda name, reason: pytest.mark.skipif(
        keras.backend.backend() == name, reason=reason
    )
    return module


sys.modules.setdefault("conftest", _conftest())


class SubstitutedModule(pytest.Module):
    """A test module of Keras that sees our classes."""

    def _getobj(self):
        with ours_everywhere():
            module = super()._getobj()
        ours = {id(value) for value in REPLACED.values()}
        # Imported by name, or held in a table of parameters.
        held = keras.tree.flatten([v for v in vars(module).values() if _is_plain(v)])
        module._kerasdl_direct = any(id(value) in ours for value in held)
        for name, value in list(vars(module).items()):
            if not name.startswith("__") and isinstance(value, ModuleType):
                setattr(module, name, seen(value))
        return module


def _is_plain(value) -> bool:
    return callable(value) or isinstance(value, list | tuple | dict)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path, parent):
    return SubstitutedModule.from_parent(parent, path=module_path)


def _left_out():
    with (Path(__file__).parent / "left_out.toml").open("rb") as file:
        entries = tomllib.load(file).get("test", [])
    for entry in entries:
        if set(entry) - {"name", "reason", "backends"} or not entry.get("reason"):
            raise pytest.UsageError(f"left_out.toml: a name and a reason are needed, got {entry}")
    return [e for e in entries if keras.backend.backend() in e.get("backends", _BACKENDS)]


_BACKENDS = ("tensorflow", "jax", "torch")


def pytest_collection_modifyitems(items):
    # With `--left-out` they are run and must fail: an entry that is no longer needed shows.
    mark = pytest.mark.skip
    if os.environ.get("KERASDL_RUN_LEFT_OUT"):
        mark = functools.partial(pytest.mark.xfail, strict=True)
    left_out = _left_out()
    for item in items:
        entry = next((e for e in left_out if fnmatch.fnmatchcase(item.nodeid, e["name"])), None)
        if entry is not None:
            item.add_marker(mark(reason=f"left out by {entry['name']!r}: {entry['reason']}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    global _touched
    _touched = item.module._kerasdl_direct
    try:
        return (yield)
    finally:
        item.user_properties.append(("ours", _touched))


_LEFT_OUT_BY = re.compile(r"left out by '([^']*)'")


def counts(terminal) -> tuple[Counter, Counter]:
    """Count the results of tests that met something of ours, and what each entry leaves out."""
    result, by_entry = Counter(), Counter()
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in terminal.stats.get(outcome, []):
            if outcome == "skipped":
                entry = _LEFT_OUT_BY.search(str(report.longrepr))
                result["left out" if entry else "skipped by Keras"] += 1
                if entry:
                    by_entry[entry.group(1)] += 1
            elif outcome in ("failed", "error") or dict(report.user_properties).get("ours"):
                result[outcome] += 1
            else:
                result["not ours"] += 1
    return result, by_entry


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    c, by_entry = counts(terminalreporter)
    ran = c["passed"] + c["failed"] + c["error"] + c["xfailed"] + c["xpassed"]
    share = c["left out"] / max(1, ran + c["left out"])
    terminalreporter.section("Keras' own tests with kerasdl's classes in place of theirs")
    terminalreporter.write_line(
        f"{keras.backend.backend()}: {ran} ran, {c['passed']} passed, "
        f"{c['failed'] + c['error']} failed, {c['left out']} left out ({share:.1%}; "
        f"tests/keras_suite/left_out.toml says why), {c['skipped by Keras']} skipped by Keras "
        f"itself, {c['not ours']} in the same files met nothing of ours (not counted)"
    )
    for entry, count in sorted(by_entry.items(), key=lambda pair: -pair[1]):
        terminalreporter.write_line(f"{count:4} left out by {entry}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or hasattr(session.config, "workerinput"):
        return
    c, _ = counts(terminal)
    ran = c["passed"] + c["failed"] + c["error"]
    if exitstatus == 0 and c["left out"] > LEFT_OUT_LIMIT * (ran + c["left out"]):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
