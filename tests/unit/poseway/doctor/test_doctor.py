"""Findings of the doctor on a machine that lacks something."""

import shutil
from pathlib import Path

import pytest

from poseway.doctor import State, examine_machine, examine_software, software
from poseway.doctor.finding import Finding
from poseway.model_cards import MODELS_DIR, load_cards


def named(name: str, findings: list[Finding]) -> Finding:
    (found,) = (finding for finding in findings if finding.name == name)
    return found


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """A folder with the model cards and no weights."""
    for card in MODELS_DIR.glob("*.toml"):
        shutil.copy(card, tmp_path)
    return tmp_path


def test_only_the_default_model_must_be_fetched(models_dir: Path) -> None:
    findings = list(examine_software(models_dir))
    for card in load_cards(models_dir):
        found = named(f"model {card.name}", findings)
        assert found.state is (State.FAIL if card.default else State.OK)
        assert f"poseway models fetch {card.name}" in found.says + found.advice


def test_damaged_weights_and_cards_are_found(models_dir: Path) -> None:
    default = load_cards(models_dir)[0]
    for path in default.paths(models_dir):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"damaged")
    found = named(f"model {default.name}", list(examine_software(models_dir)))
    assert found.state is State.FAIL
    assert "SHA-256" in found.advice
    (models_dir / f"{default.name}.toml").write_text("name = 1")
    found = named("models", list(examine_software(models_dir)))
    assert found.state is State.FAIL


def test_missing_programs_and_packages_are_found(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(software, "_PROGRAMS", ("weed", "no-such-program"))
    monkeypatch.setattr(
        software, "requires", lambda _: ["rich>=14", "no-such-package>=1", "av>=999"]
    )
    findings = list(examine_software(models_dir))
    assert named("programs", findings).says == "missing: no-such-program"
    assert named("packages", findings).says == "missing or too old: av>=999, no-such-package>=1"


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000_000))
    found = named("disk", list(examine_machine(tmp_path / "not" / "yet", in_use=True)))
    assert found.state is State.FAIL
    assert "Make room" in found.advice
