"""Fixtures that several rooms share."""

import pytest
from hypothesis import settings

# A busy machine is no failure: the time of one example is not what the properties are about.
settings.register_profile("kerasdl", deadline=None)
settings.load_profile("kerasdl")


@pytest.fixture(scope="session")
def served_models(tmp_path_factory):
    """Folder with the small models of `serving_models`."""
    from serving_models import save_all

    return save_all(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def server_url(served_models):
    """URL of a server, in this process, for the small models of `serving_models`."""
    from serving_models import serving

    with serving(served_models) as (url, _):
        yield url
