"""The proto only grows: messages of released versions stay valid."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from poseway.paths import ROOT

BUF = Path(sys.executable).with_name("buf")


@pytest.mark.essential
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bytes state = 2", "bytes state = 7"),
        ("bytes state = 2", "string state = 2"),
        ("rpc Track(", "rpc TrackPeople("),
    ],
)
def test_breaking_changes_to_the_proto_are_detected(old: str, new: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    command = [str(BUF), "breaking", "--against", "proto/released.binpb"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    path = tmp_path / "proto/poseway/v1/tracker.proto"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode != 0
