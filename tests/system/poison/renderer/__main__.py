"""``python -m tests.system.poison.renderer``: the renderer, with defects."""

from unittest.mock import patch

from poseway_renderer import __main__ as service
from tests.system.poison import planted

if __name__ == "__main__":
    with patch("poseway_renderer.renderer.IsolatedRenderer", planted.IsolatedRenderer):
        service.main()
