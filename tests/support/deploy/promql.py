"""What the dashboard and the alerts ask Prometheus for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import promql_parser
import yaml

from tests.support.deploy.objects import K8S

FOLDER: Final = K8S / "components" / "monitoring"


@dataclass(frozen=True)
class Asked:
    """Series that an expression selects.

    Attributes:
        name: Of the metric.
        labels: That they are selected by.
    """

    name: str
    labels: frozenset[str]


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard that show something."""
    board = json.loads((FOLDER / "poseway.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    """The alerts."""
    (group,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["spec"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def expressions(rate: str = "1m") -> Iterator[str]:
    """All expressions; `rate` stands in for how far Grafana looks back for a rate."""
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", rate)
    for rule in rules():
        yield rule["expr"]


def asked(expression: str) -> Iterator[Asked]:
    """All series that an expression selects."""
    yield from _asked(promql_parser.parse(expression))


def _asked(node: Any) -> Iterator[Asked]:  # noqa: ANN401 # of any kind
    match node:
        case promql_parser.VectorSelector():
            labels = frozenset(matcher.name for matcher in node.matchers.matchers)
            yield Asked(str(node.name), labels)
        case promql_parser.MatrixSelector():
            yield from _asked(node.vector_selector)
        case promql_parser.BinaryExpr():
            yield from _asked(node.lhs)
            yield from _asked(node.rhs)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr():
            yield from _asked(node.expr)
        case promql_parser.Call():
            for argument in node.args:
                yield from _asked(argument)
        case promql_parser.NumberLiteral():
            pass
        case _:
            raise AssertionError(f"{type(node)} is not looked into")


def grouped(expression: str) -> set[str]:
    """The labels that an expression sums up by."""
    return set(_grouped(promql_parser.parse(expression)))


def _grouped(node: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
        yield from node.modifier.labels
    for name in ("lhs", "rhs", "expr"):
        if hasattr(node, name) and getattr(node, name) is not None:
            yield from _grouped(getattr(node, name))
    for argument in getattr(node, "args", ()):
        yield from _grouped(argument)
