"""Findings of checks."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Severity of a finding."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    Attributes:
        name: What was checked.
        state: Severity.
        says: What was found.
        advice: What to do about it; empty if nothing needs to be done.
    """

    name: str
    state: State
    says: str
    advice: str = ""


def ok(name: str, says: str) -> Finding:
    """Makes a finding that needs no action."""
    return Finding(name, State.OK, says)


def warn(name: str, says: str, advice: str) -> Finding:
    """Makes a finding that limits Poseway but does not stop it."""
    return Finding(name, State.WARN, says, advice)


def fail(name: str, says: str, advice: str) -> Finding:
    """Makes a finding that stops Poseway from working."""
    return Finding(name, State.FAIL, says, advice)
