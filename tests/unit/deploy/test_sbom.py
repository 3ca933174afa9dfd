"""Bills of materials list the lock file, the base and the models of each image."""

import hashlib
import json
from pathlib import Path

import pytest
from packaging.markers import Marker

from deploy.images.sbom import IMAGES, write
from poseway.model_cards import MODELS_DIR
from requirements import lock
from tests.support.boms import components, hashes, read, versions
from tests.support.deploy.objects import K8S

ROOT = K8S.parents[1]
INFERENCE = ("poseway-inference", "poseway-inference-gpu")
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u10
Description: C library
 Version: of no package

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the root of a base image's file system."""
    root = tmp_path_factory.mktemp("base")
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n')
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(STATUS)
    return root


@pytest.fixture(scope="module")
def boms(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    folder = tmp_path_factory.mktemp("boms")
    write(folder, "1.2.3", base)
    return folder


def test_every_image_contains_its_sbom(boms: Path) -> None:
    dockerfile = (ROOT / "deploy/images/Dockerfile").read_text()
    images = {
        line.rpartition(" ")[2]: part
        for part in dockerfile.split("\nFROM ")
        for line in part.splitlines()[:1]
        if line.startswith("runtime AS ")
    }
    assert set(images) == set(IMAGES) == {path.name.partition(".")[0] for path in boms.iterdir()}
    for image, part in images.items():
        assert f"COPY --from={IMAGES[image]}-venv /opt/venv" in part
        assert f"COPY --from=sbom /sbom/{image}.cdx.json sbom.cdx.json\n" in part


@pytest.mark.parametrize("image", IMAGES)
def test_sbom_lists_all_pinned_packages(boms: Path, image: str) -> None:
    listed = components(read(boms, image))
    pins = list(lock.read(ROOT / "requirements" / f"{IMAGES[image]}.lock"))
    here = [pin for pin in pins if not pin.marker or Marker(pin.marker).evaluate()]
    assert len(here) > 20
    for pin in here:
        found = listed["pypi", pin.name]
        assert (found["version"], hashes(found)) == (pin.version, set(pin.hashes))
        assert found["purl"] == f"pkg:pypi/{pin.name}@{pin.version.replace('+', '%2B')}"
    assert versions(read(boms, image), "pypi") == {pin.name: pin.version for pin in here}


def test_sbom_names_its_image(boms: Path) -> None:
    whole = json.loads(read(boms, "poseway-tracker"))
    listed = {key: whole["metadata"]["component"][key] for key in ("type", "name", "version")}
    assert listed == {"type": "container", "name": "poseway-tracker", "version": "1.2.3"}
    refs = {part["bom-ref"] for part in whole["components"] if "bom-ref" in part}
    (all_of_it,) = (part for part in whole["dependencies"] if part["ref"] == "poseway-tracker")
    assert refs <= set(all_of_it["dependsOn"])


def test_sbom_lists_the_base_system(boms: Path) -> None:
    listed = components(read(boms, "poseway-gateway"))
    assert listed["operating-system", "debian"]["version"] == "12"
    assert listed["platform", "python"]["version"].startswith("3.")
    assert versions(read(boms, "poseway-gateway"), "deb") == {"libc6": "2.36-9+deb12u10"}
    place = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12"
    assert listed["deb", "libc6"]["purl"] == place


@pytest.mark.parametrize("image", IMAGES)
def test_sbom_lists_weights_of_images_that_have_them(boms: Path, image: str) -> None:
    kind = "machine-learning-model"
    listed = {
        name: part for (of, name), part in components(read(boms, image)).items() if of == kind
    }
    assert ("openpose-mobilenet-thin" in listed) is (image in INFERENCE)
    for name, part in listed.items():
        for file in part["components"]:
            weights = (MODELS_DIR / "weights" / name / file["name"]).read_bytes()
            assert hashes(file) == {hashlib.sha256(weights).hexdigest()}
        assert part["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_sbom_is_reproducible(boms: Path, base: Path, tmp_path: Path) -> None:
    write(tmp_path, "1.2.3", base)
    for path in boms.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    numbers = {json.loads(path.read_text())["serialNumber"] for path in boms.iterdir()}
    assert len(numbers) == len(IMAGES)


def test_sbom_names_a_base_without_dpkg(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=alpine\nVERSION_ID=3.20\n")
    write(tmp_path, "1", tmp_path)
    listed = components(read(tmp_path, "poseway-setup"))
    assert listed["operating-system", "alpine"]["version"] == "3.20"
    assert not {name for kind, name in listed if kind == "deb"}
