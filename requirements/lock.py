"""Reads the pinned packages of a lock file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pin:
    """A package in the version that is installed if its marker applies.

    Attributes:
        name: Normalized name, in lower case with hyphens.
        version: The version.
        marker: Environment marker that selects systems and Pythons; empty for all.
        hashes: SHA-256 of every file from which pip may install it.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def read(path: Path) -> Iterator[Pin]:
    """Yields the pins of a lock file in their order."""
    for line in path.read_text().replace("\\\n", " ").splitlines():
        requirement, *hashes = line.split(" --hash=sha256:")
        pinned, _, marker = requirement.partition(";")
        name, _, version = pinned.strip().partition("==")
        yield Pin(name, version.strip(), marker.strip(), tuple(text.strip() for text in hashes))
