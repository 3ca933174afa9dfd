"""Files that crash their decoders: their jobs fail with a reason, and no other job is affected.

With POSEWAY_TEST_HOSTILE, which `make test-hostile` sets, every defect is tried at every place.
"""

import os
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.jobs import Job, JobState, Keys
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.local.supervisor import Process
from poseway_gateway.api.jobs.repository import JobRepository
from tests.support.processes import family
from tests.support.videos import make_video
from tests.support.waiting import until
from tests.system.poison.planted import poisoned

WITH_DEFECTS = {"poseway_gateway.dispatcher", "poseway_renderer"}
FRAMES = 12
VIDEO = make_video(FRAMES)

CODES = {
    "crash": "decoder_crashed",
    "hang": "decoder_stuck",
    "hunger": "out_of_memory",
    "thirst": "decoder_stuck",
}
CASES = [("open", "crash"), ("open", "hang"), ("render", "hunger"), ("join", "crash")]
if "POSEWAY_TEST_HOSTILE" in os.environ:
    CASES = list(product(("open", "render", "join"), CODES))


class Defective(Stack):
    """A system whose decoders have defects."""

    def _python(
        self, name: str, module: str, env: dict[str, str], ready: Callable[[], bool]
    ) -> Process:
        if module in WITH_DEFECTS:
            module = f"tests.system.poison.{name}"
        return super()._python(name, module, env, ready)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {"POSEWAY_DECODE_SECONDS": "6", "POSEWAY_DECODE_MEMORY_MB": "768"}
    place = tmp_path_factory.mktemp("poison")
    with Defective(place, free_ports(1)[0], env) as running:
        yield running


def submit(client: Client, data: bytes, folder: Path, name: str) -> str:
    path = folder / f"{name}.mp4"
    path.write_bytes(data)
    return client.submit(path).id


def ended(client: Client, job_id: str) -> Job:
    *_, last = client.watch(job_id)
    return last


@pytest.mark.essential
def test_poisoned_jobs_fail_with_a_reason_and_harm_no_other(system: Stack, tmp_path: Path) -> None:
    services = {name: system.pid(name) for name in ("dispatcher", "renderer")}
    with Client(system.gateway_url) as client:
        good = [submit(client, VIDEO, tmp_path, "good")]
        assert ended(client, good[0]).state is JobState.SUCCEEDED
        before = {name: set(family(pid)) for name, pid in services.items()}
        bad = {}
        for place, defect in CASES:
            name = f"{place}-{defect}"
            bad[submit(client, poisoned(VIDEO, place, defect), tmp_path, name)] = place, defect
            good.append(submit(client, VIDEO, tmp_path, f"beside-{name}"))
        for job_id in good:
            job = ended(client, job_id)
            assert job.state is JobState.SUCCEEDED, job
            assert client.manifest(job_id).frames == FRAMES
        for job_id, case in bad.items():
            job = ended(client, job_id)
            assert job.state is JobState.FAILED, case
            assert job.error is not None
            assert job.error.code == CODES[case[1]], case
            assert "upload" in job.error.message
            assert JobRepository(system.store).status(job_id).attempts == 3, case
        assert not any(system.store.exists(Keys(job_id).upload) for job_id in bad)
    assert {name: system.pid(name) for name in services} == services
    until(lambda: {name: set(family(pid)) for name, pid in services.items()} == before)
