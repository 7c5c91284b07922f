from pathlib import Path

import pytest

from kerasdl.errors import InputError
from kerasdl.server import flags


def test_folder_with_its_port():
    settings = flags.parse(["served", "--port", "9000", "--poll-seconds", "3"])
    assert settings.model_dir == Path("served")
    assert (settings.rest_api_port, settings.port) == (9000, None)
    assert settings.file_system_poll_wait_seconds == 3
    assert (settings.host, settings.batching, settings.token) == ("127.0.0.1", None, None)


def test_as_tf_serving_is_started():
    settings = flags.parse(
        [
            "--port=8500",
            "--rest_api_port=9001",
            "--model_name=m",
            "--model_base_path=/models/m",
            "--enable_batching",
            "--rest_api_timeout_in_ms=200",
            "--max_num_load_retries=0",
            "--allow_version_labels_for_unavailable_models=true",
        ]
    )
    assert (settings.port, settings.rest_api_port) == (8500, 9001)
    assert (settings.model_name, settings.model_base_path) == ("m", Path("/models/m"))
    assert settings.batching.max_batch_size == 1000
    assert settings.rest_api_timeout_in_ms == 200
    assert settings.allow_version_labels_for_unavailable_models


def test_batching_parameters(tmp_path):
    file = tmp_path / "batching"
    file.write_text("max_batch_size { value: 64 } allowed_batch_sizes: 64")
    arguments = ["d", "--enable_batching=true", f"--batching_parameters_file={file}"]
    batching = flags.parse(arguments).batching
    assert (batching.max_batch_size, batching.allowed_batch_sizes) == (64, (64,))
    assert batching.max_enqueued_batches == 10
    with pytest.raises(InputError, match="set without `enable_batching`"):
        flags.parse(["d", f"--batching_parameters_file={file}"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "exactly one of DIR"),
        (["d", "--model_base_path=/m"], "exactly one of DIR"),
        (["d", "--rest_api_timeout_in_ms=abc"], "rest_api_timeout_in_ms: invalid int value: 'abc'"),
        (["d", "--foo=1"], "unrecognized arguments: --foo=1"),
        (["d", "--enable_batching=perhaps"], "must be true or false, received 'perhaps'"),
        (["d", "--workers=0"], "`workers` must be positive"),
        (["d", "--tls_key=k"], "go together"),
    ],
)
def test_faulty_flags(arguments, message):
    with pytest.raises(InputError, match=message):
        flags.parse(arguments)


def test_token_comes_from_a_file_or_the_environment_and_is_never_shown(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("secret\n")
    settings = flags.parse(["d", f"--token-file={tmp_path / 'token'}"])
    assert settings.token == "secret"
    assert "secret" not in repr(settings)
    monkeypatch.setenv(flags.TOKEN_VARIABLE, "other")
    assert flags.parse(["d"]).token == "other"
    (tmp_path / "token").write_text("")
    with pytest.raises(InputError, match="token is empty"):
        flags.parse(["d", f"--token_file={tmp_path / 'token'}"])


def test_every_limit_has_a_flag():
    settings = flags.parse(["d", "--max_body_bytes=10", "--max_head_seconds=1.5"])
    assert (settings.limits.body_bytes, settings.limits.head_seconds) == (10, 1.5)
