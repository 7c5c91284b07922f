import os

import pytest

from kerasdl.cli.quiet import quiet_start
from kerasdl.errors import InputError


def start(error):
    with quiet_start():
        os.write(2, b"TensorFlow starts\n")
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, InputError("no such file")])
def test_only_what_the_user_can_mend_is_left_to_tell(error, capfd):
    if error is None:
        start(error)
    else:
        with pytest.raises(InputError):
            start(error)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_start_that_failed_shows_its_lines(capfd):
    with pytest.raises(RuntimeError):
        start(RuntimeError("broken"))
    assert capfd.readouterr().err == "TensorFlow starts\n"
