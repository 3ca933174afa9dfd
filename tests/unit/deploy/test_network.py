"""Network policies allow the connections of the design and no others."""

import copy
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from poseway_gateway.api.webhooks.ssrf_guard import is_public
from tests.support.deploy.network import Place, allowed
from tests.support.deploy.objects import (
    Object,
    called,
    component,
    named,
    of_kind,
    overlay,
    template,
    with_components,
    workloads,
)

KUBERNETES = (443, 6443, 8443, 16443)
PORTS = (53, 80, *KUBERNETES, 4222, 4318, 5432, 6222, 8080, 8222, 9000, 9001, 9090, 50051)
METERED = ("gateway-api", "gateway-dispatcher", "inference", "tracker", "renderer")
STORING = ("gateway-api", "gateway-dispatcher", "renderer")
CALLED = ("inference", "tracker", "renderer")
DECODING = ("gateway-dispatcher", "renderer")
SETUP = ("setup-secrets", "setup-bucket")
INSIDE = ("local", "gpu")

INTERNET = Place("internet", address="93.184.215.14")
STORAGE = Place("storage", address="192.0.2.10")
OUTSIDE = (
    INTERNET,
    STORAGE,
    Place("intranet", address="10.1.2.3"),
    Place("metadata", address="169.254.169.254"),
    Place("stranger", "default", {"app.kubernetes.io/component": "gateway-dispatcher"}),
    Place("system", "kube-system", {"k8s-app": "other"}),
    Place("dns", "kube-system", {"k8s-app": "kube-dns"}),
    Place("prometheus", "monitoring"),
    Place("keda", "keda"),
)

Arrow = tuple[str, str, int]


def pods(objects: list[Object]) -> list[Place]:
    """Returns the parts of an overlay, some of which have several workloads."""
    found = {
        component(item): Place(
            component(item), "poseway", template(item)["metadata"]["labels"], "10.244.0.7"
        )
        for item in workloads(objects)
    }
    return list(found.values())


def arrows(objects: list[Object]) -> set[Arrow]:
    """Returns all allowed connections between Poseway's parts and to the outside."""
    policies = of_kind(objects, "NetworkPolicy")
    ours = pods(objects)
    places = [*ours, *OUTSIDE]
    return {
        (source.name, target.name, port)
        for source in places
        for target in places
        for port in PORTS
        if (source in ours or target in ours)
        and allowed(policies, source, target, port, "UDP" if port == 53 else "TCP")
    }


def design(name: str) -> Iterator[Arrow]:
    """Yields the connections of the design between the parts of an overlay."""
    yield from ((place.name, "gateway-api", 8080) for place in OUTSIDE)
    yield from (("prometheus", part, 9090) for part in METERED)
    yield from (("gateway-dispatcher", part, 50051) for part in CALLED)
    yield from ((part, "nats", 4222) for part in ("gateway-api", "gateway-dispatcher"))
    yield from ((part, "dns", 53) for part in (*STORING, "nats", *SETUP))
    yield "nats", "nats", 6222
    yield "keda", "nats", 8222
    if name in INSIDE:
        yield from ((part, "minio", 9000) for part in (*STORING, "setup-bucket"))
    else:
        yield from ((part, "storage", 443) for part in STORING)
    # Webhooks. On port 53 the model asks for UDP.
    yield from (("gateway-api", "internet", port) for port in PORTS if port != 53)
    # The address of the Kubernetes API is not known in advance.
    yield from (("setup-secrets", place.name, port) for place in OUTSIDE for port in KUBERNETES)


def test_policies_allow_exactly_the_connections_of_the_design(
    objects: list[Object], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["objects"]
    there = {place.name for place in pods(objects)}
    known = there | {place.name for place in OUTSIDE}
    wanted = {arrow for arrow in design(name) if set(arrow[:2]) <= known}
    found = arrows(objects)
    assert found - wanted == set(), "allowed but not in the design"
    assert wanted - found == set(), "in the design but not allowed"


def test_decoders_of_videos_cannot_reach_the_internet(objects: list[Object]) -> None:
    found = arrows(objects)
    for part in DECODING:
        assert not [arrow for arrow in found if arrow[:2] == (part, "internet")]


def test_only_the_api_is_reachable_from_outside(objects: list[Object]) -> None:
    reached = {target for source, target, _ in arrows(objects) if source == "internet"}
    assert reached == {"gateway-api"}
    # No service is of a type that is exposed outside the cluster.
    for service in of_kind(objects, "Service"):
        assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_default_policy_denies_all_traffic(objects: list[Object]) -> None:
    policy = named(objects, "NetworkPolicy", "deny-all")
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_policies_select_existing_pods(objects: list[Object]) -> None:
    there = {place.name for place in pods(objects)} | {"minio", "nats", *SETUP}
    for policy in of_kind(objects, "NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        for expression in selector.get("matchExpressions", ()):
            assert set(expression["values"]) <= there, called(policy)
        assert set(selector.get("matchLabels", {}).values()) <= there, called(policy)


def webhook_blocks() -> list[Object]:
    policy = named(overlay("production"), "NetworkPolicy", "gateway-api")
    rules = policy["spec"]["egress"]
    return [peer["ipBlock"] for rule in rules for peer in rule["to"] if "ipBlock" in peer]


def edges(cidr: str) -> Iterator[str]:
    """Yields the first and last address of a network and their neighbours outside."""
    network = ip_network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    for number in (first - 1, first, last, last + 1):
        if 0 <= number < 1 << network.max_prefixlen:
            yield str(type(network.network_address)(number))


# Reserved for protocols and examples. Python considers some of their addresses public.
UNASSIGNED = [ip_network(cidr) for cidr in ("192.0.0.0/24", "2001::/23", "3fff::/20")]


def test_policy_and_service_allow_the_same_webhook_addresses() -> None:
    policies = of_kind(overlay("production"), "NetworkPolicy")
    (gateway,) = [place for place in pods(overlay("production")) if place.name == "gateway-api"]
    asked = ["10.9.8.7", "172.31.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "1.1.1.1"]
    asked += ["fd00::1", "fe80::1", "::1", "::ffff:10.0.0.1", "2606:4700:4700::1111", "ff02::1"]
    for block in webhook_blocks():
        for cidr in (block["cidr"], *block["except"]):
            asked += edges(cidr)
    assert len(asked) > 60
    for address in asked:
        let = allowed(policies, gateway, Place("somewhere", address=address), 8443)
        if not any(ip_address(address) in network for network in UNASSIGNED):
            assert let is is_public(address), address
        else:
            assert not let, address


def policy(**spec: object) -> Object:
    ways = [way for way in ("Ingress", "Egress") if way.lower() in spec]
    return {
        "metadata": {"namespace": "poseway"},
        "spec": {"podSelector": {}, "policyTypes": ways, **spec},
    }


A = Place("a", "poseway", {"app": "a"})
B = Place("b", "poseway", {"app": "b"})
C = Place("c", "other", {"app": "a"})


def ingress(*peers: Object, **rule: object) -> list[Object]:
    return [policy(ingress=[{"from": list(peers), **rule}])]


def test_model_of_policies_evaluates_peers() -> None:
    of_a = {"podSelector": {"matchLabels": {"app": "a"}}}
    other = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}
    assert allowed([], A, B, 80), "without policies everything is allowed"
    assert not allowed([policy(ingress=[])], A, B, 80)
    assert allowed([policy(ingress=[])], B, C, 80), "policies do not apply to other namespaces"
    assert not allowed([policy(egress=[])], B, C, 80)
    assert allowed(ingress(), C, B, 80), "an empty list of peers means all peers"
    assert allowed(ingress(of_a), A, B, 80)
    assert not allowed(ingress(of_a), B, A, 80)
    assert not allowed(ingress(of_a), C, B, 80), "a pod selector applies to the policy's namespace"
    assert allowed(ingress(other), C, B, 80)
    assert allowed(ingress(other | of_a), C, B, 80)
    of_b = {"podSelector": {"matchLabels": {"app": "b"}}}
    assert not allowed(ingress(other | of_b), C, B, 80), "both selectors must match"


def test_model_of_policies_evaluates_ports() -> None:
    assert allowed(ingress(ports=[{"port": 80}]), A, B, 80)
    assert not allowed(ingress(ports=[{"port": 80}]), A, B, 81)
    assert not allowed(ingress(ports=[{"port": 80}]), A, B, 80, "UDP")
    span = [{"port": 80, "endPort": 90}]
    assert allowed(ingress(ports=span), A, B, 90)
    assert not allowed(ingress(ports=span), A, B, 91)


def test_model_of_policies_evaluates_addresses() -> None:
    block = {"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.0/28"]}}
    assert allowed(ingress(block), STORAGE, B, 80) is False
    wider = copy.deepcopy(block)
    wider["ipBlock"]["except"] = ["192.0.2.0/29"]
    assert allowed(ingress(wider), STORAGE, B, 80)
    assert not allowed(ingress(wider), INTERNET, B, 80)
    assert not allowed(ingress(wider), Place("v6", address="2001:db8::1"), B, 80)


def test_traces_reach_only_the_collector(tmp_path: Path) -> None:
    without = arrows(with_components(tmp_path / "without", "network-policies"))
    traced = with_components(tmp_path / "traced", "network-policies", "traces")
    new = arrows(traced) - without
    silent = ("inference", "tracker")
    assert new == {(part, "prometheus", 4318) for part in METERED} | {
        (part, "dns", 53) for part in silent
    }
    for name in METERED:
        (container,) = template(named(traced, "Deployment", name))["spec"]["containers"]
        said = {v["name"]: v["value"] for v in container["env"]}
        assert said["POSEWAY_TRACES_ENDPOINT"].endswith(".monitoring:4318")
