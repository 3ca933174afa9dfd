"""Overlays and components build, of all the files that there are, into one namespace."""

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

# Of the whole cluster, since Kubernetes knows no others of their kind.
CLUSTER_WIDE = {"Namespace", "PriorityClass"}
# Where the network of object storage stands until somebody says theirs.
STORAGE_NOWHERE = "192.0.2.0/24"
SERVICES = {"gateway-api", "gateway-dispatcher", "inference", "tracker", "renderer"}


def test_there_are_the_overlays_that_the_page_tells_of() -> None:
    assert set(OVERLAYS) == {"gpu", "local", "production"}
    told = (K8S / "README.md").read_text()
    for name in [*(f"overlays/{n}" for n in OVERLAYS), *(f"components/{n}" for n in COMPONENTS)]:
        assert f"`{name}`" in told, f"README.md says nothing of {name}"


def test_an_overlay_has_every_service(objects: list[Object]) -> None:
    made = {item["metadata"]["name"] for item in of_kind(objects, "Deployment")}
    assert made >= SERVICES


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_builds_by_itself(name: str, tmp_path: Path) -> None:
    under = [UNDER[name]] if name in UNDER else []
    without = with_components(tmp_path / "without", *under)
    assert with_components(tmp_path / "with", *under, name) != without, "it changes nothing"


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_used_or_is_for_choosing(name: str) -> None:
    used: set[str] = set()
    for overlay in OVERLAYS:
        content = yaml.safe_load((K8S / "overlays" / overlay / "kustomization.yaml").read_text())
        used |= {path.removeprefix("../../components/") for path in content["components"]}
    assert (name in used) is (name not in CHOICES)


def test_the_overlay_that_the_page_has_for_oneself_builds(tmp_path: Path) -> None:
    page = (K8S / "README.md").read_text()
    (content,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    mine = shutil.copytree(K8S, tmp_path / "k8s") / "overlays" / "mine"
    mine.mkdir()
    (mine / "kustomization.yaml").write_text(content)
    made = yaml.safe_dump_all(build(mine))
    values = re.findall(r"(?:value: |newName: |_[A-Z]+=)([^\s}]+)", content)
    assert len(values) > 10
    for value in values:
        assert value in made, f"{value} is nowhere"
    # What ours say where yours have to.
    assert STORAGE_NOWHERE not in str(named(build(mine), "NetworkPolicy", "to-storage"))
    for left in ("poseway.example.org", "s3.example.org", "image: poseway-"):
        assert left not in made


def test_every_file_is_used() -> None:
    for kustomization in K8S.rglob("kustomization.yaml"):
        text = kustomization.read_text()
        for path in kustomization.parent.glob("*.y*ml"):
            if path != kustomization:
                assert path.name in text, f"{path} is in no kustomization"


def test_objects_are_in_their_namespace_and_have_names_of_their_own(objects: list[Object]) -> None:
    seen = set()
    for item in objects:
        namespace = item["metadata"].get("namespace")
        if item["kind"] in CLUSTER_WIDE:
            assert namespace is None
            # Other programs have these too.
            assert item["metadata"]["name"].startswith("poseway")
        else:
            assert namespace == "poseway", called(item)
        key = (item["apiVersion"].partition("/")[0], called(item), namespace)
        assert key not in seen
        seen.add(key)


def test_the_namespace_comes_first_and_takes_restricted_pods_only(objects: list[Object]) -> None:
    first = objects[0]
    assert called(first) == "Namespace poseway"
    for mode in ("enforce", "audit", "warn"):
        assert first["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_pods_say_which_part_they_are(objects: list[Object]) -> None:
    for item in workloads(objects):
        labels = template(item)["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "poseway", called(item)
        assert labels[LABEL], called(item)


def test_images_have_a_version_and_ours_have_it_from_one_place(objects: list[Object]) -> None:
    page = K8S / "components" / "images" / "kustomization.yaml"
    tags = {image["name"]: image["newTag"] for image in yaml.safe_load(page.read_text())["images"]}
    for item in workloads(objects):
        for container in containers(template(item)["spec"]):
            name, _, tag = container["image"].rpartition(":")
            assert name, f"{called(item)} runs any version of {tag}"
            assert tag != "latest", f"{called(item)} runs {container['image']}"
            assert tag == tags.get(name, tag)
            assert (name in tags) is name.startswith("poseway-")


def test_our_images_have_the_version_of_the_project() -> None:
    project = tomllib.loads((K8S.parents[1] / "pyproject.toml").read_text())["project"]
    page = K8S / "components" / "images" / "kustomization.yaml"
    for image in yaml.safe_load(page.read_text())["images"]:
        assert image["newTag"] == project["version"]
    assert f"make images TAG={project['version']}\n" in (K8S / "README.md").read_text()
