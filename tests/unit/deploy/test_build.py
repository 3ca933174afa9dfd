"""Overlays and components build from all files, into one namespace."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.deploy.objects import (
    CHOICES,
    COMPONENTS,
    K8S,
    LABEL,
    OVERLAYS,
    UNDER,
    Object,
    build,
    called,
    containers,
    named,
    of_kind,
    template,
    with_components,
    workloads,
)

# Kinds that Kubernetes does not put in a namespace.
CLUSTER_WIDE = {"Namespace", "PriorityClass"}
# Placeholder for the network of object storage.
STORAGE_NOWHERE = "192.0.2.0/24"
SERVICES = {"gateway-api", "gateway-dispatcher", "inference", "tracker", "renderer"}


def test_readme_describes_all_overlays_and_components() -> None:
    assert set(OVERLAYS) == {"gpu", "local", "production"}
    text = (K8S / "README.md").read_text()
    for name in [*(f"overlays/{n}" for n in OVERLAYS), *(f"components/{n}" for n in COMPONENTS)]:
        assert f"`{name}`" in text, f"README.md does not mention {name}"


def test_overlay_has_every_service(objects: list[Object]) -> None:
    made = {item["metadata"]["name"] for item in of_kind(objects, "Deployment")}
    assert made >= SERVICES


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_builds_alone(name: str, tmp_path: Path) -> None:
    under = [UNDER[name]] if name in UNDER else []
    without = with_components(tmp_path / "without", *under)
    assert with_components(tmp_path / "with", *under, name) != without, (
        "the component changes nothing"
    )


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_is_used_or_optional(name: str) -> None:
    used: set[str] = set()
    for overlay in OVERLAYS:
        content = yaml.safe_load((K8S / "overlays" / overlay / "kustomization.yaml").read_text())
        used |= {path.removeprefix("../../components/") for path in content["components"]}
    assert (name in used) is (name not in CHOICES)


def test_example_overlay_in_the_readme_builds(tmp_path: Path) -> None:
    page = (K8S / "README.md").read_text()
    (content,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    mine = shutil.copytree(K8S, tmp_path / "k8s") / "overlays" / "mine"
    mine.mkdir()
    (mine / "kustomization.yaml").write_text(content)
    made = yaml.safe_dump_all(build(mine))
    values = re.findall(r"(?:value: |newName: |_[A-Z]+=)([^\s}]+)", content)
    assert len(values) > 10
    for value in values:
        assert value in made, f"{value} is not in the output"
    # No placeholder remains.
    assert STORAGE_NOWHERE not in str(named(build(mine), "NetworkPolicy", "to-storage"))
    for left in ("poseway.example.org", "s3.example.org", "image: poseway-"):
        assert left not in made


def test_every_file_is_used() -> None:
    for kustomization in K8S.rglob("kustomization.yaml"):
        text = kustomization.read_text()
        for path in kustomization.parent.glob("*.y*ml"):
            if path != kustomization:
                assert path.name in text, f"{path} is in no kustomization"


def test_objects_are_in_the_namespace_and_have_unique_names(objects: list[Object]) -> None:
    seen = set()
    for item in objects:
        namespace = item["metadata"].get("namespace")
        if item["kind"] in CLUSTER_WIDE:
            assert namespace is None
            # Cluster-wide names must not collide with those of other programs.
            assert item["metadata"]["name"].startswith("poseway")
        else:
            assert namespace == "poseway", called(item)
        key = (item["apiVersion"].partition("/")[0], called(item), namespace)
        assert key not in seen
        seen.add(key)


def test_namespace_comes_first_and_enforces_the_restricted_standard(objects: list[Object]) -> None:
    first = objects[0]
    assert called(first) == "Namespace poseway"
    for mode in ("enforce", "audit", "warn"):
        assert first["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_pods_are_labelled_with_their_component(objects: list[Object]) -> None:
    for item in workloads(objects):
        labels = template(item)["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "poseway", called(item)
        assert labels[LABEL], called(item)


def test_images_are_versioned_and_ours_in_one_place(objects: list[Object]) -> None:
    page = K8S / "components" / "images" / "kustomization.yaml"
    tags = {image["name"]: image["newTag"] for image in yaml.safe_load(page.read_text())["images"]}
    for item in workloads(objects):
        for container in containers(template(item)["spec"]):
            name, _, tag = container["image"].rpartition(":")
            assert name, f"{called(item)} runs any version of {tag}"
            assert tag != "latest", f"{called(item)} runs {container['image']}"
            assert tag == tags.get(name, tag)
            assert (name in tags) is name.startswith("poseway-")


def test_our_images_have_the_project_version() -> None:
    project = tomllib.loads((K8S.parents[1] / "pyproject.toml").read_text())["project"]
    page = K8S / "components" / "images" / "kustomization.yaml"
    for image in yaml.safe_load(page.read_text())["images"]:
        assert image["newTag"] == project["version"]
    assert f"make images TAG={project['version']}\n" in (K8S / "README.md").read_text()
