"""``python -m services.tracker`` serves the tracker."""

import poseway.early  # noqa: F401 # before all that takes long to import

# isort: split

from poseway import rpc, telemetry
from poseway.leaving import leave
from services.tracker.service import add_to
from services.tracker.settings import TrackerSettings


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = TrackerSettings()
    telemetry.start("tracker", settings)
    rpc.serve(settings, lambda server: add_to(server, settings))
    telemetry.stop()
    leave()


if __name__ == "__main__":
    main()
