"""A model of network policies: which connections they allow."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.support.deploy.objects import Object, selects


@dataclass(frozen=True)
class Place:
    """A pod, or an address outside the cluster.

    Attributes:
        name: Name used in the tests.
        namespace: Namespace of the pod; empty outside the cluster.
        labels: Labels of the pod.
        address: IP address.
    """

    name: str
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    address: str = "10.244.0.7"


def allowed(
    policies: list[Object], source: Place, target: Place, port: int, protocol: str = "TCP"
) -> bool:
    """Whether `source` may open a connection to `port` of `target`.

    Args:
        policies: Policies of all namespaces.
        source: The caller.
        target: The pod or address called.
        port: Port of the target pod, not of a service.
        protocol: TCP or UDP.
    """
    return _lets(policies, source, target, "Egress", port, protocol) and _lets(
        policies, target, source, "Ingress", port, protocol
    )


def _lets(
    policies: list[Object], pod: Place, other: Place, way: str, port: int, protocol: str
) -> bool:
    """Whether the policies of `pod` allow a connection; without policies, all are allowed."""
    of_pod = [policy for policy in policies if way in _ways(policy) and _is_for(policy, pod)]
    if not of_pod:
        return True
    return any(
        _has_peer(rule, policy, other, way) and _has_port(rule, port, protocol)
        for policy in of_pod
        for rule in policy["spec"].get(way.lower(), ())
    )


def _ways(policy: Object) -> list[str]:
    ways: list[str] = policy["spec"]["policyTypes"]
    return ways


def _is_for(policy: Object, pod: Place) -> bool:
    return policy["metadata"]["namespace"] == pod.namespace and selects(
        policy["spec"]["podSelector"], pod.labels
    )


def _has_peer(rule: Object, policy: Object, other: Place, way: str) -> bool:
    peers = rule.get("from" if way == "Ingress" else "to")
    return not peers or any(_is_peer(peer, policy, other) for peer in peers)


def _is_peer(peer: Object, policy: Object, other: Place) -> bool:
    if "ipBlock" in peer:
        address, block = ip_address(other.address), peer["ipBlock"]
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(cidr) for cidr in block.get("except", ())
        )
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        labels = {"kubernetes.io/metadata.name": other.namespace}
        if not selects(peer["namespaceSelector"], labels):
            return False
    elif other.namespace != policy["metadata"]["namespace"]:
        return False
    return selects(peer.get("podSelector", {}), other.labels)


def _has_port(rule: Object, port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    if not ports:
        return True
    return any(
        entry.get("protocol", "TCP") == protocol
        and entry["port"] <= port <= entry.get("endPort", entry["port"])
        for entry in ports
    )
