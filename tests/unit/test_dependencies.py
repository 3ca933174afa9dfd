"""Every service's lock file has all that the service imports, so that its image can start."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "deploy",
    "poseway",
    "poseway_gateway",
    "poseway_inference",
    "poseway_renderer",
    "poseway_tracker",
)
ENTRIES = {
    "gateway": ["poseway_gateway.api.__main__"],
    "dispatcher": ["poseway_gateway.dispatcher.__main__"],
    "inference": ["poseway_inference.__main__"],
    "tracker": ["poseway_tracker.__main__"],
    "renderer": ["poseway_renderer.__main__"],
    "setup": ["deploy.setup.bucket", "deploy.setup.secrets"],
}


# Extras that a service looks for before it imports them.
OPTIONAL = {"openvino"}


def file_of(module: str) -> Path | None:
    for root in (ROOT, *(ROOT / "services").iterdir()):
        path = root.joinpath(*module.split("."))
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Everything in a tree but what is there for the type checker alone."""
    yield node
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        children = iter(node.orelse)
    for child in children:
        yield from running_nodes(child)


def named(path: Path) -> Iterator[str]:
    """All modules that a file imports; for ``from a import b``, both ``a`` and ``a.b``."""
    for node in running_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import, which is not followed"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def third_party(entries: list[str]) -> dict[str, str]:
    """The foreign top-level modules that are loaded with some, and a file that names each."""
    foreign: dict[str, str] = {}
    seen: set[Path] = set()
    waiting = list(entries)
    while waiting:
        module = waiting.pop()
        parts = module.split(".")
        # Its packages are loaded with it.
        for path in filter(None, (file_of(".".join(parts[:n])) for n in range(1, len(parts) + 1))):
            if path in seen:
                continue
            seen.add(path)
            for name in named(path):
                top = name.split(".")[0]
                if top in OURS:
                    waiting.append(name)
                elif top not in sys.stdlib_module_names:
                    foreign.setdefault(top, str(path.relative_to(ROOT)))
    return foreign


def normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.parametrize("service", ENTRIES)
def test_the_lock_file_has_what_is_imported(service: str) -> None:
    lock = (ROOT / "requirements" / f"{service}.lock").read_text()
    locked = {normalised(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    foreign = third_party(ENTRIES[service])
    assert {"pydantic", "structlog"} <= set(foreign)
    providers = packages_distributions()
    missing = {
        module: path
        for module, path in foreign.items()
        if module not in OPTIONAL and not locked & {normalised(name) for name in providers[module]}
    }
    assert not missing
