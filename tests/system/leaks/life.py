"""A system with API keys that uses every secret, in success and in failure."""

import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from poseway.api_keys import ApiKeys
from poseway.jobs import Keys
from poseway.local.data_dir import WEED_SECRETS, load_secrets
from poseway.local.stack import Stack
from tests.support.gateways import gateway_env, submit, user
from tests.support.waiting import until
from tests.system.leaks.known import Known
from tests.system.upgrade.records import put, put_on_queue


@dataclass
class Life:
    """A running system and its secrets.

    Attributes:
        stack: The system.
        known: Its secrets.
        hook: URL of a webhook receiver that accepts the second attempt.
        deaf: URL with the same secret that has no receiver.
        answers: Responses to callers who must not learn the secrets, by request.
    """

    stack: Stack
    known: Known
    hook: str
    deaf: str
    answers: dict[str, bytes]

    @property
    def log(self) -> Path:
        """The gateway's log."""
        return self.stack.data_dir / "logs" / "api.log"


def new_key() -> str:
    """A well-formed API key that was never created."""
    return f"pw_{secrets.token_hex(4)}_{secrets.token_hex(20)}"


def settings(known: Known) -> dict[str, str]:
    """Settings of a gateway with every secret that it can have, and verbose logs."""
    return {
        "POSEWAY_LOG_LEVEL": "DEBUG",
        "POSEWAY_AUTH": "keys",
        "POSEWAY_FIRST_KEY": known.add("first key", new_key()),
        "POSEWAY_SIGNING_KEY": known.add("signing key", secrets.token_hex(32)),
        "POSEWAY_WEBHOOK_PRIVATE": "true",
        "POSEWAY_SEGMENT_SECONDS": "1",
    }


def know_of(stack: Stack, known: Known) -> None:
    """Records the secrets that a system generated itself."""
    made = load_secrets(stack.data_dir / "secrets.json")
    assert set(made) == {"s3_access_key", "s3_secret_key", "nats_token", *WEED_SECRETS}
    for name, value in made.items():
        known.add(name, value)


def do_jobs(life: Life, video: bytes) -> None:
    """Runs jobs with an API key, as a form and in parts, each with a webhook."""
    known, url = life.known, life.stack.gateway_url
    key = known.add("API key", ApiKeys(life.stack.store).create("somebody")[1])
    with user(url, key) as owner:
        known.add("webhook secret", owner.get("/v1/session").json()["webhook_secret"])
        wish = {"webhook_url": life.hook}
        answer = owner.post("/v1/jobs", files={"video": ("a.mp4", video)}, data=wish)
        job = answer.json()["id"]
        until(lambda: owner.get(f"/v1/jobs/{job}").json()["state"] == "succeeded")
        in_parts(life, owner, video)
        share(life, owner, job)
    sign_in(life, key)
    told = (b"ConnectError", b"the response is 500", b"webhook delivered")
    until(lambda: all(text in life.log.read_bytes() for text in told))


def in_parts(life: Life, owner: httpx.Client, video: bytes) -> None:
    """Uploads straight to object storage."""
    wish = {"name": "b.mp4", "size": len(video), "webhook_url": life.deaf}
    made = owner.post("/v1/uploads", json=wish).json()
    part = owner.get(made["links"]["part"].format(number=1) + "/url").json()["url"]
    life.known.add_signature("signature of a part", part)
    # Rejected requests are those most likely to be logged.
    refused = life.known.add("signature that is wrong", secrets.token_hex(32))
    wrong = part.replace(life.known.values["signature of a part"], refused)
    assert httpx.put(wrong, content=video).status_code == 403
    assert httpx.put(part, content=video).status_code == 200
    assert owner.post(made["links"]["complete"]).status_code == 201
    until(lambda: owner.get(f"/v1/jobs/{made['id']}").json()["state"] == "succeeded")


def share(life: Life, owner: httpx.Client, job: str) -> None:
    """Fetches everything about a job through a share link."""
    token = owner.post(f"/v1/jobs/{job}/shares").json()["token"]
    life.known.add("token of a link", token)
    with user(life.stack.gateway_url) as guest:
        shown = guest.get(f"/v1/jobs/{job}", params={"share": token}).json()
        for name, link in shown["links"].items():
            answer = guest.get(link)
            assert answer.status_code == 200, name
            life.answers[name] = answer.content
        direct = guest.get(shown["links"]["video"], params={"direct": "true", "share": token})
        place = life.known.add_signature("signature of a video", direct.headers["location"])
        assert httpx.get(place).status_code == 200
        wrong = life.known.add("token that is wrong", f"{token[:-20]}{secrets.token_hex(10)}")
        assert guest.get(f"/v1/jobs/{job}", params={"share": wrong}).status_code == 404


def sign_in(life: Life, key: str) -> None:
    """Signs a browser in with a valid key, a wrong one, and one in the query, which is ignored."""
    wrong = life.known.add("key that is wrong", new_key())
    with user(life.stack.gateway_url) as browser:
        assert browser.post("/v1/session", json={"key": key}).status_code == 200
        (cookie,) = browser.cookies.jar
        life.known.add("session", cookie.value or "")
        assert browser.get("/v1/jobs").status_code == 200
        assert browser.post("/v1/session", json={"key": wrong}).status_code == 401
        assert browser.delete("/v1/session").status_code == 204
        assert browser.get("/v1/jobs", params={"key": key}).status_code == 401
    with user(life.stack.gateway_url, wrong) as stranger:
        assert stranger.get("/v1/jobs").status_code == 401


def break_a_record(life: Life) -> None:
    """Makes the record of a job unreadable, so that every reader of it fails."""
    with user(life.stack.gateway_url, life.known.values["first key"]) as owner:
        job = submit(owner)
        until(lambda: owner.get(f"/v1/jobs/{job}").json()["state"] == "failed")
        put(life.stack, Keys(job).request, f'{{"webhook_url": "{life.hook}"}}'.encode())
        put_on_queue(life.stack, job)
        assert owner.get(f"/v1/jobs/{job}").status_code == 503
    log = life.log.with_name("dispatcher.log")
    until(lambda: b"record cannot be read" in log.read_bytes())


def run(life: Life, name: str, module: str, env: dict[str, str], says: str | None) -> None:
    """Runs a service with a log until it writes `says`; if that is None, until it ends."""
    log = life.log.with_name(f"{name}.log")
    whole = gateway_env(life.stack, env)
    command = [sys.executable, "-m", module]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, env=whole, stdout=out, stderr=out) as service,
    ):
        try:
            if says is None:
                assert service.wait(60) != 0
            else:
                until(lambda: says.encode() in log.read_bytes())
        finally:
            service.terminate()


def fail_to_log_in(life: Life) -> None:
    """Runs services with wrong or malformed secrets."""
    wrong = life.known.add("secret of others", secrets.token_hex(20))
    part = life.known.add("part of a key", secrets.token_hex(12))
    api, dispatcher = "poseway_gateway.api", "poseway_gateway.dispatcher"
    no_queue, no_storage = {"POSEWAY_NATS_TOKEN": wrong}, {"POSEWAY_S3_SECRET_KEY": wrong}
    run(life, "api-no-queue", api, no_queue, "Authorization")
    run(life, "dispatcher-no-queue", dispatcher, no_queue, "Authorization")
    # It starts because its signing key is in the settings; it cannot read the bucket.
    run(life, "api-no-storage", api, no_storage, "SignatureDoesNotMatch")
    run(life, "api-no-key", api, {"POSEWAY_FIRST_KEY": f"pw_{part}"}, None)
    run(life, "api-short-key", api, {"POSEWAY_SIGNING_KEY": part}, None)
