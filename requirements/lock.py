"""What a lock file pins."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pin:
    """A package in the one version that is installed where its marker holds.

    Attributes:
        name: As the index has it, in lower case with hyphens.
        version: The version.
        marker: On which systems and Pythons; empty: on all.
        hashes: SHA-256 of every file that pip may install it from.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def read(path: Path) -> Iterator[Pin]:
    """All that a lock file pins, in its order."""
    for line in path.read_text().replace("\\\n", " ").splitlines():
        requirement, *hashes = line.split(" --hash=sha256:")
        pinned, _, marker = requirement.partition(";")
        name, _, version = pinned.strip().partition("==")
        yield Pin(name, version.strip(), marker.strip(), tuple(text.strip() for text in hashes))
