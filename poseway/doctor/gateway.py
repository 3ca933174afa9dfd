"""Checks of a gateway."""

from collections.abc import Iterator

from poseway.client import Client
from poseway.doctor.finding import Finding, fail, ok
from poseway.errors import PosewayError, RefusedError, UnavailableError


def examine_gateway(url: str | None, key: str | None) -> Iterator[Finding]:
    """Checks a gateway from the point of view of a client.

    Args:
        url: Address of the gateway; None if none was given and none runs on this machine.
        key: API key, if any.
    """
    if url is None:
        yield ok("gateway", "none runs here; `poseway up` starts one")
        return
    try:
        with Client(url, key, patience_seconds=0) as client:
            yield _ready(client)
            yield _access(client, key)
            names = ", ".join(model.name for model in client.models())
            yield ok("models of the gateway", names)
    except UnavailableError as error:
        yield fail("gateway", error.message, "Start it with `poseway up`, or correct --url.")
    except RefusedError:
        return  # already reported
    except PosewayError as error:
        yield fail(
            "gateway",
            f"{error.code}: {error.message}",
            "Check that --url is the address of Poseway.",
        )


def _ready(client: Client) -> Finding:
    try:
        client.ready()
    except UnavailableError as error:
        if error.__cause__ is not None:
            raise
        return fail("gateway", f"{client.url}: {error.message}", "Check its logs.")
    return ok("gateway", f"{client.url} accepts jobs")


def _access(client: Client, key: str | None) -> Finding:
    try:
        session = client.session()
    except RefusedError as error:
        if key:
            return fail("API key", error.message, "Pass a valid key with --key.")
        return fail("API key", "this gateway needs one", "Pass it with --key or POSEWAY_API_KEY.")
    if session.auth == "off":
        return ok("API key", "none is needed")
    return ok("API key", f"is {session.name}")
