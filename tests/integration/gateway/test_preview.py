"""Previews of running jobs."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from poseway.client import Client
from poseway.errors import NotFoundError
from poseway.jobs import (
    JobOptions,
    JobRequest,
    JobState,
    JobStatus,
    Keys,
    TimeSpan,
    new_job_id,
    now,
)
from poseway.local.stack import Stack
from poseway_gateway.api.jobs.previews import Previews
from tests.support.gateways import assert_problem
from tests.support.videos import make_video
from tests.support.waiting import until

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
    # Segments are deleted right after the end is reported.
    until(lambda: httpx.get(f"{base}/preview/0.mp4", timeout=30).status_code != 200)
    gone = httpx.get(f"{base}/preview/0.mp4", timeout=30)
    assert (gone.status_code, gone.json()["code"]) == (404, "no_such_segment")
    assert "preview" not in client.job(job.id).links


@pytest.fixture
def running(stack: Stack) -> Iterator[str]:
    """Id of a job that is running according to its record."""
    request = JobRequest(
        id=new_job_id(), name="a", size=1, sha256="", created_at=now(), options=JobOptions()
    )
    keys = Keys(request.id)
    status = JobStatus(state=JobState.RUNNING)
    stack.store.put(keys.request, request.model_dump_json().encode(), "application/json")
    stack.store.put(keys.status, status.model_dump_json().encode(), "application/json")
    yield request.id
    stack.store.delete_prefix(keys.record)


def test_unfinished_segment_is_not_listed(stack: Stack, running: str) -> None:
    keys = Keys(running)
    stack.store.put(keys.segment(0, "video.mp4"), VIDEO, "video/mp4")
    base = f"{stack.gateway_url}/v1/jobs/{running}"
    assert httpx.get(f"{base}/preview", timeout=30).json() == {"segments": []}
    assert httpx.get(f"{base}/preview/0.mp4", timeout=30).json()["code"] == "no_such_segment"
    stack.store.put(keys.segment(0, "preview.json"), b'{"start":0,"end":2}', "application/json")
    assert len(httpx.get(f"{base}/preview", timeout=30).json()["segments"]) == 1
    part = httpx.get(f"{base}/preview/0.mp4", headers={"Range": "bytes=1-2"}, timeout=30)
    assert (part.status_code, part.content) == (206, VIDEO[1:3])


def test_restarted_job_lists_its_new_segments(stack: Stack, running: str) -> None:
    keys, base = Keys(running), f"{stack.gateway_url}/v1/jobs/{running}/preview"
    for restarts, frames in enumerate((3, 6)):
        status = JobStatus(state=JobState.RUNNING, restarts=restarts)
        stack.store.put(keys.status, status.model_dump_json().encode(), "application/json")
        video, when = make_video(frames), TimeSpan(start=0, end=frames)
        stack.store.put(keys.segment(0, "video.mp4"), video, "video/mp4")
        stack.store.put(
            keys.segment(0, "preview.json"), when.model_dump_json().encode(), "application/json"
        )
        (segment,) = httpx.get(base, timeout=30).json()["segments"]
        assert segment["end"] == frames
        assert httpx.get(f"{base}/0.mp4", timeout=30).content == video


def test_patch_belongs_to_the_current_video(stack: Stack, running: str) -> None:
    key = Keys(running).segment(0, "video.mp4")
    stack.store.put(key, make_video(3), "video/mp4")
    old = stack.store.head(key)
    stack.store.put(key, make_video(6), "video/mp4")
    with pytest.raises(NotFoundError):
        Previews(stack.store).change(old)


def test_the_sample(stack: Stack, sample: Path) -> None:
    url, video = f"{stack.gateway_url}/v1/sample", sample.read_bytes()
    answer = httpx.get(url, timeout=30)
    assert answer.content == video
    assert answer.headers["content-type"] == "video/mp4"
    assert "demo.mp4" in answer.headers["content-disposition"]
    head = httpx.head(url, timeout=30)
    assert head.headers["content-length"] == str(len(video))
    known = httpx.get(url, headers={"If-None-Match": answer.headers["etag"]}, timeout=30)
    assert (known.status_code, known.content) == (304, b"")


def test_ranges_of_the_sample(stack: Stack, sample: Path) -> None:
    """The same ranges as files of results."""
    url, video = f"{stack.gateway_url}/v1/sample", sample.read_bytes()

    def ask(wanted: str, **more: str) -> httpx.Response:
        return httpx.get(url, headers={"Range": wanted, **more}, timeout=30)

    part = ask("bytes=10-1000009")
    assert (part.status_code, part.content) == (206, video[10:1_000_010])
    assert part.headers["content-range"] == f"bytes 10-1000009/{len(video)}"
    assert ask("bytes=-5").content == video[-5:]
    assert ask("bytes=0-9", **{"If-Range": part.headers["etag"]}).status_code == 206
    assert ask("bytes=0-9", **{"If-Range": '"other"'}).status_code == 200
    for unreadable in ("bytes=abc", "bytes=0-1,4-5"):
        whole = ask(unreadable)
        assert (whole.status_code, whole.content) == (200, video), unreadable
    outside = ask("bytes=99999999999-")
    assert_problem(outside, 416, "range_not_satisfiable")
    assert outside.headers["content-range"] == f"bytes */{len(video)}"
