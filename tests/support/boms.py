"""Reads bills of materials, after checking them against the schema."""

import json
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

Component = dict[str, Any]


def components(text: str) -> dict[tuple[str, str], Component]:
    """Components of a bill by what they are, ``pypi`` or ``deb`` say, and name."""
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert wrong is None, wrong
    made: dict[tuple[str, str], Component] = {}
    for component in json.loads(text)["components"]:
        kind = component.get("purl", f"pkg:{component['type']}/")
        key = (kind.removeprefix("pkg:").partition("/")[0], component["name"])
        assert key not in made
        made[key] = component
    return made


def hashes(component: Component) -> set[str]:
    """The hashes of a component, all SHA-256."""
    assert {told["alg"] for told in component["hashes"]} == {"SHA-256"}
    return {told["content"] for told in component["hashes"]}


def versions(text: str, kind: str) -> dict[str, str]:
    """Versions by name of the components of a kind."""
    return {name: found["version"] for (of, name), found in components(text).items() if of == kind}


def read(folder: Path, image: str) -> str:
    """The bill of an image, in a folder of them."""
    return (folder / f"{image}.cdx.json").read_text()
