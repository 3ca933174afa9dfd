"""Lock files pin all packages by hash and contain no addresses."""

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
def test_lock_files_contain_no_addresses(path: Path) -> None:
    text = path.read_text()
    assert "//" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE)


def test_package_has_the_same_version_in_all_lock_files() -> None:
    for marker in {pin.marker for path in LOCKS for pin in lock.read(path)}:
        versions: dict[str, set[str]] = {}
        for path in LOCKS:
            for pin in lock.read(path):
                if pin.marker == marker:
                    versions.setdefault(pin.name, set()).add(pin.version)
        assert all(len(found) == 1 for found in versions.values()), marker
