"""Kubernetes' restricted Pod Security Standard: all of its controls, including the baseline's."""

from collections.abc import Iterator
from typing import Any, Final

from tests.support.deploy.objects import Object, containers

VOLUMES: Final = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SECCOMP: Final = {"RuntimeDefault", "Localhost"}
APPARMOR: Final = {"RuntimeDefault", "Localhost"}
APPARMOR_KEY: Final = "container.apparmor.security.beta.kubernetes.io/"
SELINUX: Final = {
    "",
    "container_t",
    "container_init_t",
    "container_kvm_t",
    "container_engine_t",
}
SYSCTLS: Final = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
ASKERS: Final = ("startupProbe", "readinessProbe", "livenessProbe")


def violations(template: Object) -> list[str]:
    """Returns the violations of the standard in a pod template."""
    pod = template["spec"]
    found = [*_of_pod(template)]
    for container in containers(pod):
        name = container["name"]
        found += [f"{name}: {what}" for what in _of_container(container, pod)]
    return found


def _of_pod(template: Object) -> Iterator[str]:
    pod = template["spec"]
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    context = pod.get("securityContext", {})
    for sysctl in context.get("sysctls", ()):
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    for volume in pod.get("volumes", ()):
        kinds = set(volume) - {"name"}
        if len(kinds) != 1 or not kinds <= VOLUMES:
            yield f"volume {volume['name']} is {sorted(kinds)}"
    for key, value in template.get("metadata", {}).get("annotations", {}).items():
        fits = value == "runtime/default" or value.startswith("localhost/")
        if key.startswith(APPARMOR_KEY) and not fits:
            yield f"AppArmor {value}"
    yield from _either(context)


def _either(context: Object) -> Iterator[str]:
    """Yields violations that are possible in pods and in containers."""
    options = context.get("seLinuxOptions", {})
    if options.get("type", "") not in SELINUX or options.get("user") or options.get("role"):
        yield "seLinuxOptions"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in APPARMOR:
        yield "appArmorProfile"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield "seccompProfile is not one that confines"
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"
    if context.get("runAsNonRoot") is False:
        yield "runAsNonRoot is false"


def _of_container(container: Object, pod: Object) -> Iterator[str]:
    context = container.get("securityContext", {})
    above = pod.get("securityContext", {})
    yield from _either(context)
    if context.get("privileged"):
        yield "privileged"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if "seccompProfile" not in context and "seccompProfile" not in above:
        yield "no seccompProfile"
    if not context.get("runAsNonRoot", above.get("runAsNonRoot")):
        yield "may run as root"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "keeps capabilities"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "hostPort"
    if any(_host(handler) for handler in _handlers(container)):
        yield "a probe or hook asks another host"


def _handlers(container: Object) -> Iterator[Object]:
    yield from (container[key] for key in ASKERS if key in container)
    hooks = container.get("lifecycle", {})
    yield from (hooks[key] for key in ("postStart", "preStop") if key in hooks)


def _host(handler: Object) -> Any:  # noqa: ANN401 # a name or None
    return handler.get("httpGet", {}).get("host") or handler.get("tcpSocket", {}).get("host")
