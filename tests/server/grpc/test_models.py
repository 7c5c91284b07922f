"""A stock client asks for the status of models, and for others."""

import numpy as np
import pytest
from grpc_calls import SECONDS, listening, refusal, request_for, stub_of
from serving_models import save_scale
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)

from kerasdl.server.models import ModelStore
from kerasdl.server.versions import models_in

X = np.float32([1])


@pytest.fixture
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def test_status(models):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "half_plus_two"
    (found,) = models.GetModelStatus(request, SECONDS).model_version_status
    assert (found.version, found.state, found.status.error_code) == (123, found.AVAILABLE, 0)
    request.model_spec.version.value = 9
    refused = refusal(models.GetModelStatus, request)
    assert refused == ("NOT_FOUND", "Could not find version 9 of model half_plus_two")
    request.model_spec.name = "nope"
    request.model_spec.ClearField("version")
    refused = refusal(models.GetModelStatus, request)
    assert refused == ("NOT_FOUND", "Could not find any versions of model nope")


def reload_of(*models):
    request = model_management_pb2.ReloadConfigRequest()
    for name, path in models:
        request.config.model_config_list.config.add(
            name=name, base_path=str(path), model_platform="tensorflow"
        )
    return request


@pytest.fixture
def two_models(tmp_path):
    """A folder with two models, a stub for each of the services on it, and one model elsewhere."""
    folder = tmp_path / "served"
    for name, factor in [("double", 2.0), ("triple", 3.0)]:
        save_scale(folder / name / "1", factor)
    save_scale(tmp_path / "elsewhere" / "1", 4.0)
    store = ModelStore(lambda: models_in(folder))
    store.rescan()
    with listening(store, folders=[folder]) as channel:
        yield folder, stub_of(channel), model_service_pb2_grpc.ModelServiceStub(channel)
    store.stop()


def test_reload(two_models):
    folder, prediction, models = two_models
    ask = models.HandleReloadConfigRequest
    assert ask(reload_of(("other", folder / "double")), SECONDS).status.error_code == 0
    assert prediction.Predict(request_for("other", x=X), SECONDS).outputs["y"].float_val == [2.0]
    assert refusal(prediction.Predict, request_for("triple", x=X))[0] == "NOT_FOUND"


def test_reload_tells_what_did_not_become_available(two_models):
    folder, prediction, models = two_models
    request = reload_of(("double", folder / "double"), ("none", folder / "none"))
    code, text = refusal(models.HandleReloadConfigRequest, request)
    assert (code, text) == ("UNKNOWN", "1 servable(s) did not become available: {none}")
    assert prediction.Predict(request_for("double", x=X), SECONDS).outputs


def test_reload_stays_in_the_given_folders(two_models):
    folder, prediction, models = two_models
    (folder / ".link").symlink_to(folder.parent / "elsewhere")
    for path in (folder.parent / "elsewhere", folder / ".." / "elsewhere", "/", folder / ".link"):
        code, text = refusal(models.HandleReloadConfigRequest, reload_of(("m", path)))
        assert code == "PERMISSION_DENIED"
        assert "outside of the folders" in text
    for request in (reload_of(("m", "relative")), model_management_pb2.ReloadConfigRequest()):
        assert refusal(models.HandleReloadConfigRequest, request)[0] == "INVALID_ARGUMENT"
    assert prediction.Predict(request_for("triple", x=X), SECONDS).outputs
