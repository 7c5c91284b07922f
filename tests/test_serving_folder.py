"""`serving/` is for the real TF Serving; here is checked what can be without it."""

import re
import shlex
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

SERVING = Path(__file__).parents[1] / "serving"


def test_models_config_is_what_tf_serving_reads():
    text = (SERVING / "models.config").read_text()
    (model,) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert (model.name, model.model_platform) == ("vit_digits", "tensorflow")
    assert model.base_path.startswith("/models/")  # TF Serving refuses relative paths
    assert model.model_version_policy.HasField("all")


def test_compose_file_mounts_what_models_config_names():
    text = (SERVING / "docker-compose.yml").read_text()
    assert ":/models:ro" in text
    assert "--model_config_file=/config/models.config" in text
    assert "./models.config:/config/models.config:ro" in text
    assert re.findall(r'"(.*:8501:8501)"', text) == ["127.0.0.1:8501:8501"]


def test_shell_calls_in_the_readme_are_well_formed():
    blocks = re.findall(r"```sh\n(.*?)```", (SERVING / "README.md").read_text(), re.S)
    assert len(blocks) >= 6
    for block in blocks:
        shlex.split(block)  # quotes are balanced
        for url in re.findall(r"http://\S+", block):
            assert url.startswith("http://127.0.0.1:8501/v1/models/vit_digits")
