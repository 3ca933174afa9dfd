"""One trace holds all work for a job in all services."""

import os
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from poseway.client import Client
from poseway.paths import ROOT
from tests.support.paths import python_path
from tests.system.telemetry.collector import Collector, ReceivedSpan, collecting
from tests.system.telemetry.watched import WatchedStack, environment

SERVER, CLIENT, CONSUMER = 2, 3, 5


def of_job(spans: list[ReceivedSpan], job_id: str) -> list[ReceivedSpan]:
    """Spans of the traces that name a job."""
    named = {span.trace for span in spans if span.attributes.get("job_id") == job_id}
    return [span for span in spans if span.trace in named]


def wait_for_end(collector: Collector, job_id: str, deliveries: int = 1) -> list[ReceivedSpan]:
    """Waits for a job's last delivery to end and returns its spans. Children end earlier."""

    def over(spans: list[ReceivedSpan]) -> bool:
        found = of_job(spans, job_id)
        jobs = [span for span in found if span.name == "job"]
        return len(jobs) >= deliveries and any(span.name.startswith("HTTP") for span in found)

    collector.wait(over)
    return of_job(collector.settled(1.5), job_id)


@pytest.mark.essential
def test_a_trace_holds_the_whole_job(collector: Collector, done: str) -> None:
    spans = wait_for_end(collector, done)
    by_id = {span.id: span for span in spans}
    assert len({span.trace for span in spans}) == 1
    assert {span.service for span in spans} == {
        *("api", "dispatcher", "inference", "tracker", "renderer")
    }
    (request,) = [span for span in spans if not span.parent]
    assert (request.service, request.kind) == ("api", SERVER)
    assert request.attributes == {"method": "POST", "route": "/v1/jobs", "status": 201}
    (job,) = [span for span in spans if span.name == "job"]
    assert (job.service, job.parent, job.kind) == ("dispatcher", request.id, CONSUMER)
    wanted = {"job_id": done, "attempt": 1, "delivery": 1, "state": "succeeded", "frames": 75}
    assert wanted.items() <= job.attributes.items()
    segments = [span for span in spans if span.name == "segment"]
    assert {span.parent for span in segments} == {job.id}
    assert [span.attributes["segment"] for span in segments] == [0, 1, 2]
    assert [span.attributes["frames"] for span in segments] == [30, 30, 15]
    for span in spans:
        # Every span of a service is the child of a call by the dispatcher.
        if span.service in ("inference", "tracker", "renderer"):
            caller = by_id[span.parent]
            assert (caller.service, caller.kind, span.kind) == ("dispatcher", CLIENT, SERVER)
            assert caller.name == span.name
            assert caller.began <= span.began
        if span.name in ("inference", "tracking", "rendering"):
            assert by_id[span.parent] in segments
        if span.name in ("joining", "publishing"):
            assert span.parent == job.id
        assert not span.failed
    names = [span.name for span in spans if span.service == "dispatcher"]
    assert names.count("inference") == names.count("InferenceService/EstimatePoses") == 20
    assert names.count("tracking") == names.count("rendering") == len(segments)
    assert names.count("joining") == names.count("publishing") == 1


def test_spans_go_to_the_standard_path(collector: Collector, done: str) -> None:
    assert done
    collector.wait(lambda spans: bool(spans))
    assert collector.paths == {"/v1/traces"}


def test_second_delivery_belongs_to_the_same_trace(
    collector: Collector, watched: WatchedStack, sample: Path
) -> None:
    with Client(watched.gateway_url) as client:
        job_id = client.submit(sample).id
        while client.job(job_id).progress.frames_done < 40:
            time.sleep(0.05)
        # It hands its job back and sends its spans before it ends. The launcher restarts it.
        os.kill(watched.pid("dispatcher"), signal.SIGTERM)
        assert client.wait(job_id).state == "succeeded"
    spans = wait_for_end(collector, job_id, deliveries=2)
    assert len({span.trace for span in spans}) == 1
    (request,) = [span for span in spans if not span.parent]
    first, second = sorted((s for s in spans if s.name == "job"), key=lambda span: span.began)
    assert first.parent == second.parent == request.id
    assert (first.attributes["delivery"], second.attributes["delivery"]) == (1, 2)
    assert (first.attributes["result"], second.attributes["result"]) == ("handed_back", "ended")
    assert not first.failed
    segments = sorted((s for s in spans if s.name == "segment"), key=lambda span: span.began)
    assert {span.parent for span in segments} == {first.id, second.id}
    # No span has a parent that was never sent, not even an interrupted one.
    known = {span.id for span in spans}
    assert all(span.parent in known for span in spans if span.parent)
    assert all(a.ended <= b.began for a, b in pairwise([first, second]))


def test_trace_of_the_caller_is_continued(collector: Collector, watched: WatchedStack) -> None:
    caller = f"00-{'ab' * 16}-{'cd' * 8}-01"
    httpx.get(
        f"{watched.gateway_url}/v1/models", headers={"traceparent": caller}, trust_env=False
    ).raise_for_status()
    spans = collector.wait(lambda spans: any(span.trace == "ab" * 16 for span in spans))
    (span,) = [span for span in spans if span.trace == "ab" * 16]
    assert (span.parent, span.attributes["route"]) == ("cd" * 8, "/v1/models")


def test_last_spans_are_sent_at_the_end() -> None:
    with collecting() as collector:
        code = (
            "from poseway.settings import Settings\n"
            "from poseway.telemetry import service, traces\n"
            "service.start_telemetry('late', Settings())\n"
            "attributes = traces.attributes(job_id='7')\n"
            "with traces.tracer.start_as_current_span('work', attributes=attributes): pass\n"
            "service.stop_telemetry()\n"
        )
        run(code, {"POSEWAY_TRACES_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"})
        (span,) = collector.wait(lambda spans: bool(spans), 1)
        assert (span.service, span.name, span.attributes) == ("late", "work", {"job_id": "7"})


def test_silent_collector_blocks_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code = (
            "import time; from poseway.settings import Settings\n"
            "from poseway.telemetry import service, traces\n"
            "service.start_telemetry('lost', Settings())\n"
            "began = time.monotonic()\n"
            "for _ in range(5000):\n"
            "    with traces.tracer.start_as_current_span('work'): pass\n"
            "assert time.monotonic() - began < 30\n"
            "began = time.monotonic()\n"
            "service.stop_telemetry()\n"
            "assert time.monotonic() - began < traces.STOP_SECONDS + 15\n"
        )
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run(code, {"POSEWAY_TRACES_ENDPOINT": url})


def test_sampling_follows_the_standard_variables() -> None:
    with collecting() as collector:
        code = (
            "from poseway.settings import Settings\n"
            "from poseway.telemetry import service, traces\n"
            "service.start_telemetry('some', Settings())\n"
            "with traces.tracer.start_as_current_span('work'):\n"
            "    assert not int(traces.headers()['traceparent'][-2:], 16) & 1\n"
            "service.stop_telemetry()\n"
        )
        env = {"POSEWAY_TRACES_ENDPOINT": collector.url}
        run(code, env | {"OTEL_TRACES_SAMPLER": "always_off"})
        assert collector.settled(0) == []


@pytest.mark.parametrize(
    "module",
    [
        "poseway_gateway.api.__main__",
        "poseway_gateway.dispatcher.__main__",
        "poseway_tracker.__main__",
        "poseway_renderer.__main__",
    ],
)
def test_sdk_and_exporter_are_not_loaded_without_traces(module: str) -> None:
    # OpenTelemetry's API is always loaded; its spans do nothing.
    code = (
        f"import sys, {module}\n"
        "from poseway.settings import Settings\n"
        "from poseway.telemetry import service, traces\n"
        "service.start_telemetry('off', Settings())\n"
        "caller = [('traceparent', '00-' + 'ab' * 16 + '-' + 'cd' * 8 + '-01')]\n"
        "with traces.tracer.start_as_current_span('work', traces.parent(caller)):\n"
        "    assert not traces.headers()\n"
        "service.stop_telemetry()\n"
        "kinds = ('opentelemetry.sdk', 'opentelemetry.exporter')\n"
        "loaded = [name for name in sys.modules if name.startswith(kinds)]\n"
        "assert not loaded, loaded\n"
    )
    run(code, {})


def run(code: str, env: dict[str, str]) -> None:
    """Runs a program, which must succeed."""
    whole = environment() | {"PYTHONPATH": python_path(ROOT), "no_proxy": "127.0.0.1"} | env
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=whole, check=True, timeout=60)
