"""Without an endpoint for traces, their settings and libraries do not matter."""

import os
import subprocess
import sys

CODE = """
import sys
from poseway.telemetry import client, server, traces
with traces.tracer.start_as_current_span("work") as span:
    assert not span.is_recording()
    assert traces.headers() == {}
assert traces.parent([("traceparent", f"00-{'1' * 32}-{'2' * 16}-01")]) is None
print({"opentelemetry.sdk", "opentelemetry.propagate"} & sys.modules.keys())
"""


def test_settings_of_propagators_are_not_read() -> None:
    env = os.environ | {"OTEL_PROPAGATORS": "tracecontext,not-installed"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
