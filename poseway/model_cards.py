"""The models: one card each in ``models/``, fetched weights beside them in ``models/weights/``."""

import hashlib
import logging
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from poseway.errors import IncompatibleError, InvalidRequestError, NotFoundError
from poseway.paths import ROOT

MODELS_DIR: Final = ROOT / "models"

log = logging.getLogger(__name__)

_NAME: Final = r"^[a-z0-9][a-z0-9._-]*$"
FileName = Annotated[str, Field(pattern=r"^[^./\\][^/\\]*$")]
Size = Annotated[int, Field(gt=0, le=2048, multiple_of=8)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Table):
    """A file that is not in the repository.

    Attributes:
        file: Its name.
        bytes: Its size, to be told before it is fetched.
        sha256: Its hash, lower-case hex, where it is known in advance.
        member: Path inside the archive that it is fetched from.
    """

    file: FileName
    bytes: int | None = None
    sha256: str | None = None
    member: str | None = None


class Source(_Table):
    """An archive that a package registry publishes.

    Attributes:
        registry: Which one; pip and npm know where it is.
        project: Name of the project in the registry.
        version: Version of the project, where the name of the archive does not choose it.
        archive: File name of the archive.
        archive_bytes: Its size, to be told before it is fetched.
        archive_sha256: Its hash, lower-case hex.
    """

    registry: Literal["pypi", "npm"]
    project: str
    version: str | None = None
    archive: FileName
    archive_bytes: int | None = None
    archive_sha256: str


class Download(_Table):
    """Files that belong together, and the archive that they are fetched from.

    Attributes:
        files: The files.
        source: The archive; None where the files are put in place by hand.
    """

    files: tuple[File, ...] = Field(min_length=1)
    source: Source | None = None

    @model_validator(mode="after")
    def _can_be_fetched(self) -> Self:
        if self.source and not all(file.sha256 and file.member for file in self.files):
            raise ValueError("a file that is fetched needs a sha256 and a member")
        if self.source and self.source.registry == "npm" and not self.source.version:
            raise ValueError("an npm package needs a version")
        return self


class Measured(_Table):
    """How good and how fast a model was found to be.

    Attributes:
        ap: Average precision in percent at its usual size.
        ap_accurate: The same at its accurate sizes.
        milliseconds: Time per image at its usual size.
        accurate_milliseconds: The same at its accurate sizes.
        on: On what data, in what precision and on what machine.
    """

    ap: float
    ap_accurate: float | None = None
    milliseconds: float
    accurate_milliseconds: float | None = None
    on: str


class ModelCard(Download):
    """What is to be known about a model.

    Attributes:
        name: Name by which a job chooses it; its card is called so, too.
        title: Name for people.
        default: Whether a job that chooses nothing gets this one; one card says so.
        licence: SPDX identifier, or "unknown".
        family: What the network takes and gives: "openpose" or "movenet".
        input_size: Size in pixels to which frames are scaled, a multiple of 8: of "openpose" the
            height, of "movenet" the long side.
        accurate_sizes: The sizes where accuracy counts more than time; "openpose" is run on each.
        float32: Beginnings of the names of nodes that stay float32 in a lower precision.
        measured: How good and how fast it was found to be.
    """

    name: str = Field(pattern=_NAME)
    title: str
    default: bool = False
    licence: str
    family: Literal["openpose", "movenet"]
    input_size: Size
    accurate_sizes: tuple[Size, ...] = Field(min_length=1)
    float32: tuple[str, ...] = ()
    measured: Measured | None = None

    @model_validator(mode="after")
    def _has_the_files_of_its_family(self) -> Self:
        if (self.family == "openpose") != (len(self.files) == 1):
            raise ValueError("openpose has one file, movenet a topology and files of weights")
        return self

    def paths(self, directory: Path = MODELS_DIR) -> list[Path]:
        """Where the files are, or will be: beside the card if they are not fetched."""
        folder = directory / "weights" / self.name if self.source else directory
        return [folder / file.file for file in self.files]

    def path(self, directory: Path = MODELS_DIR) -> Path:
        """Where the first file is, or will be."""
        return self.paths(directory)[0]

    def is_fetched(self, directory: Path = MODELS_DIR) -> bool:
        """Whether all of its files are there."""
        return all(path.is_file() for path in self.paths(directory))


def load_cards(directory: Path = MODELS_DIR) -> list[ModelCard]:
    """Reads all cards, the default first, then by name.

    A frozen graph `NAME.pb` that no card is about is a model of the OpenPose family.

    Raises:
        IncompatibleError: A card cannot be understood, two models have the same name, or not
            exactly one is the default.
    """
    cards = [_read_card(path) for path in _files(directory, "*.toml")]
    defaults = [f"{card.name}.toml" for card in cards if card.default]
    if len(defaults) != 1:
        raise IncompatibleError(
            f"{directory}: one card must say `default = true`. "
            f"That do: {', '.join(defaults) or 'none'}."
        )
    names = {card.name for card in cards}
    taken = {path for card in cards for path in card.paths(directory)}
    for path in _files(directory, "*.pb"):
        if path in taken:
            continue
        if path.stem in names:
            raise IncompatibleError(
                f"{path}: {path.stem}.toml is about other files, so this graph needs another name."
            )
        if re.fullmatch(_NAME, path.stem):
            cards.append(_card_of(path))
        else:
            log.warning(
                "%s is not offered: rename it to lower-case letters, digits, '.', '_' and '-'.",
                path,
            )
    return sorted(cards, key=lambda card: (not card.default, card.name))


def find_card(name: str, cards: Sequence[ModelCard]) -> ModelCard:
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


def advice(card: ModelCard, *, missing: bool = False) -> str:
    """What to do about a file of a model that is missing, or else is not what it should be."""
    if card.source:
        return "Run `make models`." if missing else "Delete it and run `make models`."
    return "Put the file there, or remove its card." if missing else "Replace it, or remove it."


def read_weights(card: ModelCard, directory: Path = MODELS_DIR) -> list[bytes]:
    """Reads the files of a model, in the order of its card, and checks their hashes.

    Raises:
        NotFoundError: One is missing.
        IncompatibleError: One is not what the card says.
    """
    contents = []
    for file, path in zip(card.files, card.paths(directory), strict=True):
        try:
            data = path.read_bytes()
        except OSError as error:
            raise NotFoundError(
                f"The weights {path} cannot be read ({error.strerror}). "
                f"{advice(card, missing=True)}"
            ) from error
        found = hashlib.sha256(data).hexdigest()
        if file.sha256 not in (None, found):
            raise IncompatibleError(
                f"{path} is damaged or of another version: its SHA-256 is {found}, not "
                f"{file.sha256}. {advice(card)}"
            )
        contents.append(data)
    return contents


def weights_sha256(files: Sequence[bytes]) -> str:
    """SHA-256 of a model's files, one after the other, lower-case hex."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file)
    return digest.hexdigest()


def _files(directory: Path, pattern: str) -> list[Path]:
    """Regular files; names that begin with a dot are left to editors and file systems."""
    found = (path for path in directory.glob(pattern) if not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def _read_card(path: Path) -> ModelCard:
    try:
        card = ModelCard.model_validate(tomllib.loads(path.read_text()))
    except ValidationError as error:
        wrong = (
            f"{'.'.join(map(str, item['loc'])) or 'the card'}: {item['msg']}"
            for item in error.errors()
        )
        raise IncompatibleError(f"{path}: {'; '.join(wrong)}.") from None
    except (OSError, ValueError) as error:  # of the file, of its encoding, or of TOML
        raise IncompatibleError(f"{path}: {error}.") from None
    if path.stem != card.name:
        raise IncompatibleError(f"{path}: the card of {card.name!r} is called {card.name}.toml.")
    return card


def _card_of(path: Path) -> ModelCard:
    """The card of a frozen graph that has none."""
    return ModelCard(
        name=path.stem,
        title=path.stem,
        licence="unknown",
        family="openpose",
        input_size=368,
        accurate_sizes=(368, 736),
        files=(File(file=path.name),),
    )
