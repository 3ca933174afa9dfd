"""A whole local system: object storage, queue, services and page."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from poseway.errors import PosewayError
from poseway.local.bucket import make_first_key, storage_settings
from poseway.local.data_dir import WEED_SECRETS, is_locked, load_secrets, lock
from poseway.local.errors import StackError
from poseway.local.ports import HOST, bypass_proxies, free_ports, is_free, reached_at
from poseway.local.probes import is_ready, serves
from poseway.local.supervisor import Process, Supervisor, find_program
from poseway.paths import ROOT
from poseway.storage import ObjectStore


class Stack:
    """A local system whose data is in one directory.

    Attributes:
        gateway_url: URL of the page and the API.
        inference_address: ``host:port`` of the inference service.
        tracker_address: ``host:port`` of the tracker.
        renderer_address: ``host:port`` of the renderer.
        store: The bucket.
        first_key: API key that `start` created because one is needed and there was none.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        env: dict[str, str] | None = None,
        host: str = HOST,
    ) -> None:
        """Prepares a system without starting it.

        Args:
            data_dir: Directory of objects, queue, secrets and logs. Reused by the next start.
            port: Port of the page and the API. None picks 8080 or, if that is in use, a free one.
            env: Further settings of the services, ``POSEWAY_*``.
            host: Address that the page and the API listen on.

        Raises:
            StackError: Another system runs on the directory.
        """
        self.data_dir = data_dir.resolve()
        self.data_dir.mkdir(0o700, parents=True, exist_ok=True)
        self._lock = lock(self.data_dir / "lock")
        # A system that was killed leaves its address behind.
        (self.data_dir / "stack.json").unlink(missing_ok=True)
        self._host, reached = host, reached_at(host)
        bypass_proxies(reached)
        self._env = env or {}
        self._secrets = load_secrets(self.data_dir / "secrets.json")
        # The page's port may be among them, as it is still free.
        ports = (free for free in free_ports(16) if free != port)
        self._weed_ports = {name: next(ports) for name in _WEED_PORTS}
        self._nats_port = next(ports)
        self.inference_address = f"{HOST}:{next(ports)}"
        self.tracker_address = f"{HOST}:{next(ports)}"
        self.renderer_address = f"{HOST}:{next(ports)}"
        fallback = next(ports)
        self._port = port or (8080 if is_free(8080, reached) else fallback)
        self.gateway_url = f"http://{f'[{reached}]' if ':' in reached else reached}:{self._port}"
        endpoint = f"http://{HOST}:{self._weed_ports['s3.port']}"
        self.storage_settings = storage_settings(endpoint, self._secrets)
        self.store = ObjectStore(self.storage_settings)
        self.first_key: str | None = None
        self._supervisor: Supervisor | None = None

    @property
    def env(self) -> dict[str, str]:
        """Environment variables with which a service finds the others."""
        return {
            "POSEWAY_S3_ENDPOINT": self.storage_settings.s3_endpoint or "",
            "POSEWAY_S3_ACCESS_KEY": self._secrets["s3_access_key"],
            "POSEWAY_S3_SECRET_KEY": self._secrets["s3_secret_key"],
            "POSEWAY_NATS_URL": f"nats://{HOST}:{self._nats_port}",
            "POSEWAY_NATS_TOKEN": self._secrets["nats_token"],
            "POSEWAY_INFERENCE_ADDRESS": self.inference_address,
            "POSEWAY_TRACKER_ADDRESS": self.tracker_address,
            "POSEWAY_RENDERER_ADDRESS": self.renderer_address,
            **self._env,
        }

    def start(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """Starts everything and waits until jobs are accepted.

        Args:
            tell: Called with what is being started.

        Raises:
            StackError: A process does not start, or the port is in use.
        """
        if not is_free(self._port, reached_at(self._host)):
            raise StackError(f"Port {self._port} is in use. Choose another with --port.")
        logs = self.data_dir / "logs"
        shutil.rmtree(logs, ignore_errors=True)
        self._supervisor = Supervisor(logs, keep_open=(self._lock,))
        try:
            tell("object storage and queue")
            self._supervisor.start([self._object_storage(), self._queue()])
            self.store.ensure_bucket()
            self.first_key = make_first_key(self.store, self._host, self.env)
            tell("inference, tracker, renderer, gateway")
            self._supervisor.start(
                [
                    self._grpc("inference", self.inference_address),
                    self._grpc("tracker", self.tracker_address),
                    self._grpc("renderer", self.renderer_address),
                    self._python("dispatcher", "poseway_gateway.dispatcher", {}, lambda: True),
                    self._api(),
                ]
            )
        except BaseException:
            self.stop()
            raise
        state = {
            "gateway_url": self.gateway_url,
            "s3_endpoint": self.storage_settings.s3_endpoint,
        }
        path = self.data_dir / "stack.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(state))

    def pid(self, name: str) -> int:
        """Returns the current process id of a service; for tests that disturb it."""
        if self._supervisor is None:
            raise StackError("The system is not running.")
        return self._supervisor.pid(name)

    def stop(self) -> None:
        """Stops everything. Safe to repeat."""
        (self.data_dir / "stack.json").unlink(missing_ok=True)
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _object_storage(self) -> Process:
        directory = self.data_dir / "s3"
        directory.mkdir(exist_ok=True)
        # Its files are world-readable, and include videos and the key that signs sessions.
        directory.chmod(0o700)
        options = {
            "dir": str(directory),
            "ip": HOST,
            "ip.bind": HOST,
            "webdav": "false",
            "admin.ui": "false",
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "master.telemetry": "false",
            "s3.autoCreateBucket": "false",
            "s3.allowDeleteBucketNotEmpty": "false",
            **{name: str(port) for name, port in self._weed_ports.items()},
        }
        return Process(
            "object-storage",
            [_program("weed"), "mini", *(f"-{name}={value}" for name, value in options.items())],
            {
                "AWS_ACCESS_KEY_ID": self._secrets["s3_access_key"],
                "AWS_SECRET_ACCESS_KEY": self._secrets["s3_secret_key"],
                "GOMEMLIMIT": "400MiB",
                # Without these, its other ports would serve the bucket to anyone.
                **{name: self._secrets[name] for name in WEED_SECRETS},
            },
            self._storage_ready,
        )

    def _storage_ready(self) -> bool:
        """Whether storage works. It responds before it works, so this puts and gets an object."""
        try:
            self.store.ensure_bucket()
            self.store.put("ready", b"ready", "text/plain")
            return self.store.get("ready")[0] == b"ready"
        except PosewayError:
            return False

    def _queue(self) -> Process:
        config = self.data_dir / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"host: {HOST}\n"
            f"port: {self._nats_port}\n"
            f"authorization {{ token: {json.dumps(self._secrets['nats_token'])} }}\n"
            f"jetstream {{ store_dir: {json.dumps(str(self.data_dir / 'nats'))}\n"
            "  sync_interval: always }\n"
        )
        return Process(
            "queue",
            [_program("nats-server"), "-c", str(config)],
            {},
            lambda: not is_free(self._nats_port),
        )

    def _grpc(self, name: str, address: str) -> Process:
        port = address.rpartition(":")[2]
        return self._python(
            name, f"poseway_{name}", {"POSEWAY_PORT": port}, lambda: serves(address)
        )

    def _api(self) -> Process:
        env = {
            "POSEWAY_PORT": str(self._port),
            "POSEWAY_HOST": self._host,
            # Makes glibc return the memory of upload parts to the system instead of its heap.
            "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
        }
        return self._python("api", "poseway_gateway.api", env, lambda: is_ready(self.gateway_url))

    def _python(
        self, name: str, module: str, env: dict[str, str], ready: Callable[[], bool]
    ) -> Process:
        # Imports modules from this checkout, whatever the current directory is.
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return Process(
            name,
            [sys.executable, "-m", module],
            {**self.env, **env, "PYTHONPATH": path},
            ready,
            grace_seconds=30,
        )


_WEED_PORTS: Final = (
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
)


def running(data_dir: Path) -> str | None:
    """URL of the gateway of the system on a data directory; None if no system runs there."""
    if not is_locked(data_dir / "lock"):
        return None  # a killed system leaves an address at which another program may listen
    try:
        url = str(json.loads((data_dir / "stack.json").read_text())["gateway_url"])
    except (OSError, ValueError, KeyError):
        return None
    return url if is_ready(url) else None


def _program(name: str) -> str:
    found = find_program(name)
    if found is None:
        raise StackError(
            f"The program {name} is not installed. Run `make run` to set everything up."
        )
    return str(found)
