"""Writes the bill of materials of each image in CycloneDX format. Runs on the images' base.

``python -m deploy.images.sbom FOLDER VERSION`` writes ``IMAGE.cdx.json`` for every image: Debian
packages, Python packages with the hashes that pip accepts, and models with the hashes of their
weights. The output is reproducible to the byte, so that builds of images are, too.
"""

import hashlib
import platform
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.markers import Marker

from poseway.model_cards import ModelCard, load_cards
from requirements import lock

IMAGES: Final = {
    "poseway-gateway": "gateway",
    "poseway-dispatcher": "dispatcher",
    "poseway-inference": "inference",
    "poseway-inference-gpu": "inference-gpu",
    "poseway-tracker": "tracker",
    "poseway-renderer": "renderer",
    "poseway-setup": "setup",
}
"""Lock file of each image."""

_ROOT: Final = Path(__file__).resolve().parents[2]
_WITH_MODELS: Final = ("poseway-inference", "poseway-inference-gpu")
_SPACE: Final = uuid.UUID("6f0c1f43-2f0c-5c43-9c1e-6a2f6d0f7a11")


def system(root: Path) -> Iterator[Component]:
    """Yields the operating system, its Debian packages if it has any, and Python."""
    lines = (root / "etc" / "os-release").read_text().splitlines()
    release = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    name, version = release["ID"], release.get("VERSION_ID", "")
    yield _part(ComponentType.OPERATING_SYSTEM, name, version)
    yield _part(ComponentType.PLATFORM, "python", platform.python_version())
    status = root / "var" / "lib" / "dpkg" / "status"
    for entry in status.read_text().split("\n\n") if status.is_file() else ():
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", entry, re.MULTILINE))
        if fields.get("Status") == "install ok installed":
            qualifiers = {"arch": fields["Architecture"], "distro": f"{name}-{version}"}
            purl = PackageURL("deb", name, fields["Package"], fields["Version"], qualifiers)
            yield _component(purl)


def packages(path: Path) -> Iterator[Component]:
    """Yields the Python packages of a lock file that apply to this system."""
    for pin in lock.read(path):
        if not pin.marker or Marker(pin.marker).evaluate():
            purl = PackageURL("pypi", name=pin.name, version=pin.version)
            yield _component(purl, [_sha256(text) for text in pin.hashes])


def models(directory: Path) -> Iterator[Component]:
    """Yields the models whose weights have been fetched."""
    for card in load_cards(directory):
        if card.is_fetched(directory):
            yield _model(card, directory)


def _model(card: ModelCard, directory: Path) -> Component:
    files = [
        Component(
            type=ComponentType.FILE,
            name=path.name,
            bom_ref=f"{card.name}/{path.name}",
            hashes=[_sha256(hashlib.sha256(path.read_bytes()).hexdigest())],
        )
        for path in card.paths(directory)
    ]
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=card.name,
        bom_ref=card.name,
        description=card.title,
        licenses=[LicenseFactory().make_from_string(card.licence)],
        components=files,
    )


def _component(purl: PackageURL, hashes: list[HashType] | None = None) -> Component:
    return Component(
        name=purl.name, version=purl.version, purl=purl, bom_ref=str(purl), hashes=hashes
    )


def _part(kind: ComponentType, name: str, version: str) -> Component:
    return Component(type=kind, name=name, version=version, bom_ref=f"{name}@{version}")


def _sha256(text: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=text)


def written(image: str, version: str, components: list[Component]) -> str:
    """Returns the bill of materials of an image as JSON."""
    whole = Component(type=ComponentType.CONTAINER, name=image, version=version, bom_ref=image)
    bom = Bom(metadata=BomMetaData(component=whole), components=components)
    bom.register_dependency(whole, components)
    # A timestamp or a random serial number would differ between builds.
    bom.metadata.timestamp = None  # type: ignore[assignment] # optional in the format
    bom.serial_number = _SPACE
    bom.serial_number = uuid.uuid5(_SPACE, JsonV1Dot6(bom).output_as_string())
    return JsonV1Dot6(bom).output_as_string(indent=1)


def write(folder: Path, version: str, root: Path = Path("/")) -> None:
    """Writes one file per image to a folder. `root` is the file system of the base image."""
    base = list(system(root))
    for image, name in IMAGES.items():
        parts = [*base, *packages(_ROOT / "requirements" / f"{name}.lock")]
        if image in _WITH_MODELS:
            parts += models(_ROOT / "models")
        (folder / f"{image}.cdx.json").write_text(written(image, version, parts) + "\n")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write(target, sys.argv[2])
