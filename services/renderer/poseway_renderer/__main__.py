"""``python -m services.renderer``: serves until it is told to stop."""

import poseway.early  # noqa: F401 # before all that takes long to import

# isort: split

from poseway import isolation, rpc, telemetry
from poseway.isolation import Limits
from poseway.leaving import leave
from poseway.storage import ObjectStore
from services.renderer import inner
from services.renderer.encode import Encoding
from services.renderer.service import add_to
from services.renderer.settings import RendererSettings
from services.renderer.work import Renderer


def main() -> None:
    """Serves with the settings of the environment."""
    settings = RendererSettings()
    telemetry.start("renderer", settings)
    encoding = Encoding(
        settings.encoder_preset, settings.encoder_crf, threads=settings.codec_threads
    )
    limits = Limits(settings.decode_memory_mb << 20, settings.decode_seconds)
    renderer = Renderer(ObjectStore(settings), encoding, limits)
    isolation.prepare(inner.__name__)
    rpc.serve(settings, lambda server: add_to(server, renderer))
    isolation.clean_up()
    telemetry.stop()
    leave()


if __name__ == "__main__":
    main()
