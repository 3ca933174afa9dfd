"""No secret is committed or included in the build context of images."""

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deploy.objects import K8S, Object, of_kind

ROOT = K8S.parents[1]
SECRET_NAME = re.compile(r"KEY$|SECRET|TOKEN|PASSWORD|CREDENTIAL")
# Patterns of secrets: PEM keys, Poseway's own and those of common services.
SECRET = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[opsu]_\w{36}|\bxox[abp]-\w{10}"
    rb"|\bpw_[0-9a-f]{8}_[0-9a-f]{40}\b|\bwhsec_[\w+/]{43}=|\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\."
    rb"|://[^\s/:@{}$\"'<>]+:[^\s/@{}$\"'<>]{8,}@"
)
# Examples in the API's documentation, with consecutive digits.
EXAMPLE = b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def tracked(folder: str = ".") -> list[Path]:
    command = ["git", "ls-files", "-z", folder]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN OPENSSH PRIVATE " + "KEY-----",
        "pw_" + "0a" * 4 + "_" + "0a" * 20,
        "AKIA" + "Z" * 16,
        "https://somebody:" + "0a" * 8 + "@packages.example/simple",
    ],
)
def test_patterns_match_example_secrets(secret: str) -> None:
    assert SECRET.search(f"key = {secret}\n".encode())


def test_no_tracked_file_contains_a_secret() -> None:
    files = tracked()
    assert len(files) > 500
    for path in files:
        found = SECRET.search(path.read_bytes().replace(EXAMPLE, b""))
        assert not found, f"{path} has {found[0][:12]!r}"


def settings(content: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401 # of any YAML
    """Yields pairs of names and values: variables, and the items of mappings."""
    if isinstance(content, dict):
        if "name" in content and "value" in content:
            yield str(content["name"]), content["value"]
        for key, value in content.items():
            yield str(key), value
            yield from settings(value)
    elif isinstance(content, list):
        for item in content:
            if isinstance(item, str) and "=" in item:
                name, _, value = item.partition("=")
                yield name, value
            yield from settings(item)


def test_no_manifest_contains_a_secret_value() -> None:
    seen = set()
    for path in tracked("deploy"):
        if path.suffix not in (".yaml", ".yml"):
            continue
        assert "secretGenerator" not in path.read_text(), path
        for content in yaml.safe_load_all(path.read_text()):
            assert not isinstance(content, dict) or content.get("kind") != "Secret", path
            for name, value in settings(content):
                seen.add(name)
                literal = isinstance(value, str | int) and SECRET_NAME.search(name)
                assert not literal, f"{path}: {name} contains a literal value"
    # Manifests do name some secrets, whose values come from elsewhere.
    assert "POSEWAY_NATS_URL" in seen


def test_no_overlay_contains_a_secret(objects: list[Object]) -> None:
    assert of_kind(objects, "Secret") == []
    for name, value in settings(objects):
        literal = isinstance(value, str | int) and SECRET_NAME.search(name)
        assert not literal, f"{name} contains a literal value"


def in_context(path: str) -> bool:
    """Whether a file is in the build context. The last matching line of .dockerignore counts."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        parts = path.split("/")
        names = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if pattern.startswith("**/"):
            names, pattern = parts, pattern.removeprefix("**/")
        if not line.startswith("#") and any(fnmatchcase(name, pattern) for name in names):
            sent = line.startswith("!")
    return sent


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".poseway/secrets.json",
        ".venv/pyvenv.cfg",
        "key.pem",
        "outputs/demo/video.mp4",
        "build/sample/demo.mp4",
        "deploy/k8s/base/kustomization.yaml",
        "deploy/setup/.env",
        "frontend/.env.local",
        "models/server.key",
        "services/gateway/.poseway/secrets.json",
        "services/gateway/server.pem",
        "tests/conftest.py",
    ],
)
def test_build_context_excludes_secrets(path: str) -> None:
    assert not in_context(path)


def test_build_context_includes_all_sources() -> None:
    dockerfile = (ROOT / "deploy" / "images" / "Dockerfile").read_text()
    named = re.findall(r"^COPY (\S+) \./$", dockerfile, re.MULTILINE)
    named += [
        "services/tracker/poseway_tracker/__main__.py",
        "models/weights/openpose-mobilenet-thin/graph_opt.pb",
    ]
    named += ["frontend/index.html", "proto/poseway/v1/pose.proto", "deploy/setup/bucket.py"]
    for path in named:
        assert path == "." or in_context(path), path
