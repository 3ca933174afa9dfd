"""Builds each overlay once."""

import pytest

from tests.support.deploy.objects import OVERLAYS, Object, overlay


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    """Returns all objects of an overlay."""
    name: str = request.param
    return overlay(name)
