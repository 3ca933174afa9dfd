"""``python -m poseway_renderer``: serves until it receives SIGTERM."""

import poseway.lifecycle.sigterm  # noqa: F401 # before all that takes long to import

# isort: split

from poseway import isolation
from poseway.isolation import Limits
from poseway.lifecycle.exit import leave
from poseway.rpc import server
from poseway.storage import ObjectStore
from poseway.telemetry.service import start_telemetry, stop_telemetry
from poseway_renderer import isolated
from poseway_renderer.media.encode import Encoding
from poseway_renderer.renderer import Renderer
from poseway_renderer.service import add_to
from poseway_renderer.settings import RendererSettings


def main() -> None:
    """Serves with the settings of the environment."""
    settings = RendererSettings()
    start_telemetry("renderer", settings)
    encoding = Encoding(
        settings.encoder_preset, settings.encoder_crf, threads=settings.codec_threads
    )
    limits = Limits(settings.decode_memory_mb << 20, settings.decode_seconds)
    renderer = Renderer(ObjectStore(settings), encoding, limits)
    isolation.prepare(isolated.__name__)
    server.serve(settings, lambda server: add_to(server, renderer))
    isolation.clean_up()
    stop_telemetry()
    leave()


if __name__ == "__main__":
    main()
