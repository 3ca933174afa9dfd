"""``python -m tests.system.poison.dispatcher``: the dispatcher, with defects."""

import asyncio
from unittest.mock import patch

from poseway_gateway.dispatcher import __main__ as service
from tests.system.poison import planted

if __name__ == "__main__":
    with patch("poseway_gateway.dispatcher.frames.decoder._Work", planted.Work):
        asyncio.run(service.main())
