"""Images keep the packages that their services import and lose the rest."""

import tomllib
from pathlib import Path

import pytest

from deploy.images.install import leave_out
from poseway.paths import ROOT
from requirements import lock

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
WITH_PILLOW = [name for name, needs in EXTRAS.items() if any("pillow" in need for need in needs)]


def folders(packages: Path, *names: str) -> None:
    for name in names:
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").touch()


def test_plotting_libraries_of_filterpy_are_deleted(tmp_path: Path) -> None:
    folders(tmp_path, "filterpy", "matplotlib", "fontTools", "PIL", "scipy")
    leave_out(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"filterpy", "scipy"}


def test_pillow_is_kept_without_matplotlib(tmp_path: Path) -> None:
    folders(tmp_path, "PIL", "pillow.libs", "numpy", "numpy/tests")
    leave_out(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"PIL", "pillow.libs", "numpy"}
    assert not (tmp_path / "numpy" / "tests").exists()


def test_services_that_decode_with_pillow_are_known() -> None:
    assert set(WITH_PILLOW) == {"dispatcher", "renderer"}


@pytest.mark.parametrize("service", WITH_PILLOW)
def test_images_of_services_that_decode_with_pillow_have_no_matplotlib(service: str) -> None:
    pinned = {pin.name for pin in lock.read(ROOT / "requirements" / f"{service}.lock")}
    assert "pillow" in pinned
    assert "matplotlib" not in pinned
