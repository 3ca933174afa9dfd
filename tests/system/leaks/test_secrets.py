"""Secrets appear in no log, record, result, other file or command."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from tests.support.videos import make_video
from tests.support.webhook_receiver import Receiver, listening
from tests.system.leaks.known import Known
from tests.system.leaks.life import Life, break_a_record, do_jobs, fail_to_log_in, know_of, settings

pytestmark = pytest.mark.timeout(600)

# Files in which the system stores its own secrets; only its user can read them.
KEPT = {"secrets.json", "nats.conf"}
# The user put a secret of their own into the webhook's URL.
HOOK = "secret of a webhook's address"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with listening() as server:
        yield server


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Life]:
    """A system that has used all its secrets and is still running."""
    known = Known()
    env = settings(known)
    stack = Stack(tmp_path_factory.mktemp("leaks") / "data", free_ports(1)[0], env)
    # The address is known only now, and read when the services start.
    env["POSEWAY_S3_PUBLIC_ENDPOINT"] = stack.env["POSEWAY_S3_ENDPOINT"]
    know_of(stack, known)
    path = f"hook?token={known.add(HOOK, secrets.token_hex(16))}"
    receiver.answers = [500]
    with stack:
        nowhere = f"http://127.0.0.1:{free_ports(1)[0]}/{path}"
        seen = Life(stack, known, f"{receiver.url}/{path}", nowhere, {})
        do_jobs(seen, make_video(40))
        break_a_record(seen)
        fail_to_log_in(seen)
        yield seen


def leaks(known: Known, texts: dict[str, bytes], allowed: str = "") -> dict[str, set[str]]:
    """Names of the secrets in each text; texts without secrets are left out."""
    found = {name: known.found_in(text) - {allowed} for name, text in texts.items()}
    return {name: names for name, names in found.items() if names}


def files(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by their names in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.essential
def test_logs_contain_no_secret(life: Life) -> None:
    logs = files(life.stack.data_dir / "logs")
    assert len(logs) == 12
    assert b'"level": "debug"' in logs["api.log"]
    assert leaks(life.known, logs) == {}


@pytest.mark.essential
def test_records_and_results_contain_no_secret(life: Life) -> None:
    store = life.stack.store
    objects = {item.key: store.get(item.key)[0] for item in store.walk("")}
    assert leaks(life.known, {"names": "\n".join(objects).encode()}) == {}
    found = leaks(life.known, objects)
    # An address to tell of a job is in what was asked of the job, and nowhere else.
    asked = {key for key in objects if key.startswith("jobs/") and key.endswith("/request.json")}
    assert found == {key: {HOOK} for key in asked}


def test_a_share_link_shows_no_secret_but_its_own(life: Life) -> None:
    assert {"video", "keypoints", "csv", "events"} <= set(life.answers)
    assert leaks(life.known, life.answers, "token of a link") == {}


def test_other_files_contain_no_secret(life: Life) -> None:
    there = files(life.stack.data_dir)
    for name in KEPT:
        assert life.known.found_in(there.pop(name))
        assert not (life.stack.data_dir / name).stat().st_mode & 0o077
    # Object storage keeps what the records are, which the test before has looked through.
    assert "stack.json" in there
    assert leaks(life.known, there, HOOK) == {}


def test_commands_contain_no_secret(life: Life) -> None:
    # A process may have ended meanwhile.
    commands = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            commands[path.parent.name] = path.read_bytes()
    assert b"poseway_gateway.api" in commands[str(life.stack.pid("api"))]
    assert leaks(life.known, commands) == {}


def test_other_users_of_the_machine_cannot_read_the_data(life: Life) -> None:
    for folder in (life.stack.data_dir, life.stack.data_dir / "s3"):
        assert not folder.stat().st_mode & 0o077, folder
