"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        name: What was looked at.
        state: How bad it is.
        says: What was found.
        advice: What to do about it; empty where nothing is to be done.
    """

    name: str
    state: State
    says: str
    advice: str = ""


def ok(name: str, says: str) -> Finding:
    """Nothing is to be done."""
    return Finding(name, State.OK, says)


def warn(name: str, says: str, advice: str) -> Finding:
    """It works, but less well than it could."""
    return Finding(name, State.WARN, says, advice)


def fail(name: str, says: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(name, State.FAIL, says, advice)
