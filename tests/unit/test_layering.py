"""Services share `poseway` and nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if path.is_dir())
# What a core must not know: how it is called and where things are stored.
TRANSPORTS = {"grpc", "fastapi", "boto3", "nats", "starlette"}
CORES = [
    *(
        f"services/inference/{name}.py"
        for name in (
            "batching",
            "decoder",
            "estimator",
            "geometry",
            "graph",
            "movenet",
            "peaks",
            "scales",
            "tfjs",
            "turns",
            "yuv",
        )
    ),
    *(
        f"services/tracker/{name}.py"
        for name in (
            "boxes",
            "detections",
            "gaps",
            "kalman",
            "limbs",
            "match",
            "one_euro",
            "people",
            "similarity",
            "smoothing",
            "sort",
            "state",
            "thresholds",
            "video",
        )
    ),
    *(
        f"services/renderer/{name}.py"
        for name in (
            "artist",
            "blur",
            "canvas",
            "colour",
            "contact_sheet",
            "draw",
            "encode",
            "heads",
            "join",
            "label",
            "look",
            "people",
            "segment",
            "shots",
            "sound",
            "trail",
        )
    ),
    "services/gateway/poseway_gateway/dispatcher/frames/cut_detector.py",
    "services/gateway/poseway_gateway/dispatcher/frames/batches.py",
    "services/gateway/poseway_gateway/dispatcher/frames/frame_signature.py",
    "services/gateway/poseway_gateway/dispatcher/pipeline.py",
    "services/gateway/poseway_gateway/dispatcher/frames/stills.py",
    "services/gateway/poseway_gateway/api/uploads/multipart_form.py",
    "services/gateway/poseway_gateway/api/jobs/repository.py",
    "services/gateway/poseway_gateway/api/jobs/frame_slices.py",
    "services/gateway/poseway_gateway/api/jobs/mp4_edit_list.py",
    *(
        f"poseway/{name}.py"
        for name in (
            "angles",
            "deinterlace",
            "keypoints",
            "letterbox",
            "picture",
            "shape",
            "tone",
            "tracks",
            "video",
        )
    ),
    *(str(path.relative_to(ROOT)) for path in (ROOT / "poseway" / "exports").glob("*.py")),
]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("service", [s for s in SERVICES if not s.startswith("_")])
def test_services_do_not_import_each_other(service: str) -> None:
    files = list((ROOT / "services" / service).rglob("*.py"))
    assert files
    for path in files:
        for module in imported(path):
            if module.startswith("services."):
                assert module.startswith(f"services.{service}"), f"{path} imports {module}"


@pytest.mark.parametrize("path", CORES)
def test_cores_know_no_transport(path: str) -> None:
    assert not TRANSPORTS & {module.split(".")[0] for module in imported(ROOT / path)}


def test_poseway_does_not_import_services() -> None:
    for path in (ROOT / "poseway").rglob("*.py"):
        assert not any(module.startswith("services") for module in imported(path)), path


def test_what_prepares_a_cluster_needs_no_service() -> None:
    files = list((ROOT / "deploy").rglob("*.py"))
    assert files
    for path in files:
        assert not any(module.startswith("services") for module in imported(path)), path
