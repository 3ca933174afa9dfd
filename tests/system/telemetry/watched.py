"""A monitored system: every service exports metrics, and traces go to a collector."""

import os
from collections.abc import Callable
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.local.supervisor import Process
from tests.support.waiting import first_answer

SERVICES = ("api", "dispatcher", "inference", "tracker", "renderer")


class WatchedStack(Stack):
    """A system whose services serve their metrics.

    Attributes:
        metrics: Address of each service's port for metrics.
    """

    def __init__(self, data_dir: Path, env: dict[str, str]) -> None:
        ports = free_ports(len(SERVICES) + 1)
        self._ports = dict(zip(SERVICES, ports, strict=False))
        self.metrics = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        super().__init__(data_dir, ports[-1], env)

    def _python(
        self, name: str, module: str, env: dict[str, str], ready: Callable[[], bool]
    ) -> Process:
        return super()._python(
            name, module, env | {"POSEWAY_METRICS_PORT": str(self._ports[name])}, ready
        )

    def scraped(self, service: str) -> str:
        """Metrics of a service as text; waits for one that is starting."""
        url = f"{self.metrics[service]}/metrics"
        answer = first_answer(lambda: httpx.get(url, timeout=60, trust_env=False))
        return answer.raise_for_status().text

    def samples(self, service: str) -> list[Sample]:
        """Current samples of all series of a service."""
        families = text_string_to_metric_families(self.scraped(service))
        return [sample for family in families for sample in family.samples]

    def value(self, service: str, name: str, **labels: str) -> float:
        """Sum of a metric over all series with these labels."""
        return sum(
            sample.value
            for sample in self.samples(service)
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def environment() -> dict[str, str]:
    """The environment without variables that would affect a system under test."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("POSEWAY_", "OTEL_"))}
