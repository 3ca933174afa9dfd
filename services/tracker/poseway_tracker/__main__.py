"""``python -m poseway_tracker`` serves the tracker."""

import poseway.lifecycle.sigterm  # noqa: F401 # first, because the other imports take long

# isort: split

from poseway.lifecycle.exit import leave
from poseway.rpc import server
from poseway.telemetry.service import start_telemetry, stop_telemetry
from poseway_tracker.service import add_to
from poseway_tracker.settings import TrackerSettings


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = TrackerSettings()
    start_telemetry("tracker", settings)
    server.serve(settings, lambda server: add_to(server, settings))
    stop_telemetry()
    leave()


if __name__ == "__main__":
    main()
