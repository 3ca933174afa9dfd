"""Looking at a job that still runs."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from poseway.client import Client
from poseway.jobs import JobOptions, JobRequest, JobState, JobStatus, Keys, new_job_id, now
from poseway.local.stack import Stack

# Two boxes, but no index.
VIDEO = b"\0\0\0\x0cfreeabcd\0\0\0\x0cmdatabcd"


def test_finished_segments_of_a_running_job_can_be_fetched(
    client: Client, stack: Stack, sample: Path
) -> None:
    job = client.submit(sample)
    base = f"{stack.gateway_url}/v1/jobs/{job.id}"
    found: list[tuple[dict[str, Any], bytes]] = []
    for state in client.watch(job.id):
        if state.state is JobState.RUNNING and state.progress.fraction < 0.9:
            assert state.links["preview"] == f"/v1/jobs/{job.id}/preview"
            segments = httpx.get(f"{base}/preview", timeout=30).json()["segments"]
            if len(segments) > len(found):
                video = httpx.get(stack.gateway_url + segments[-1]["url"], timeout=30)
                assert video.headers["content-type"] == "video/mp4"
                found.append((segments[-1], video.content))
    assert len(found) >= 2
    end = 0.0
    for number, (segment, data) in enumerate(found):
        assert segment["number"] == number
        assert segment["start"] == pytest.approx(end, abs=1e-6)
        end = segment["end"]
        with av.open(io.BytesIO(data), "r") as container:
            times = [float(frame.time or 0) for frame in container.decode(video=0)]
        assert times[0] == 0
        assert times == sorted(times)
        frame = (times[-1] - times[0]) / (len(times) - 1)
        assert times[-1] + frame == pytest.approx(segment["end"] - segment["start"], abs=1e-3)
    assert httpx.get(f"{base}/preview", timeout=30).json() == {"segments": []}
    deadline = time.monotonic() + 20
    while (gone := httpx.get(f"{base}/preview/0.mp4", timeout=30)).status_code == 200:
        assert time.monotonic() < deadline  # they are deleted right after the end is told
        time.sleep(0.1)
    assert (gone.status_code, gone.json()["code"]) == (404, "no_such_segment")
    assert "preview" not in client.job(job.id).links


@pytest.fixture
def running(stack: Stack) -> Iterator[str]:
    """Id of a job that runs, as far as its record tells."""
    request = JobRequest(
        id=new_job_id(), name="a", size=1, sha256="", created_at=now(), options=JobOptions()
    )
    keys = Keys(request.id)
    status = JobStatus(state=JobState.RUNNING)
    stack.store.put(keys.request, request.model_dump_json().encode(), "application/json")
    stack.store.put(keys.status, status.model_dump_json().encode(), "application/json")
    yield request.id
    stack.store.delete_prefix(keys.record)


def test_a_segment_in_the_making_is_not_shown(stack: Stack, running: str) -> None:
    keys = Keys(running)
    stack.store.put(keys.segment(0, "video.mp4"), VIDEO, "video/mp4")
    base = f"{stack.gateway_url}/v1/jobs/{running}"
    assert httpx.get(f"{base}/preview", timeout=30).json() == {"segments": []}
    assert httpx.get(f"{base}/preview/0.mp4", timeout=30).json()["code"] == "no_such_segment"
    stack.store.put(keys.segment(0, "preview.json"), b'{"start":0,"end":2}', "application/json")
    assert len(httpx.get(f"{base}/preview", timeout=30).json()["segments"]) == 1
    part = httpx.get(f"{base}/preview/0.mp4", headers={"Range": "bytes=1-2"}, timeout=30)
    assert (part.status_code, part.content) == (206, VIDEO[1:3])


def test_the_sample(stack: Stack, sample: Path) -> None:
    url = f"{stack.gateway_url}/v1/sample"
    answer = httpx.get(url, timeout=30)
    assert answer.content == sample.read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    part = httpx.get(url, headers={"Range": "bytes=0-9"}, timeout=30)
    assert (part.status_code, len(part.content)) == (206, 10)
