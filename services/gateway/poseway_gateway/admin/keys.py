"""``python -m poseway_gateway.admin.keys``: ``poseway keys`` for operators of a cluster.

It finds the bucket by the environment variables of the gateway.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from poseway.api_keys import ApiKeys
from poseway.cli.keys import keys_app
from poseway.settings import StorageSettings
from poseway.storage import ObjectStore


@contextmanager
def _of_environment() -> Iterator[ApiKeys]:
    yield ApiKeys(ObjectStore(StorageSettings()))


if __name__ == "__main__":
    app = keys_app(_of_environment, "the gateway with this environment")
    app(prog_name="python -m poseway_gateway.admin.keys")
