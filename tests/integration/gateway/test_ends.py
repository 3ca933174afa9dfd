"""A job in a final state has a final progress, wherever it is shown."""

import asyncio
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.jobs import Job, JobError, JobState, JobStatus, Keys, Progress
from poseway.local.stack import Stack
from poseway.messaging.status_feed import Gone, StatusChange
from poseway.storage import ObjectStore
from poseway_gateway.api.events.hub import Hub
from poseway_gateway.dispatcher.job_record import JobRecord
from tests.integration.gateway.test_queue import record_only
from tests.support.still_images import card, encoded
from tests.support.videos import make_video
from tests.system.upgrade.records import left_behind

HALF = Progress(fraction=0.5, frames_done=20, frames_total=40, eta_seconds=3.0)


def shown(client: Client, stack: Stack, last: Job) -> Progress:
    """Returns the progress of a finished job after checking that it is the same everywhere."""
    listed = next(job for job in client.jobs() if job.id == last.id)
    record = JobStatus.model_validate_json(stack.store.get(Keys(last.id).status)[0])
    watched = list(client.watch(last.id))[-1]
    found = [last, client.job(last.id), listed, watched]
    assert [job.progress for job in found] == [record.progress] * len(found)
    assert {job.state for job in found} == {record.state}
    return record.progress


def whole(frames: int) -> Progress:
    return Progress(fraction=1.0, frames_done=frames, frames_total=frames, eta_seconds=0.0)


@pytest.mark.parametrize(
    ("name", "data", "frames"),
    [("quick.mp4", make_video(4), 4), ("picture.png", encoded(card(), "png"), 1)],
)
def test_succeeded_job_did_every_frame(
    client: Client, stack: Stack, tmp_path: Path, name: str, data: bytes, frames: int
) -> None:
    (tmp_path / name).write_bytes(data)
    *_, last = client.watch(client.submit(tmp_path / name).id)
    assert last.state is JobState.SUCCEEDED
    assert client.manifest(last.id).frames == frames
    assert shown(client, stack, last) == whole(frames)


def test_cancelled_job_keeps_its_progress(client: Client, stack: Stack, sample: Path) -> None:
    job = client.submit(sample)
    for before in client.watch(job.id):
        if before.progress.eta_seconds is not None:
            client.cancel(job.id)
            break
    *_, last = client.watch(job.id)
    assert last.state is JobState.CANCELLED
    progress = shown(client, stack, last)
    assert progress.eta_seconds is None
    assert before.progress.frames_done <= progress.frames_done <= 230
    assert 0 < progress.fraction < 1


def test_job_cancelled_on_the_queue_has_no_progress(client: Client, stack: Stack) -> None:
    job_id = record_only(stack, b"")
    client.cancel(job_id)
    job = client.job(job_id)
    assert (job.state, job.progress) == (JobState.CANCELLED, Progress())
    stack.store.delete_prefix(Keys(job_id).record)


@pytest.fixture
def record(stack: Stack) -> JobRecord:
    """Progress of a half-finished job that is not in its record yet."""
    record = JobRecord(stack.store, record_only(stack, b""))
    record.load()
    record.begin()
    record.reached = HALF
    return record


def stored(store: ObjectStore, record: JobRecord) -> JobStatus:
    return JobStatus.model_validate_json(store.get(record.keys.status)[0])


def test_last_progress_is_written_with_the_end(stack: Stack, record: JobRecord) -> None:
    error = JobError(code="damaged", message="It is damaged.")
    record.finish(JobState.FAILED, error=error)
    status = stored(stack.store, record)
    assert (status.state, status.error) == (JobState.FAILED, error)
    assert status.progress == HALF.model_copy(update={"eta_seconds": None})


def test_manifest_gives_the_number_of_frames(stack: Stack, record: JobRecord) -> None:
    record.finish(JobState.SUCCEEDED, frames=38)
    assert stored(stack.store, record).progress == whole(38)


def test_job_handed_back_keeps_its_progress(stack: Stack, record: JobRecord) -> None:
    record.hand_back(counted=False)
    other = JobRecord(stack.store, record.job_id)
    other.load()
    assert other.reached == HALF
    other.begin()
    other.start_over()
    assert stored(stack.store, record).progress == Progress()


def test_end_recorded_by_an_older_version_is_consistent(client: Client, stack: Stack) -> None:
    with left_behind(stack, "done") as job_id:
        status = JobStatus.model_validate_json(stack.store.get(Keys(job_id).status)[0])
        assert status.progress.frames_done < 50  # the record was written a moment before the end
        found = [client.job(job_id), next(job for job in client.jobs() if job.id == job_id)]
        assert [job.progress for job in found] == [whole(50)] * 2


def test_failure_recorded_by_an_older_version_has_no_time_left(
    client: Client, stack: Stack
) -> None:
    job_id = record_only(stack, b"")
    old = JobStatus(state=JobState.FAILED, progress=HALF).model_dump_json().encode()
    stack.store.put(Keys(job_id).status, old, "application/json")
    assert client.job(job_id).progress == HALF.model_copy(update={"eta_seconds": None})
    client.delete(job_id)


def test_late_message_does_not_revive_a_job() -> None:
    async def run() -> None:
        hub = Hub()
        ended, late = (JobStatus(state=state) for state in (JobState.FAILED, JobState.RUNNING))
        with hub.listen(None) as listener:
            for number, status in enumerate((ended, late), 1):
                hub.receive(StatusChange(number, "a", status))
            assert [change.content for change in listener.take()] == [ended]
            hub.receive(StatusChange(3, "a", Gone(gone=True, owner="")))
            assert len(listener.take()) == 1
            hub.receive(StatusChange(4, "b", late))
            assert len(listener.take()) == 1

    asyncio.run(run())
