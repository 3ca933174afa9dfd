"""``python -m poseway_gateway.admin.keys``: makes, lists, replaces and revokes API keys.

For operators: it finds the bucket by the same environment variables as the gateway.
"""

import argparse
import sys

from poseway.api_keys import ApiKey, ApiKeys, Limits
from poseway.errors import PosewayError
from poseway.settings import StorageSettings
from poseway.storage import ObjectStore


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m poseway_gateway.admin.keys", description=__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", help="whose it is, or what for")
    create.add_argument("--requests-per-minute", type=int, metavar="N", help="3000 if not given")
    create.add_argument("--jobs-per-day", type=int, metavar="N", help="no limit if not given")
    create.add_argument("--gigabytes-per-day", type=float, metavar="N", help="likewise")
    commands.add_parser("list", help="show all keys; their secrets are kept nowhere")
    rotate = commands.add_parser("rotate", help="give a key another secret; its jobs stay its own")
    revoke = commands.add_parser("revoke", help="have a key count no longer, for ever")
    for command in (rotate, revoke):
        command.add_argument("name", help="name or id of the key")
    return parser


def _run(keys: ApiKeys, asked: argparse.Namespace) -> list[str]:
    """Does what is asked; returns the lines to print."""
    match asked.command:
        case "create":
            limits = Limits.of(
                asked.requests_per_minute, asked.jobs_per_day, asked.gigabytes_per_day
            )
            return [keys.create(asked.name, limits)[1]]
        case "rotate":
            return [keys.rotate(asked.name)[1]]
        case "revoke":
            key = keys.revoke(asked.name)
            return [f"revoked {key.id} {key.name}"]
    return [_line(key) for key in keys.all()]


def _line(key: ApiKey) -> str:
    state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "counts"
    return "\t".join((key.id, key.name, f"{key.created_at:%Y-%m-%d}", state, str(key.limits)))


def main(arguments: list[str]) -> None:
    """Runs one command; what is printed is for people, a whole key for scripts, too."""
    asked = _arguments().parse_args(arguments)
    try:
        lines = _run(ApiKeys(ObjectStore(StorageSettings())), asked)
    except PosewayError as error:
        sys.exit(error.message)
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main(sys.argv[1:])
