"""What is asked of a gateway."""

from collections.abc import Iterator

from poseway.client import Client
from poseway.doctor.finding import Finding, fail, ok
from poseway.errors import PosewayError, RefusedError, UnavailableError


def examine_gateway(url: str | None, key: str | None) -> Iterator[Finding]:
    """Looks at a gateway as a client sees it.

    Args:
        url: Its address; None if nobody named one and none runs here.
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
            yield ok("its models", names)
    except UnavailableError as error:
        yield fail("gateway", error.message, "Start it with `poseway up`, or correct --url.")
    except RefusedError:
        return  # has been told
    except PosewayError as error:
        yield fail("gateway", f"{error.code}: {error.message}", "See that --url is a Poseway.")


def _ready(client: Client) -> Finding:
    try:
        client.ready()
    except UnavailableError as error:
        if error.__cause__ is not None:
            raise
        return fail("gateway", f"{client.url}: {error.message}", "See its logs.")
    return ok("gateway", f"{client.url} takes jobs")


def _access(client: Client, key: str | None) -> Finding:
    try:
        session = client.session()
    except RefusedError as error:
        if key:
            return fail("API key", error.message, "Give one that counts with --key.")
        return fail("API key", "this gateway wants one", "Give it with --key or POSEWAY_API_KEY.")
    if session.auth == "off":
        return ok("API key", "none is needed")
    return ok("API key", f"is {session.name}")
