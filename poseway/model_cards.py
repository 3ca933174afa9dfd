"""Models: a card each in ``models/``, and the files of downloaded ones in ``models/weights/``."""

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
    """A file of a model, which is not in the repository.

    Attributes:
        file: Its name.
        bytes: Its size, which is shown before a download.
        sha256: Its SHA-256, lower-case hex; None if it is not known in advance.
        member: Its path in the archive that it is downloaded in.
    """

    file: FileName
    bytes: int | None = None
    sha256: str | None = None
    member: str | None = None


class Source(_Table):
    """An archive in a package registry.

    Attributes:
        registry: The registry; pip or npm downloads from it.
        project: Name of the project in the registry.
        version: Version of the project. PyPI needs none, because the archive's name has it.
        archive: File name of the archive.
        archive_bytes: Its size, which is shown before a download.
        archive_sha256: Its SHA-256, lower-case hex.
    """

    registry: Literal["pypi", "npm"]
    project: str
    version: str | None = None
    archive: FileName
    archive_bytes: int | None = None
    archive_sha256: str


class Download(_Table):
    """Files that belong together, and the archive that has them.

    Attributes:
        files: The files, in the order in which they are read.
        source: The archive; None if an operator puts the files in place.
    """

    files: tuple[File, ...] = Field(min_length=1)
    source: Source | None = None

    @model_validator(mode="after")
    def _can_be_fetched(self) -> Self:
        if self.source and not all(file.sha256 and file.member for file in self.files):
            raise ValueError("a file with a source needs a sha256 and a member")
        if self.source and self.source.registry == "npm" and not self.source.version:
            raise ValueError("an npm package needs a version")
        return self


class Measured(_Table):
    """Measured accuracy and speed of a model.

    Attributes:
        ap: COCO's average precision in percent, at the usual size.
        ap_accurate: The same at the accurate sizes.
        milliseconds: Time per image at the usual size.
        accurate_milliseconds: The same at the accurate sizes.
        on: Data, precision and machine of the measurement.
    """

    ap: float
    ap_accurate: float | None = None
    milliseconds: float
    accurate_milliseconds: float | None = None
    on: str


class ModelCard(Download):
    """A model, as ``NAME.toml`` describes it.

    Attributes:
        name: Name by which jobs choose the model; also the name of the card.
        title: Name to display.
        default: Whether jobs that choose no model get this one; exactly one card sets it.
        licence: SPDX identifier, or "unknown".
        family: Name of the family, which defines what the network takes and returns. The inference
            service lists the families and checks the name, and the number of files, on loading.
        input_size: Size in pixels to which frames are scaled, a multiple of 8: the height for
            "openpose", the longer side for "movenet".
        accurate_sizes: The same for accurate frames; "openpose" runs on each of them.
        float32: Name prefixes of nodes that stay in float32 when the precision is lowered.
        measured: Its accuracy and speed.
    """

    name: str = Field(pattern=_NAME)
    title: str
    default: bool = False
    licence: str
    family: str
    input_size: Size
    accurate_sizes: tuple[Size, ...] = Field(min_length=1)
    float32: tuple[str, ...] = ()
    measured: Measured | None = None

    def paths(self, directory: Path = MODELS_DIR) -> list[Path]:
        """Returns where the files belong: beside the card unless they are downloaded."""
        folder = directory / "weights" / self.name if self.source else directory
        return [folder / file.file for file in self.files]

    def path(self, directory: Path = MODELS_DIR) -> Path:
        """Returns where the first file belongs."""
        return self.paths(directory)[0]

    def is_fetched(self, directory: Path = MODELS_DIR) -> bool:
        """Whether all files are in place."""
        return all(path.is_file() for path in self.paths(directory))


def load_cards(directory: Path = MODELS_DIR) -> list[ModelCard]:
    """Reads all cards, the default first, then by name.

    A frozen graph ``NAME.pb`` that no card mentions becomes a model of the OpenPose family.

    Raises:
        IncompatibleError: A card is invalid, two models have the same name, or the number of
            default models is not one.
    """
    cards = [_read_card(path) for path in _files(directory, "*.toml")]
    defaults = [f"{card.name}.toml" for card in cards if card.default]
    if len(defaults) != 1:
        raise IncompatibleError(
            f"{directory}: exactly one card must have `default = true`. "
            f"Cards that have it: {', '.join(defaults) or 'none'}."
        )
    names = {card.name for card in cards}
    taken = {path for card in cards for path in card.paths(directory)}
    for path in _files(directory, "*.pb"):
        if path in taken:
            continue
        if path.stem in names:
            raise IncompatibleError(
                f"{path}: {path.stem}.toml does not mention this graph. Rename the graph."
            )
        if re.fullmatch(_NAME, path.stem):
            cards.append(_card_of(path))
        else:
            log.warning(
                "%s is ignored: use only lower-case letters, digits, '.', '_' and '-' in its name.",
                path,
            )
    return sorted(cards, key=lambda card: (not card.default, card.name))


def find_card(name: str, cards: Sequence[ModelCard]) -> ModelCard:
    """Finds a card by the model's name.

    Raises:
        InvalidRequestError: There is no such model; the message lists the models.
    """
    for card in cards:
        if card.name == name:
            return card
    known = ", ".join(card.name for card in cards)
    raise InvalidRequestError(
        f"There is no model {name!r}. Choose one of: {known}.", "unknown_model"
    )


def advice(card: ModelCard, *, missing: bool = False) -> str:
    """Tells operators what to do about a file that is missing, or else does not match its card."""
    if card.source:
        return "Run `make models`." if missing else "Delete it and run `make models`."
    return "Put the file there, or remove its card." if missing else "Replace it, or remove it."


def read_weights(card: ModelCard, directory: Path = MODELS_DIR) -> list[bytes]:
    """Reads the files of a model, in the order of its card, and checks their hashes.

    Raises:
        NotFoundError: A file cannot be read.
        IncompatibleError: The SHA-256 of a file is not the one in the card.
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
                f"{path} is damaged or another version: its SHA-256 is {found}, not "
                f"{file.sha256}. {advice(card)}"
            )
        contents.append(data)
    return contents


def weights_sha256(files: Sequence[bytes]) -> str:
    """Returns the SHA-256 of the concatenated files, lower-case hex."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file)
    return digest.hexdigest()


def _files(directory: Path, pattern: str) -> list[Path]:
    """Lists regular files, except hidden ones, which editors and file systems leave behind."""
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
    except (OSError, ValueError) as error:  # reading, decoding or parsing failed
        raise IncompatibleError(f"{path}: {error}.") from None
    if path.stem != card.name:
        raise IncompatibleError(f"{path}: a card named {card.name!r} must be {card.name}.toml.")
    return card


def _card_of(path: Path) -> ModelCard:
    """Makes the card of a frozen graph that has none."""
    return ModelCard(
        name=path.stem,
        title=path.stem,
        licence="unknown",
        family="openpose",
        input_size=368,
        accurate_sizes=(368, 736),
        files=(File(file=path.name),),
    )
