"""Lock files pin by hash whatever is installed, and say nothing of where it comes from."""

import re
from pathlib import Path

import pytest

from requirements import lock

LOCKS = sorted(Path(lock.__file__).parent.glob("*.lock"))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_packages_are_pinned_by_hash(path: Path) -> None:
    pins = list(lock.read(path))
    assert len(pins) > 20
    for pin in pins:
        assert re.fullmatch(r"[a-z0-9-]+", pin.name), pin
        assert re.fullmatch(r"[a-z0-9.+!]+", pin.version), pin
        assert pin.hashes, pin
        assert all(re.fullmatch("[0-9a-f]{64}", text) for text in pin.hashes), pin


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_no_address_is_in_a_lock_file(path: Path) -> None:
    text = path.read_text()
    assert "//" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE)


def test_a_package_has_one_version_wherever_it_is_installed() -> None:
    for marker in {pin.marker for path in LOCKS for pin in lock.read(path)}:
        versions: dict[str, set[str]] = {}
        for path in LOCKS:
            for pin in lock.read(path):
                if pin.marker == marker:
                    versions.setdefault(pin.name, set()).add(pin.version)
        assert all(len(found) == 1 for found in versions.values()), marker
