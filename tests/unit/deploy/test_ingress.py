"""The ingress routes to the api, which takes clients' addresses from it."""

import asyncio
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tests.support.deploy.objects import Object, named, of_kind, overlay, template


def test_ingress_routes_to_the_api_with_tls() -> None:
    objects = overlay("production")
    (ingress,) = of_kind(objects, "Ingress")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    backend = path["backend"]["service"]
    service = named(objects, "Service", backend["name"])
    assert backend["name"] == "gateway-api"
    assert backend["port"]["name"] in [port["name"] for port in service["spec"]["ports"]]
    assert rule["host"] in ingress["spec"]["tls"][0]["hosts"]


def believed() -> str:
    """Returns the networks that the api trusts."""
    gateway = named(overlay("production"), "Deployment", "gateway-api")
    (container,) = template(gateway)["spec"]["containers"]
    (value,) = [v["value"] for v in container["env"] if v["name"] == "POSEWAY_TRUSTED_PROXIES"]
    return str(value)


def seen(peer: str, forwarded: bytes) -> tuple[str, str]:
    """Returns address and scheme of a client as the api sees them behind uvicorn."""
    found: list[tuple[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 # ASGI
        found.append((scope["client"][0], scope["scheme"]))

    async def nothing(*_: object) -> Any:  # noqa: ANN401 # neither received nor sent
        return None

    headers = [(b"x-forwarded-for", forwarded), (b"x-forwarded-proto", b"https")]
    scope: Object = {"type": "http", "scheme": "http", "client": (peer, 1), "headers": headers}
    asked: Any = scope
    asyncio.run(ProxyHeadersMiddleware(app, believed())(asked, nothing, nothing))
    return found[0]


@pytest.mark.parametrize(
    "peer", ["10.244.1.5", "172.20.0.9", "192.168.7.7", "100.64.3.2", "fd00::5"]
)
def test_forwarded_address_is_taken_from_the_ingress_only(peer: str) -> None:
    assert seen(peer, b"1.1.1.1, 8.8.4.4") == ("8.8.4.4", "https")


def test_forwarded_address_from_a_direct_client_is_ignored() -> None:
    assert seen("8.8.4.4", b"1.1.1.1") == ("8.8.4.4", "http")
