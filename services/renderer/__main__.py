"""``python -m services.renderer``: serves until it is told to stop."""

import poseway.early  # noqa: F401 # before all that takes long to import

# isort: split

import cv2

from poseway import rpc, telemetry
from poseway.leaving import leave
from poseway.storage import ObjectStore
from services.renderer.encode import Encoding
from services.renderer.service import add_to
from services.renderer.settings import RendererSettings
from services.renderer.work import Renderer


def main() -> None:
    """Serves with the settings of the environment."""
    # Segments are rendered side by side: OpenCV's own threads would only fight for the cores.
    cv2.setNumThreads(1)
    settings = RendererSettings()
    telemetry.start("renderer", settings)
    encoding = Encoding(
        settings.encoder_preset, settings.encoder_crf, threads=settings.codec_threads
    )
    renderer = Renderer(ObjectStore(settings), encoding)
    rpc.serve(settings, lambda server: add_to(server, renderer))
    telemetry.stop()
    leave()


if __name__ == "__main__":
    main()
