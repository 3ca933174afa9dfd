import time

import pytest
from pydantic import ValidationError

from poseway.jobs import JobOptions, JobStatus, Keys, new_job_id


def test_newer_ids_sort_first() -> None:
    ids = []
    for _ in range(5):
        ids.append(new_job_id())
        time.sleep(0.002)
    assert ids == sorted(ids, reverse=True)


def test_ids_made_at_once_differ() -> None:
    assert len({new_job_id() for _ in range(1000)}) == 1000


def test_two_intervals_are_refused() -> None:
    with pytest.raises(ValidationError, match="not both"):
        JobOptions(screenshot_frames=10, screenshot_seconds=1.0)


def test_records_of_a_newer_version_can_be_read() -> None:
    status = JobStatus.model_validate_json('{"state": "running", "invented_later": 1}')
    assert status.state == "running"
    assert JobOptions.model_validate({"invented_later": 1}) == JobOptions()


def test_segments_sort_in_order() -> None:
    keys = Keys(new_job_id())
    names = [keys.segment(number, "video.mp4") for number in (0, 9, 10, 999, 1000)]
    assert names == sorted(names)


def test_stills_of_segments_are_apart_from_those_of_the_result() -> None:
    keys = Keys(new_job_id())
    assert keys.segment_still(3, 7).startswith(keys.segments)
    assert keys.still(7) == f"{keys.result}stills/person_007.jpg"
