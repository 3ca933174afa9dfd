"""``python -m poseway_tracker`` serves the tracker."""

import poseway.lifecycle.sigterm  # noqa: F401 # before all that takes long to import

# isort: split

from poseway import telemetry
from poseway.lifecycle.exit import leave
from poseway.rpc import server
from poseway_tracker.service import add_to
from poseway_tracker.settings import TrackerSettings


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = TrackerSettings()
    telemetry.start("tracker", settings)
    server.serve(settings, lambda server: add_to(server, settings))
    telemetry.stop()
    leave()


if __name__ == "__main__":
    main()
