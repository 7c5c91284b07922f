import pytest
from grpc_calls import listening, stub_of

from kerasdl.server.models import ModelStore
from kerasdl.server.versions import models_in


@pytest.fixture(scope="package")
def store(served_models):
    store = ModelStore(lambda: models_in(served_models))
    store.rescan()
    yield store
    store.stop()


@pytest.fixture(scope="package")
def channel(store):
    with listening(store, max_elements=1000) as channel:
        yield channel


@pytest.fixture
def prediction(channel):
    return stub_of(channel)
