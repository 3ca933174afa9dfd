"""Each overlay is built once."""

import pytest

from tests.support.deploy.objects import OVERLAYS, Object, overlay


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    """All objects of an overlay."""
    name: str = request.param
    return overlay(name)
