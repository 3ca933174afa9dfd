"""``python -m deploy.setup.secrets [NAME...]``: creates the secrets that are missing.

Pods wait for the secrets that they need. Existing secrets are kept, so this is safe to repeat, and
operators can create secrets with values of their own first. No value is ever logged.
"""

import os
import secrets
import sys
from collections.abc import Callable
from typing import Final

import structlog

from deploy.setup.cluster import Cluster
from poseway.errors import PosewayError
from poseway.settings import Settings
from poseway.telemetry import logs

log = structlog.get_logger(__name__)

MADE: Final[dict[str, Callable[[], dict[str, str]]]] = {
    # The services' user in object storage. MinIO accepts secrets of up to 40 characters.
    "storage": lambda: {
        "POSEWAY_S3_ACCESS_KEY": "poseway",
        "POSEWAY_S3_SECRET_KEY": secrets.token_hex(20),
    },
    "minio-root": lambda: {
        "MINIO_ROOT_USER": f"root{secrets.token_hex(4)}",
        "MINIO_ROOT_PASSWORD": secrets.token_hex(20),
    },
    # NATS reads the token as a configuration value, so it must not start like a number.
    "queue": lambda: {"POSEWAY_NATS_TOKEN": f"nats_{secrets.token_hex(32)}"},
    "access": lambda: {
        "POSEWAY_FIRST_KEY": f"pw_{secrets.token_hex(4)}_{secrets.token_hex(20)}",
        "POSEWAY_SIGNING_KEY": secrets.token_hex(32),
    },
}
"""Generators of the values, by name of the secret."""


def make(cluster: Cluster, names: list[str]) -> None:
    """Creates the named secrets that are missing.

    Raises:
        PosewayError: A name is unknown; or see `Cluster.make_secret`.
    """
    if unknown := [name for name in names if name not in MADE]:
        raise PosewayError(f"There is no secret {unknown[0]!r}. Choose from: {', '.join(MADE)}.")
    for name in names:
        made = cluster.make_secret(name, MADE[name]())
        log.info("created" if made else "kept", secret=name, namespace=cluster.namespace)


def main() -> None:
    """Creates the secrets named as arguments, or all."""
    logs.start("setup", Settings().log_level)
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        with Cluster(url) as cluster:
            make(cluster, sys.argv[1:] or list(MADE))
    except PosewayError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
