"""Run Keras' own tests of what kerasdl offers: `python tests/keras_suite [PATTERN] [-- …]`."""

import argparse
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/keras_suite", description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="regex, e.g. 'layers.(Dense|ReLU)$'")
    parser.add_argument("--list", action="store_true", help="only say which files cover what")
    parser.add_argument(
        "--left-out", action="store_true", help="run what left_out.toml leaves out: it must fail"
    )
    given = sys.argv[1:]
    split = given.index("--") if "--" in given else len(given)
    arguments, for_pytest = parser.parse_args(given[:split]), given[split + 1 :]
    if arguments.left_out:
        os.environ["KERASDL_RUN_LEFT_OUT"] = "1"
    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    # The processes that pytest-xdist starts need the plugin on their path as well.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here), os.environ.get("PYTHONPATH", "")])

    import pytest
    from offered import SOURCE, offered, shared_files, test_file

    names = {n: pair for n, pair in offered().items() if re.search(arguments.pattern, n)}
    files: dict = {}
    for name, (theirs, _) in names.items():
        files.setdefault(test_file(theirs), []).append(name)
    untested = files.pop(None, [])
    if not arguments.pattern:
        files |= shared_files(names)
    if arguments.list or not files:
        for file, covered in sorted(files.items()):
            print(f"{file.relative_to(SOURCE)}: {', '.join(covered)}")
        print(f"without a test file of their own: {', '.join(untested) or 'none'}")
        return 0 if files else 2
    return pytest.main(
        [
            "-p",
            "plugin",
            "-q",
            "--collect-in-virtualenv",
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            f"--rootdir={SOURCE}",
            "-c",
            str(here / "pytest.ini"),
            *for_pytest,
            *map(str, sorted(files)),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
