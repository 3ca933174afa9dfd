"""The other methods of both clients, on the running system."""

import asyncio
import json
from fractions import Fraction
from pathlib import Path

import pytest

from poseway.client import AsyncClient, Client
from poseway.errors import NotFoundError
from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.support.videos import shorten


@pytest.fixture(scope="module")
def short(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of the sample."""
    target = tmp_path_factory.mktemp("short") / "short.mp4"
    shorten(sample, target, Fraction(1, 2))
    return target


def test_all_pages_of_jobs_are_listed(client: Client) -> None:
    ids = [client.submit(b"not a video", name=f"page {n}.mp4").id for n in range(105)]
    try:
        listed = [job.id for job in client.jobs()]
        assert set(ids) <= set(listed)
        assert len(listed) == len(set(listed))
        last = client.wait(ids[-1])
        assert last.state is JobState.FAILED
    finally:
        for job_id in ids:
            client.delete(job_id)


def test_result_is_fetched_whole_or_in_part(client: Client, short: Path, tmp_path: Path) -> None:
    job = client.wait(client.submit(short, {"ids": False}).id)
    assert not job.options.ids
    told: list[str] = []
    paths = client.fetch(job, tmp_path / "all", also=["csv"], told=told.append)
    manifest = client.manifest(job.id)
    assert [str(path.relative_to(tmp_path / "all")) for path in paths] == told
    assert told == [*(f.path for f in manifest.files), "keypoints.csv", "manifest.json"]
    for file in manifest.files:
        assert (tmp_path / "all" / file.path).stat().st_size == file.bytes
    some = client.fetch(job, tmp_path / "some", only=["video", "stills", "angles.csv", "post*"])
    names = [str(path.relative_to(tmp_path / "some")) for path in some]
    assert names[0] == "video.mp4"
    assert names[-2:] == ["angles.csv", "poster.jpg"]
    assert {name.split("/")[0] for name in names[1:-2]} == {"stills"}
    with pytest.raises(NotFoundError, match=r"no file 'film.mp4'.*video.mp4"):
        client.fetch(job, tmp_path, only=["film.mp4"])
    client.delete(job.id)


def test_job_without_a_result_cannot_be_fetched(client: Client, tmp_path: Path) -> None:
    job = client.wait(client.submit(b"not a video").id)
    with pytest.raises(NotFoundError, match="is failed, so it has no result"):
        client.fetch(job, tmp_path)
    client.delete(job.id)


def test_cancel_does_not_change_a_finished_job(client: Client, short: Path) -> None:
    running = client.submit(short)
    client.cancel(running.id)
    assert client.wait(running.id).state is JobState.CANCELLED
    assert client.cancel(running.id).state is JobState.CANCELLED
    client.delete(running.id)
    with pytest.raises(NotFoundError):
        client.delete(running.id)


def test_delete_cancels_a_running_job_first(client: Client, short: Path) -> None:
    job = client.submit(short)
    client.delete(job.id)
    with pytest.raises(NotFoundError):
        client.job(job.id)


def test_async_client_does_the_same(stack: Stack, short: Path, tmp_path: Path) -> None:
    async def use() -> None:
        async with AsyncClient(stack.gateway_url) as client:
            await client.ready()
            assert (await client.models())[0].default
            assert (await client.session()).auth == "off"
            first, second = await asyncio.gather(
                client.submit(short), client.submit(b"not a video", name="bad.mp4")
            )
            done, failed = await asyncio.gather(client.wait(first.id), client.wait(second.id))
            assert (done.state, failed.state) == (JobState.SUCCEEDED, JobState.FAILED)
            listed = [job.id async for job in client.jobs()]
            assert listed.index(second.id) != listed.index(first.id)
            await client.fetch(done, tmp_path, only=["tracks"])
            await client.download(done.links["manifest"], tmp_path / "m.json")
            manifest = await client.manifest(done.id)
            assert json.loads((tmp_path / "m.json").read_text())["frames"] == manifest.frames
            share = await client.share(done.id, 60)
            assert share.token in share.page
            assert (await client.cancel(done.id)).state is JobState.SUCCEEDED
            for job in (first, second):
                await client.delete(job.id)
            with pytest.raises(NotFoundError):
                await client.job(first.id)

    asyncio.run(use())


def test_environment_names_the_gateway(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSEWAY_URL", stack.gateway_url)
    with Client() as client:
        assert client.url == stack.gateway_url
        client.ready()
