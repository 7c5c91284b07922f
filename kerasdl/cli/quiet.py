"""TensorFlow's start-up lines stay off the terminal of the command line."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from kerasdl.errors import InputError


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what is written to standard error while TensorFlow is being imported.

    Its C++ core prints a dozen lines before it reads any log level. When the block fails, they are
    printed after all, unless the input is at fault: its message must not drown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what the user set wins
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except BaseException:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
