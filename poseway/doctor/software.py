"""Checks of the software: Python, packages, programs, codecs and models."""

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from poseway.doctor.finding import Finding, fail, ok, warn
from poseway.errors import PosewayError
from poseway.local.supervisor import find_program
from poseway.model_cards import MODELS_DIR, ModelCard, load_cards, read_weights

_SET_UP: Final = "Run `make run`, which installs everything."
_EXTRAS: Final = ("gateway", "dispatcher", "inference", "cpu", "tracker", "renderer", "local")
_PROGRAMS: Final = ("weed", "nats-server")
_DECODERS: Final = ("h264", "hevc", "vp9", "av1", "aac")
_ENCODERS: Final = ("libx264", "aac")


def examine_software(models_dir: Path = MODELS_DIR) -> Iterator[Finding]:
    """Checks what is installed.

    Args:
        models_dir: Folder of the model cards.
    """
    yield _python(sys.version_info[:3])
    yield _packages()
    yield _stubs()
    yield _programs()
    yield _codecs()
    yield from _models(models_dir)


def _python(found: tuple[int, int, int]) -> Finding:
    says = ".".join(map(str, found))
    if found < (3, 11):
        return fail("Python", says, "Install Python 3.11 and choose it: make PYTHON=python3.11 run")
    if found >= (3, 12):
        return warn("Python", says, "Packages are locked for Python 3.11; use that version.")
    return ok("Python", says)


def _packages() -> Finding:
    try:
        # The client alone comes without this package.
        from packaging.requirements import Requirement

        wanted = [Requirement(text) for text in requires("poseway") or ()]
    except (ImportError, PackageNotFoundError) as error:
        return fail("packages", f"{error.name} is not installed", _SET_UP)
    missing = {
        str(package)
        for package in wanted
        if any(package.marker is None or package.marker.evaluate({"extra": e}) for e in _EXTRAS)
        and not package.specifier.contains(_version(package.name), prereleases=True)
    }
    if missing:
        return fail("packages", f"missing or too old: {', '.join(sorted(missing))}", _SET_UP)
    return ok("packages", "complete for all services")


def _version(name: str) -> str:
    """Returns the version of a package; 0 if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "0"


def _stubs() -> Finding:
    if find_spec("poseway.v1.inference_pb2") is None:
        return fail("stubs", "the gRPC code has not been generated", "Run `make stubs`.")
    return ok("stubs", "the gRPC code is generated")


def _programs() -> Finding:
    missing = [name for name in _PROGRAMS if find_program(name) is None]
    if missing:
        return fail("programs", f"missing: {', '.join(missing)}", _SET_UP)
    return ok("programs", ", ".join(_PROGRAMS))


def _codecs() -> Finding:
    try:
        codec = importlib.import_module("av.codec")
        library = importlib.import_module("av").ffmpeg_version_info
    except ImportError as error:
        return fail("FFmpeg", f"PyAV cannot be loaded ({error})", _SET_UP)
    missing = [f"decoder {name}" for name in _DECODERS if not _knows(codec, name, "r")]
    missing += [f"encoder {name}" for name in _ENCODERS if not _knows(codec, name, "w")]
    if missing:
        advice = "Install PyAV from its wheel, which has them: pip install --only-binary av av"
        return fail("FFmpeg", f"PyAV lacks {', '.join(missing)}", advice)
    return ok("FFmpeg", f"{library} in PyAV, with x264")


def _knows(codec: object, name: str, mode: str) -> bool:
    try:
        codec.Codec(name, mode)  # type: ignore[attr-defined] # imported only if it is installed
    except ValueError:  # PyAV's UnknownCodecError
        return False
    return True


def _models(directory: Path) -> Iterator[Finding]:
    try:
        cards = load_cards(directory)
    except PosewayError as error:
        yield fail("models", error.message, "Correct the card, or remove it.")
        return
    for card in cards:
        yield _model(card, directory)


def _model(card: ModelCard, directory: Path) -> Finding:
    name = f"model {card.name}"
    if not card.is_fetched(directory):
        command = f"`poseway models fetch {card.name}`"
        if card.default:
            return fail(name, "not fetched, and it is the default", f"Run {command}.")
        return ok(name, f"not fetched; {command} fetches it")
    try:
        read_weights(card, directory)
    except PosewayError as error:
        return fail(name, "its files are damaged or missing", error.message)
    return ok(name, "fetched, with correct hashes")
