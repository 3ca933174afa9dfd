"""Consecutive and concurrent versions: what one writes, another reads or leaves alone.

What is read is `recorded/`, which `tests.system.upgrade.record` wrote at the last release.
"""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from pydantic import BaseModel

from poseway.api_keys import ApiKey
from poseway.client import Client
from poseway.jobs import Job, JobRequest, JobState, JobStatus, Keys
from poseway.local.stack import Stack
from poseway_gateway.api.access.quotas import DailyUsage
from poseway_gateway.api.uploads.idempotency import IdempotencyRecord
from poseway_gateway.api.uploads.upload_record import UploadRecord
from poseway_tracker.session import Frame, VideoTracker
from tests.support.tracked_people import street
from tests.support.videos import make_video
from tests.support.waiting import until
from tests.system.upgrade.records import RECORDED, change, left_behind, put, put_back, put_on_queue

FRAMES = 50
RECORDS = {
    "request": JobRequest,
    "failed": JobStatus,
    "pending": UploadRecord,
    "remembered": IdempotencyRecord,
    "used": DailyUsage,
    "key": ApiKey,
}
TOMORROW = {"from_tomorrow": {"a": [1]}}


def ended(client: Client, job_id: str) -> Job:
    *_, last = client.watch(job_id)
    return last


@pytest.mark.essential
@pytest.mark.parametrize(("name", "kind"), RECORDS.items())
def test_a_recorded_file_is_read_unchanged(name: str, kind: type[BaseModel]) -> None:
    old = json.loads((RECORDED / f"{name}.json").read_text())
    read = kind.model_validate(old | TOMORROW).model_dump(mode="json")
    assert {field: read.get(field) for field in old} == old


def test_a_recorded_api_key_still_matches() -> None:
    assert ApiKey.model_validate_json((RECORDED / "key.json").read_text()).fits("5" * 40)


def test_a_tracker_continues_the_ids_of_an_older_one() -> None:
    video = VideoTracker.resume((RECORDED / "sort.json").read_bytes(), 30.0, 12 / 30)
    frames = [
        Frame(index, poses, np.full(len(poses), 0.5), index / 30)
        for index, poses in enumerate(street(14))
    ]
    assert [frame.ids.tolist() for frame in video.segment(frames[12:])] == [[3, 1]] * 2


@pytest.mark.essential
def test_a_job_begun_by_an_older_version_is_finished(client: Client, stack: Stack) -> None:
    with left_behind(stack, "half") as job_id:
        keys = Keys(job_id)
        assert put_back(stack) >= 1
        assert ended(client, job_id).state is JobState.SUCCEEDED
        assert client.manifest(job_id).frames == FRAMES
        # Completed work is not repeated.
        before = (RECORDED / "half/jobs/segments/000000/keypoints.jsonl").read_bytes()
        assert before.rstrip() in stack.store.get(keys.keypoints)[0]
        assert JobStatus.model_validate_json(stack.store.get(keys.status)[0]).restarts == 0


def test_fields_of_a_newer_version_are_ignored(client: Client, stack: Stack) -> None:
    with left_behind(stack, "half") as job_id:
        keys = Keys(job_id)
        options = json.loads(stack.store.get(keys.request)[0])["options"]
        change(stack, keys.request, options=options | TOMORROW, **TOMORROW)
        change(stack, keys.status, **TOMORROW)
        change(stack, keys.segment(0, "checkpoint.json"), **TOMORROW)
        put_back(stack)
        assert ended(client, job_id).state is JobState.SUCCEEDED
        assert client.manifest(job_id).frames == FRAMES


@pytest.mark.essential
def test_a_result_of_an_older_version_is_served(client: Client, stack: Stack) -> None:
    with left_behind(stack, "done") as job_id:
        keys = Keys(job_id)
        change(stack, keys.manifest, **TOMORROW)
        change(stack, keys.tracks, **TOMORROW)
        job = client.job(job_id)
        assert job_id in {listed.id for listed in client.jobs()}
        with httpx.Client(base_url=stack.gateway_url, timeout=60) as http:
            for name, link in job.links.items():
                if name != "events":
                    assert http.get(link).status_code == 200, name
            frames = http.get(job.links["frames"]).json()["frames"]
        assert {person["id"] for frame in frames for person in frame["people"]} == {1, 2}


def test_segments_that_cannot_be_joined_are_rendered_again(client: Client, stack: Stack) -> None:
    with left_behind(stack, "half") as job_id:
        keys = Keys(job_id)
        put(stack, keys.segment(0, "video.mp4"), make_video(25))  # another encoder's
        put_back(stack)
        assert ended(client, job_id).state is JobState.SUCCEEDED
        assert client.manifest(job_id).frames == FRAMES
        assert JobStatus.model_validate_json(stack.store.get(keys.status)[0]).restarts == 1


def test_segments_that_can_never_be_joined_fail_the_job(client: Client, stack: Stack) -> None:
    with left_behind(stack, "half") as job_id:
        keys = Keys(job_id)
        put(stack, keys.segment(0, "video.mp4"), make_video(25))
        change(stack, keys.status, restarts=1)
        put_back(stack)
        last = ended(client, job_id)
        assert last.error is not None
        assert (last.state, last.error.code) == (JobState.FAILED, "incompatible")


def test_a_request_for_a_newer_version_is_left_to_it(client: Client, stack: Stack) -> None:
    with left_behind(stack, "half") as job_id:
        keys = Keys(job_id)
        status = stack.store.get(keys.status)[0]
        options = json.loads(stack.store.get(keys.request)[0])["options"]
        change(stack, keys.request, options=options | {"overlay": "hologram"})
        # An unreadable job is not listed, so it is put on the queue by name.
        log = stack.data_dir / "logs" / "dispatcher.log"
        seen = log.stat().st_size
        put_on_queue(stack, job_id)
        until(lambda: tail_has(log, seen, "record cannot be read"))
        assert stack.store.get(keys.status)[0] == status
        answer = httpx.get(f"{stack.gateway_url}/v1/jobs/{job_id}", timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert job_id not in {job.id for job in client.jobs()}
        # The newer version comes, and finishes it.
        change(stack, keys.request, options=options)
        put_back(stack)
        assert ended(client, job_id).state is JobState.SUCCEEDED


def tail_has(log: Path, start: int, text: str) -> bool:
    with log.open() as file:
        file.seek(start)
        return text in file.read()
