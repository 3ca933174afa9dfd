"""Creates secrets with the Kubernetes API."""

import ssl
import time
from pathlib import Path
from typing import Final, Self

import httpx
import structlog

from poseway.errors import PosewayError, UnavailableError

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the token, the certificate and the namespace of its service account."""

_LABELS: Final = {"app.kubernetes.io/part-of": "poseway"}
_PATIENCE_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class Cluster:
    """Creates secrets in the namespace of the pod's service account."""

    def __init__(
        self, url: str, account: Path = ACCOUNT, patience: float = _PATIENCE_SECONDS
    ) -> None:
        """Reads the service account.

        Args:
            url: URL of the Kubernetes API.
            account: Folder with the files ``token``, ``namespace`` and ``ca.crt``.
            patience: Seconds to wait for an unavailable API.

        Raises:
            PosewayError: There is no service account.
        """
        try:
            token = (account / "token").read_text().strip()
            self.namespace = (account / "namespace").read_text().strip()
            trusted = ssl.create_default_context(cafile=str(account / "ca.crt"))
        except OSError as error:
            raise PosewayError(
                f"There is no service account in {account}. Run this in a pod of the cluster whose "
                "service account may create secrets and has its token mounted."
            ) from error
        self._patience = patience
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, verify=trusted, timeout=10
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def make_secret(self, name: str, values: dict[str, str]) -> bool:
        """Creates a secret unless it exists.

        Args:
            name: Name of the secret.
            values: Keys and values of the secret.

        Returns:
            Whether the secret was created.

        Raises:
            UnavailableError: The API cannot be reached or cannot serve the request.
            PosewayError: The API refuses, for example because the service account lacks the right.
        """
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": _LABELS},
            "stringData": values,
        }
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        end = time.monotonic() + self._patience
        while True:
            try:
                answer = self._http.post(path, json=secret)
                reason = f"answers {answer.status_code}: {_message(answer)}"
            except httpx.TransportError as error:
                answer, reason = None, f"cannot be reached: {error}"
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                break
            if time.monotonic() > end:
                raise UnavailableError(f"The Kubernetes API {reason}")
            log.warning("retrying", secret=name, reason=reason)
            time.sleep(_PAUSE_SECONDS)
        if answer.status_code not in (201, 409):
            raise PosewayError(f"Secret {name} cannot be made: the Kubernetes API {reason}")
        return answer.status_code == 201


def _message(answer: httpx.Response) -> str:
    """The API's error message, or the HTTP reason if the response is not the API's."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
