"""Contents of the images, layer by layer: the bill of materials matches, no secret stays."""

import json
import re
import secrets
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.images.sbom import IMAGES
from tests.support.boms import components, hashes, versions
from tests.system.containers.cluster import build
from tests.system.containers.engine import BASE, ROOT, image, inspect, podman, reason_to_skip, run

pytestmark = [
    pytest.mark.skipif(reason_to_skip() is not None, reason=str(reason_to_skip())),
    pytest.mark.timeout(3600),
]

BUILT = [name for name in IMAGES if name != "poseway-inference-gpu"]
# Runs in an image: lists the installed packages by their metadata.
LOOK = """
import hashlib, json, pathlib, re
from importlib import metadata
dpkg = pathlib.Path("/var/lib/dpkg/status").read_text().split("\\n\\n")
fields = [dict(re.findall(r"^([A-Z][a-z]+): (.*)$", entry, re.MULTILINE)) for entry in dpkg]
print(json.dumps({
    "bom": pathlib.Path("/app/sbom.cdx.json").read_text(),
    "pypi": {re.sub(r"[-_.]+", "-", found.name).lower(): found.version
             for found in metadata.distributions()},
    "deb": {of["Package"]: of["Version"] for of in fields if of},
    "weights": {str(path): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in pathlib.Path("models/weights").glob("*/*")},
}))
"""
# Where builds keep secrets, and files that developers keep beside code.
SECRET = re.compile(
    r"(^|/)(\.git|\.env[^/]*|\.poseway|secrets\.json|\.netrc|\.pypirc|\.npmrc|id_[a-z0-9]+)(/|$)"
    r"|^etc/pip\.conf$|^root/(?!\.bashrc$|\.profile$).+|^run/secrets/.+|^(app|src)/.*\.(pem|key)$"
)


@pytest.fixture(scope="module")
def decoy() -> str:
    """A marker in pip's settings, which are secrets of a build and must not be in an image."""
    return f"decoy-{secrets.token_hex(8)}.invalid"


@pytest.fixture(scope="module")
def again(decoy: str) -> str:
    """The tracker's image, rebuilt without a cache and with a build secret."""
    build()
    env = {"ENGINE": "buildah", "BASE": BASE, "TAG": "again", "NO_CACHE": "yes"}
    own = {"PIP_TRUSTED_HOST": decoy, "POSEWAY_S3_SECRET_KEY": decoy}
    run("deploy/images/build.sh", "poseway-tracker", **env, **own)
    return "localhost/poseway-tracker:again"


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.usefixtures("again")
def test_an_image_matches_its_bill_of_materials(name: str) -> None:
    options = ("--rm", "--read-only", "--network", "none", "--cap-drop", "all")
    there = json.loads(podman("run", *options, image(name), "-c", LOOK).splitlines()[-1])
    assert len(there["pypi"]) > 20
    assert len(there["deb"]) > 50
    assert versions(there["bom"], "pypi") == there["pypi"]
    assert versions(there["bom"], "deb") == there["deb"]
    weights = {
        f"models/weights/{model}/{file['name']}": text
        for (kind, model), part in components(there["bom"]).items()
        if kind == "machine-learning-model"
        for file in part["components"]
        for text in hashes(file)
    }
    assert weights == there["weights"]
    assert bool(weights) is (name == "poseway-inference")


@pytest.mark.usefixtures("again")
def test_bills_of_materials_need_no_images() -> None:
    run("deploy/images/build.sh", "sboms", ENGINE="buildah", BASE=BASE)
    for name in BUILT:
        bill = podman("run", "--rm", image(name), "-c", "print(open('sbom.cdx.json').read())")
        assert (ROOT / "build/sbom" / f"{name}.cdx.json").read_text().strip() == bill.strip()
    assert (ROOT / "build/sbom/poseway-inference-gpu.cdx.json").is_file()


def test_rebuilding_an_image_gives_the_same_layers(again: str) -> None:
    first, second = (
        inspect("image", "inspect", name)["RootFS"]["Layers"]
        for name in (image("poseway-tracker"), again)
    )
    assert first == second


def layers(name: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files of all layers, those that a later layer hides included, and their contents."""
    path = folder / "image.tar"
    podman("save", "--format", "docker-archive", "--output", str(path), name)
    with tarfile.open(path) as whole:
        for layer in whole:
            if layer.isfile() and layer.name.endswith(".tar"):
                with tarfile.open(fileobj=whole.extractfile(layer)) as files:
                    for item in files:
                        content = files.extractfile(item) if item.isfile() else None
                        yield item.name.removeprefix("./"), content.read() if content else b""
    path.unlink()


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.usefixtures("again")
def test_no_layer_has_a_file_where_secrets_are_kept(name: str, tmp_path: Path) -> None:
    files = [found for found, _ in layers(image(name), tmp_path)]
    assert "app/sbom.cdx.json" in files
    assert not [found for found in files if SECRET.search(found)]


def test_no_secret_of_a_build_stays_in_an_image(again: str, decoy: str, tmp_path: Path) -> None:
    contents = list(layers(again, tmp_path))
    assert len(contents) > 1000
    assert not [name for name, content in contents if decoy.encode() in content]
    told = podman("image", "inspect", again) + podman("history", "--no-trunc", again)
    assert decoy not in told
    assert "poseway-tracker" in told
    names = [text.partition("=")[0] for text in inspect("image", "inspect", again)["Config"]["Env"]]
    assert "PATH" in names
    assert not [name for name in names if re.search(r"KEY|TOKEN|SECRET|PASSWORD", name)]
