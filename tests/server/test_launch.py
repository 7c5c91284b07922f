import socket

import pytest

from kerasdl.errors import InputError
from kerasdl.server import serve
from kerasdl.server.launch import bind, check_model_dir, ready_line


def test_model_dir_is_missing(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"):
        serve(tmp_path / "nowhere")


def test_model_dir_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        serve(tmp_path / "file")


def test_model_dir_without_models(tmp_path):
    with pytest.raises(InputError, match=r"holds no model. Expected <name>/<version>/saved_model"):
        serve(tmp_path)


def test_model_dir_one_or_two_levels_too_deep(served_models):
    assert check_model_dir(served_models) == served_models
    with pytest.raises(InputError, match=f"serve the folder above it, {served_models}"):
        check_model_dir(served_models / "two_io")
    with pytest.raises(InputError, match="serve the folder two levels above it"):
        check_model_dir(served_models / "two_io" / "1")


def test_no_model_can_be_loaded(tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    with pytest.raises(InputError, match="could be loaded: m version 1: Specified file path"):
        serve(tmp_path, port=0)


def test_port_in_use(served_models):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"Port {port} of 127.0.0.1 is in use"):
            serve(served_models, port=port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_port_out_of_range(served_models, port):
    with pytest.raises(InputError, match=f"between 0 and 65535, received {port}"):
        serve(served_models, port=port)


def test_host_of_another_machine(served_models):
    with pytest.raises(InputError, match=r"192\.0\.2\.1"):
        serve(served_models, host="192.0.2.1", port=0)


def test_poll_seconds_must_be_positive(served_models):
    with pytest.raises(InputError, match="`poll_seconds` must be positive, received 0"):
        serve(served_models, poll_seconds=0)


def test_port_0_takes_a_free_one():
    with bind("127.0.0.1", 0) as one, bind("127.0.0.1", 0) as other:
        assert one.getsockname()[1] != other.getsockname()[1] != 0


def testready_line():
    line = ready_line("http://127.0.0.1:8501", {"a": [1, 2], "b": [7]})
    assert line == "kerasdl: serving at http://127.0.0.1:8501 : a (version 1, 2), b (version 7)"
