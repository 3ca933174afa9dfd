"""Hostile files: each gets a documented answer and leaks no resources."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from poseway.client import Client
from poseway.errors import FAILURES, PosewayError
from poseway.jobs import JobState
from poseway.local.stack import Stack
from poseway.paths import ROOT
from poseway_gateway.api.web.error_codes import CODES
from tests.support.processes import megabytes
from tests.support.videos import make_video
from tests.system.hostile.canary import SIZE, Canary
from tests.system.hostile.claims import claims
from tests.system.hostile.mutations import mutated
from tests.system.hostile.references import references

ALL = "POSEWAY_TEST_HOSTILE" in os.environ
PARTS = ("api", "dispatcher", "inference", "tracker", "renderer")
AT_ONCE = 6
# Limits on the growth of a process between the first and the second half of the files.
# A few files of each kind do not fill all caches in their first half.
SPARE_FILES, SPARE_MB = 12, 60 if ALL else 200


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    canary = Canary(tmp_path)
    yield canary
    canary.close()


def hostile(canary: Canary) -> Iterator[tuple[str, bytes]]:
    """All of them, or a few of each kind: the seeds are the same."""
    paths = [str(canary.file), f"file://{canary.file}", canary.url, f"concat:{canary.file}"]
    yield from references(paths if ALL else paths[::2])
    for number, file in enumerate(claims()):
        if ALL or number % 2 == 0:
            yield file
    yield from mutated(16 if ALL else 2)


def outcome(client: Client, name: str, data: bytes) -> str:
    """Outcome of a file: ``succeeded`` or an error code."""
    try:
        job = client.wait(client.submit(data, name=name).id)
    except PosewayError as error:
        return error.code
    if job.error is not None:
        assert len(job.error.message) > 20
    else:
        assert job.state is JobState.SUCCEEDED
        source = client.manifest(job.id).source
        assert (source.width, source.height) != SIZE, f"{name} showed another file"
    client.delete(job.id)
    return job.error.code if job.error else "succeeded"


class Held(NamedTuple):
    """Resources of a process."""

    pid: int
    files: int
    megabytes: int


def held(stack: Stack) -> dict[str, Held]:
    """Resources of each service."""
    pids = {part: stack.pid(part) for part in PARTS}
    return {
        part: Held(pid, len(list(Path(f"/proc/{pid}/fd").iterdir())), megabytes(pid))
        for part, pid in pids.items()
    }


def keypoints(client: Client, tmp_path: Path) -> bytes:
    job = client.wait(client.submit(make_video(12), name="good.mp4").id)
    assert job.state is JobState.SUCCEEDED
    client.download(f"{job.links['self']}/keypoints.jsonl", tmp_path / "keypoints.jsonl")
    client.delete(job.id)
    return (tmp_path / "keypoints.jsonl").read_bytes()


def test_reading_the_canary_is_detected(canary: Canary) -> None:
    assert not canary.touched()
    canary.file.read_bytes()
    assert canary.touched()


@pytest.mark.essential
@pytest.mark.timeout(3600)
def test_hostile_files_get_a_documented_answer(
    client: Client, stack: Stack, canary: Canary, tmp_path: Path
) -> None:
    good = keypoints(client, tmp_path)
    files = list(hostile(canary))
    found: dict[str, str] = {}

    def process(part: list[tuple[str, bytes]]) -> dict[str, Held]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            codes = pool.map(lambda file: outcome(client, *file), part)
            found.update(zip((name for name, _ in part), codes, strict=True))
        return held(stack)

    canary.arm()
    # Caches are full after the first half; a leak grows with every file.
    before, after = process(files[::2]), process(files[1::2])
    if ALL:
        report(found, before, after)
    assert not canary.requests
    assert not canary.touched()
    for part in PARTS:
        assert after[part].pid == before[part].pid, f"{part} was started again"
        assert after[part].files <= before[part].files + SPARE_FILES, part
        assert after[part].megabytes <= before[part].megabytes + SPARE_MB, part
    # A file that ends its worker gets a documented answer, but is still a defect.
    known = {"succeeded", *FAILURES, *CODES} - {"too_many_attempts", "internal"}
    assert {name: code for name, code in found.items() if code not in known} == {}
    assert "succeeded" in found.values()
    assert keypoints(client, tmp_path) == good


def report(found: dict[str, str], before: dict[str, Held], after: dict[str, Held]) -> None:
    """Writes the outcome of each file and the resources of the services."""
    figures = {
        "files": found,
        "codes": Counter(found.values()),
        "half": {part: seen._asdict() for part, seen in before.items()},
        "end": {part: seen._asdict() for part, seen in after.items()},
    }
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "hostile.json").write_text(json.dumps(figures, indent=2) + "\n")
