"""Queries of the dashboard and the alerts."""

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
        name: Name of the metric.
        labels: Labels used in the selector.
    """

    name: str
    labels: frozenset[str]


def panels() -> list[dict[str, Any]]:
    """Returns the panels of the dashboard that have queries."""
    board = json.loads((FOLDER / "poseway.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    """Returns the alerts."""
    (group,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["spec"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def expressions(rate: str = "1m") -> Iterator[str]:
    """Returns all expressions, with `rate` in place of Grafana's rate interval."""
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", rate)
    for rule in rules():
        yield rule["expr"]


def asked(expression: str) -> Iterator[Asked]:
    """Returns all series that an expression selects."""
    yield from _asked(promql_parser.parse(expression))


def _asked(node: Any) -> Iterator[Asked]:  # noqa: ANN401 # any node of the syntax tree
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
    """Returns the labels by which an expression aggregates."""
    return set(_grouped(promql_parser.parse(expression)))


def _grouped(node: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
        yield from node.modifier.labels
    for name in ("lhs", "rhs", "expr"):
        if hasattr(node, name) and getattr(node, name) is not None:
            yield from _grouped(getattr(node, name))
    for argument in getattr(node, "args", ()):
        yield from _grouped(argument)
