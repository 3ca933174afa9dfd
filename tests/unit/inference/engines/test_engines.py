"""The real network on the real engines."""

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import IncompatibleError
from poseway_inference.engines import base, select
from poseway_inference.engines.base import Engine, EngineName, Precision, cores, has_bfloat16
from poseway_inference.engines.select import load_engine
from poseway_inference.families.openpose.decoder import CHANNELS
from poseway_inference.graphs.network import Network

ENGINES: list[EngineName] = ["tensorflow", "openvino"]


def noise(height: int = 96, width: int = 128, seed: int = 0) -> NDArray[np.float32]:
    shape = (1, height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.fixture(scope="module", params=ENGINES)
def each(request: pytest.FixtureRequest, network: Network) -> Engine:
    if request.param == "openvino":
        pytest.importorskip("openvino")
    return load_engine(network, request.param)


@pytest.fixture(scope="module")
def exact(network: Network) -> Engine:
    return load_engine(network, "tensorflow", "float32")


def test_engine_describes_itself(each: Engine) -> None:
    library, version = each.about.name.split()
    assert library in ("TensorFlow", "OpenVINO")
    assert version[0] == "2"
    assert each.about.sha256 == "51f84ea82b3d0143dd4cf362e018c125e832c64771908ee8766fbd8b0328008d"
    if each.about.device == "CPU":
        assert each.about.batch_size == 1
        assert each.about.callers >= min(2, cores())
        assert each.about.precision == ("bfloat16" if has_bfloat16() else "float32")
    else:
        assert each.about.device.startswith("GPU: ")
        assert each.about.batch_size > 1


@pytest.mark.parametrize("size", [(368, 656), (96, 128), (8, 8), (8, 368), (40, 1472)])
def test_maps_of_any_size(each: Engine, exact: Engine, size: tuple[int, int]) -> None:
    maps = each.run(noise(*size))
    assert maps.shape == (1, size[0] // 8, size[1] // 8, CHANNELS)
    assert maps.dtype == np.float32
    expected = exact.run(noise(*size))
    scale = np.abs(expected).max()
    assert scale > 0.1
    assert np.sqrt(((maps - expected) ** 2).mean()) < 0.05 * scale


def test_batch_gives_the_results_of_its_images(each: Engine) -> None:
    images = [noise(seed=seed) for seed in range(3)]
    together = each.run(np.concatenate(images))
    for image, maps in zip(images, together, strict=True):
        np.testing.assert_allclose(maps, each.run(image)[0], atol=0.05)
    assert np.abs(together[0] - together[1]).max() > 0.05


def test_threads_do_not_mix_up_images(each: Engine) -> None:
    images = [noise(96, 64 + 8 * (seed % 4), seed) for seed in range(24)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(each.run, images))
    for image, maps in zip(images, results, strict=True):
        assert np.array_equal(maps, each.run(image))


def test_precision_is_really_in_use(each: Engine, exact: Engine) -> None:
    assert exact.about.precision == "float32"
    difference = np.abs(each.run(noise()) - exact.run(noise())).max()
    if each.about.precision == "float32":
        assert difference < 1e-3
    else:
        assert 1e-3 < difference < 0.3


@pytest.mark.parametrize("name", ENGINES)
def test_float32_is_the_same_everywhere(network: Network, exact: Engine, name: EngineName) -> None:
    if name == "openvino":
        pytest.importorskip("openvino")
    maps = load_engine(network, name, "float32").run(noise())
    np.testing.assert_allclose(maps, exact.run(noise()), atol=2e-4)


def test_auto_chooses_openvino_where_it_is_faster(
    network: Network, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(select, "has_matrices", lambda: False)
    assert load_engine(network).about.name.startswith("TensorFlow")
    monkeypatch.setattr(select, "has_matrices", lambda: True)
    expected = "OpenVINO" if engine.about.device == "CPU" else "TensorFlow"
    assert load_engine(network).about.name.startswith(expected)
    monkeypatch.setattr(select, "_has_openvino", lambda: False)
    assert load_engine(network).about.name.startswith("TensorFlow")
    with pytest.raises(IncompatibleError, match=r"pip install openvino"):
        load_engine(network, "openvino")


def test_missing_library_is_detected() -> None:
    assert select._has_openvino() == (importlib.util.find_spec("openvino") is not None)


def test_precision_that_the_device_lacks_is_refused(network: Network, engine: Engine) -> None:
    lacking: Precision = "float16" if engine.about.device == "CPU" else "bfloat16"
    with pytest.raises(IncompatibleError, match=f"cannot run {lacking}.*=auto"):
        load_engine(network, "tensorflow", lacking)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no CPU affinity here")
def test_cores_follow_the_affinity() -> None:
    core = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{core}}})\n"
        "from poseway_inference.engines.base import cores\n"
        "print(cores())"
    )
    root = Path(__file__).parents[4]
    assert int(subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)) == 1


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("1000 100000", 1),
        ("0 100000", 1),
        ("max 100000", 8),
        ("max", 8),
        ("", 8),
        ("100000 0", 8),
        (None, 8),
    ],
)
def test_cores_follow_the_limit_of_a_container(
    limit: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit is not None:
        (tmp_path / "cpu.max").write_text(limit)
    monkeypatch.setattr(base, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cores() == expected
