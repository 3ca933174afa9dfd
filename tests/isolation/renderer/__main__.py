"""``python -m tests.isolation.renderer``: the renderer, with defects."""

from unittest.mock import patch

from services.renderer import __main__ as service
from tests.isolation import planted

if __name__ == "__main__":
    with patch("services.renderer.work.Inner", planted.Inner):
        service.main()
