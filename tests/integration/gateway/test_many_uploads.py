"""Many concurrent uploads."""

import hashlib
from itertools import pairwise

import pytest

from poseway.client import Client
from poseway.errors import NotFoundError
from poseway.jobs import JobState, Keys
from poseway.local.stack import Stack
from tests.support.upload_burst import Upload, burst, by_form, in_parts
from tests.support.videos import make_video


@pytest.mark.parametrize(("upload", "count"), [(by_form, 200), (in_parts, 100)])
def test_many_uploads_all_arrive_within_bounded_memory(
    stack: Stack, upload: Upload, count: int
) -> None:
    # Each video is different, so that none can be mistaken for another.
    clip = make_video(6)
    videos = [clip + number.to_bytes(2, "big") + bytes(1000) for number in range(count)]
    gateway = stack.pid("api")
    burst(stack.gateway_url, gateway, upload, videos[:1])
    with Client(stack.gateway_url) as client:
        try:
            found = burst(stack.gateway_url, gateway, upload, videos)
            jobs = {job.id: job for job in client.jobs()}
            ids = [found.accepted[number] for number in range(count)]
            assert len(set(ids)) == count
            for number, (job, video) in enumerate(zip(ids, videos, strict=True)):
                assert (jobs[job].name, jobs[job].size) == (f"{number}.mp4", len(video))
                if jobs[job].state == "queued":
                    try:
                        data, _ = stack.store.get(Keys(job).upload)
                    except NotFoundError:  # it started after the list was requested
                        assert client.job(job).state is JobState.SUCCEEDED
                        continue
                    assert hashlib.sha256(data).digest() == hashlib.sha256(video).digest()
            listed = [job.id for job in jobs.values()]
            assert all(newer < older for newer, older in pairwise(listed))
            assert found.megabytes < 500
            assert len(found.list_seconds) > 5  # the page remained responsive meanwhile
        finally:
            for job in found.accepted.values():
                client.cancel(job)
