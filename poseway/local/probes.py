"""Readiness probes of a local system's services."""

import urllib.error
import urllib.request
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def is_ready(gateway_url: str) -> bool:
    """Whether a gateway accepts jobs."""
    try:
        with urllib.request.urlopen(f"{gateway_url}/readyz", timeout=5):  # noqa: S310 # our own
            return True
    except (OSError, urllib.error.URLError):
        return False


def serves(address: str) -> bool:
    """Whether the gRPC service at a ``host:port`` passes its health check."""
    with grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods have no types
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
