"""All pods meet the restricted Pod Security Standard and stricter rules of the project."""

import copy
from typing import Any

import pytest

from tests.support.deploy.objects import (
    K8S,
    Object,
    build,
    called,
    containers,
    named,
    template,
    workloads,
)
from tests.support.deploy.standard import violations

# The only pod that uses the Kubernetes API.
SPEAKER = "Job setup-secrets"


def test_pods_meet_the_restricted_standard(objects: list[Object]) -> None:
    found = {called(item): violations(template(item)) for item in workloads(objects)}
    assert len(found) >= 5
    assert not any(found.values()), found


def test_pods_have_minimal_permissions(objects: list[Object]) -> None:
    for item in workloads(objects):
        pod = template(item)["spec"]
        speaks = called(item) == SPEAKER
        assert pod["automountServiceAccountToken"] is speaks, called(item)
        assert pod["enableServiceLinks"] is False, called(item)
        for container in containers(pod):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, called(item)
            assert container["resources"]["limits"]["memory"], called(item)
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), called(item)


def test_disk_volumes_are_limited(objects: list[Object]) -> None:
    for item in workloads(objects):
        for volume in template(item)["spec"].get("volumes", ()):
            if "emptyDir" in volume:
                assert volume["emptyDir"]["sizeLimit"], f"{called(item)}: {volume['name']}"


def test_decoding_processes_have_less_memory_than_their_pod(objects: list[Object]) -> None:
    own = 300  # MiB, for the service itself
    found = set()
    for item in workloads(objects):
        for container in containers(template(item)["spec"]):
            env = {each["name"]: each.get("value") for each in container.get("env", ())}
            if "POSEWAY_DECODE_MEMORY_MB" in env:
                found.add(container["name"])
                side_by_side = env.get("POSEWAY_MAX_CALLS") or env.get("POSEWAY_JOBS_AT_ONCE") or 1
                most = int(side_by_side) * int(env["POSEWAY_DECODE_MEMORY_MB"]) + own
                assert most <= mebibytes(container["resources"]["limits"]["memory"])
                # Child processes are started through a socket in /tmp; all else is read-only.
                assert "/tmp" in {each["mountPath"] for each in container["volumeMounts"]}  # noqa: S108
    assert found == {"gateway-dispatcher", "renderer"}


def mebibytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def pod() -> Object:
    item = named(build(K8S / "base"), "Deployment", "gateway-api")
    made: Object = copy.deepcopy(template(item))
    for kind in ("initContainers", "ephemeralContainers"):
        made["spec"][kind] = [copy.deepcopy(made["spec"]["containers"][0])]
    return made


def test_pod_used_in_negative_tests_is_valid() -> None:
    assert violations(pod()) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hostNetwork", True),
        ("hostPID", True),
        ("hostIPC", True),
        ("volumes", [{"name": "etc", "hostPath": {"path": "/etc"}}]),
        ("volumes", [{"name": "old", "nfs": {"server": "a", "path": "/"}}]),
        ("securityContext", {}),
        ("securityContext", {"runAsNonRoot": True}),
        ("securityContext", {"seccompProfile": {"type": "RuntimeDefault"}}),
        ("securityContext", {"runAsNonRoot": True, "seccompProfile": {"type": "Unconfined"}}),
    ],
)
def test_pod_that_violates_the_standard_is_detected(key: str, value: object) -> None:
    spoilt = pod()
    spoilt["spec"][key] = value
    assert violations(spoilt)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("runAsUser", 0),
        ("seLinuxOptions", {"type": "spc_t"}),
        ("seLinuxOptions", {"user": "system_u"}),
        ("windowsOptions", {"hostProcess": True}),
        ("appArmorProfile", {"type": "Unconfined"}),
        ("sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    ],
)
def test_pod_context_that_violates_the_standard_is_detected(key: str, value: object) -> None:
    spoilt = pod()
    spoilt["spec"]["securityContext"][key] = value
    assert violations(spoilt)


@pytest.mark.parametrize("kind", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("privileged", True),
        ("allowPrivilegeEscalation", True),
        ("allowPrivilegeEscalation", None),
        ("runAsNonRoot", False),
        ("runAsUser", 0),
        ("procMount", "Unmasked"),
        ("seccompProfile", {"type": "Unconfined"}),
        ("appArmorProfile", {"type": "Unconfined"}),
        ("seLinuxOptions", {"role": "system_r"}),
        ("windowsOptions", {"hostProcess": True}),
        ("capabilities", {}),
        ("capabilities", {"drop": ["NET_RAW"]}),
        ("capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    ],
)
def test_container_that_violates_the_standard_is_detected(
    kind: str, key: str, value: object
) -> None:
    spoilt = pod()
    context: dict[str, Any] = spoilt["spec"][kind][0]["securityContext"]
    context[key] = value
    assert violations(spoilt)


@pytest.mark.parametrize("kind", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("securityContext", {}),
        ("ports", [{"containerPort": 80, "hostPort": 80}]),
        ("livenessProbe", {"httpGet": {"host": "10.0.0.1", "port": 80}}),
        ("lifecycle", {"postStart": {"tcpSocket": {"host": "10.0.0.1", "port": 80}}}),
    ],
)
def test_container_with_excess_privileges_is_detected(kind: str, key: str, value: object) -> None:
    spoilt = pod()
    spoilt["spec"][kind][0][key] = value
    assert violations(spoilt)


def test_annotation_that_disables_the_profile_is_detected() -> None:
    spoilt = pod()
    key = "container.apparmor.security.beta.kubernetes.io/gateway-api"
    spoilt["metadata"]["annotations"] = {key: "unconfined"}
    assert violations(spoilt)
