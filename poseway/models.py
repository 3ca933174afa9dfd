"""The models: one card each in ``models/``, the weights beside them in ``models/weights/``."""

import tomllib
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from poseway.errors import InvalidRequestError

MODELS_DIR: Final = Path(__file__).resolve().parent.parent / "models"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ArchiveMember(_Table):
    """A file inside an archive that a package registry publishes.

    Attributes:
        project: Name of the project in the registry.
        archive: File name of the archive, a source distribution or a wheel.
        archive_sha256: Hash of the archive, lower-case hex.
        member: Path of the file inside the archive.
    """

    project: str
    archive: str
    archive_sha256: str
    member: str


class Weights(_Table):
    """The weights of a model.

    Attributes:
        file: Name of the file.
        bytes: Its size.
        sha256: Its hash, lower-case hex.
        source: Where to fetch it.
    """

    file: str
    bytes: int
    sha256: str
    source: ArchiveMember


class ModelCard(_Table):
    """What is to be known about a model.

    Attributes:
        name: Name by which a job chooses it.
        title: Name for people.
        default: Whether a job that chooses nothing gets this one.
        licence: SPDX identifier.
        weights: The weights.
    """

    name: str
    title: str
    default: bool = False
    licence: str
    weights: Weights

    def path(self, directory: Path = MODELS_DIR) -> Path:
        """Where the weights are, or will be."""
        return directory / "weights" / self.name / self.weights.file


def load_cards(directory: Path = MODELS_DIR) -> list[ModelCard]:
    """Reads all cards, the default first, then by name."""
    cards = [
        ModelCard.model_validate(tomllib.loads(path.read_text()))
        for path in directory.glob("*.toml")
    ]
    return sorted(cards, key=lambda card: (not card.default, card.name))


def find_card(name: str, cards: list[ModelCard]) -> ModelCard:
    """Finds a model by name.

    Raises:
        InvalidRequestError: There is none; the message lists those that there are.
    """
    for card in cards:
        if card.name == name:
            return card
    known = ", ".join(card.name for card in cards)
    raise InvalidRequestError(
        f"There is no model {name!r}. Choose one of: {known}.", "unknown_model"
    )
