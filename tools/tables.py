"""``python -m tools.tables``: writes the tables in the documentation that come from the code.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from poseway.cli.terminal import Exit
from poseway.errors import FAILURES
from poseway.formats.exports import FORMATS
from poseway.jobs import JobOptions
from poseway.paths import ROOT
from poseway.settings import Settings
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.web.error_codes import CODES
from poseway_gateway.dispatcher.settings import DispatcherSettings
from poseway_inference.settings import InferenceSettings
from poseway_renderer.settings import RendererSettings
from poseway_tracker.settings import TrackerSettings
from tools import sizing

_PLACE: Final = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SHARED: Final = ("log_level", "metrics_port", "traces_", "s3_", "bucket", "nats_")
_SERVICES: Final[dict[str, type[BaseSettings]]] = {
    "api": ApiSettings,
    "dispatcher": DispatcherSettings,
    "inference": InferenceSettings,
    "tracker": TrackerSettings,
    "renderer": RendererSettings,
}
_KINDS: Final = ("Counter", "Gauge", "Histogram")
# Services with the metrics declared in a file of poseway/telemetry.
_SHARE: Final = {"client": "dispatcher", "server": "inference, renderer, tracker"}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell for cell in line) + " |\n" for line in lines)


def _settings(service: str) -> str:
    fields = _SERVICES[service].model_fields
    own = {name: field for name, field in fields.items() if not name.startswith(_SHARED)}
    return _fields(own)


def _shared_settings() -> str:
    found: dict[str, FieldInfo] = {}
    for settings in _SERVICES.values():
        for name, field in settings.model_fields.items():
            if name.startswith(_SHARED):
                found.setdefault(name, field)
    order = list(Settings.model_fields)
    return _fields(dict(sorted(found.items(), key=lambda item: item[0] not in order)))


def _fields(fields: dict[str, FieldInfo]) -> str:
    rows = [
        (f"`POSEWAY_{name.upper()}`", _default(field.default), field.description or "")
        for name, field in fields.items()
    ]
    return table(("variable", "default", "what"), rows)


def _default(value: Any) -> str:  # noqa: ANN401 # the type of any setting
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT)}`"
    if value is None or value in ((), ""):
        return ""
    return f"`{value}`".lower() if isinstance(value, bool) else f"`{value}`"


def _options() -> str:
    rows = [
        (f"`{name}`", _default(field.default), field.description or "")
        for name, field in JobOptions.model_fields.items()
    ]
    return table(("option", "default", "what"), rows)


def _errors() -> str:
    by_status = sorted(CODES.items(), key=lambda item: (item[1][0], item[0]))
    rows = [(_status(status), f"`{code}`", says) for code, (status, says) in by_status]
    return table(("status", "code", "for example"), rows)


def _status(status: HTTPStatus) -> str:
    return f"{status.value} {status.phrase}"


def _formats() -> str:
    rows = [
        (
            f"`{made.file}`",
            f"`{made.name}`",
            f"{made.title}: {made.contents}",
            "yes" if made.in_bundle else "",
        )
        for made in FORMATS
    ]
    return table(("file", "link, and option of `poseway get`", "what", "in `all.zip`"), rows)


def _failures() -> str:
    return table(("code", "what"), [(f"`{code}`", says) for code, says in FAILURES.items()])


def _exit_codes() -> str:
    return table(("exit code", "what"), [(f"{code.value}", code.meaning) for code in Exit])


@dataclass(frozen=True, order=True)
class Metric:
    """A metric declared by services.

    Attributes:
        services: Names of the services, separated by commas.
        name: Name in Prometheus, where counters end in ``_total``.
        kind: ``counter``, ``gauge`` or ``histogram``.
        labels: Names of the labels.
        description: Help text.
    """

    services: str
    name: str
    kind: str
    labels: tuple[str, ...]
    description: str


def metrics() -> list[Metric]:
    """Returns the metrics of all services, except the process metrics of the Prometheus library."""
    files = [*(ROOT / "services").rglob("*.py"), *(ROOT / "poseway" / "telemetry").glob("*.py")]
    return sorted(metric for path in files for metric in _declared(path))


def _metrics() -> str:
    rows = [
        (
            metric.services,
            f"`{metric.name}`",
            metric.kind,
            ", ".join(f"`{label}`" for label in metric.labels),
            metric.description,
        )
        for metric in metrics()
    ]
    return table(("service", "metric", "kind", "labels", "what"), rows)


def _declared(path: Path) -> Iterator[Metric]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        kind = ast.unparse(node.func).rpartition(".")[2]
        if kind in _KINDS:
            name, description, *labels = map(ast.literal_eval, node.args)
            name += "_total" * (kind == "Counter")
            yield Metric(_services_of(path), name, kind.lower(), tuple(*labels), description)


def _services_of(path: Path) -> str:
    """Returns the names of the services that a file belongs to."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "poseway":
        return _SHARE[path.stem]
    return parts[3] if parts[1] == "gateway" else parts[1]


def _sizes(name: str) -> str:
    return table(sizing.HEADS[name], sizing.ROWS[name](sizing.measured()))


TABLES: Final[dict[str, Callable[[], str]]] = {
    "settings": _shared_settings,
    **{f"settings-{service}": lambda service=service: _settings(service) for service in _SERVICES},  # type: ignore[misc]
    "options": _options,
    "errors": _errors,
    "failures": _failures,
    "formats": _formats,
    "exit-codes": _exit_codes,
    "metrics": _metrics,
    **{name: lambda name=name: _sizes(name) for name in sizing.ROWS},  # type: ignore[misc]
}


def written(page: str) -> str:
    """Returns a page with its tables up to date."""
    return _PLACE.sub(lambda place: place[1] + TABLES[place[2]]() + place[3], page)


if __name__ == "__main__":
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        path.write_text(written(path.read_text()))
