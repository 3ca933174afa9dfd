"""The real network on the real engine."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import IncompatibleError, NotFoundError
from services.inference.decoder import CHANNELS
from services.inference.engine import Precision, TensorFlowEngine


def picture(height: int = 96, width: int = 128, seed: int = 0) -> NDArray[np.float32]:
    shape = (1, height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


def test_it_says_what_it_is(engine: TensorFlowEngine) -> None:
    library, version = engine.name.split()
    assert library == "TensorFlow"
    assert version.startswith("2.")
    assert engine.sha256 == "51f84ea82b3d0143dd4cf362e018c125e832c64771908ee8766fbd8b0328008d"
    if engine.device == "CPU":
        assert engine.batch_size == 1
        assert engine.precision in ("float32", "bfloat16")
    else:
        assert engine.device.startswith("GPU: ")
        assert engine.batch_size > 1


@pytest.mark.parametrize("size", [(368, 656), (96, 128), (8, 8), (8, 368), (40, 1472)])
def test_maps_of_any_size(engine: TensorFlowEngine, size: tuple[int, int]) -> None:
    maps = engine.run(picture(*size))
    assert maps.shape == (1, size[0] // 8, size[1] // 8, CHANNELS)
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert np.abs(maps).max() > 0.1


def test_a_batch_is_its_images(engine: TensorFlowEngine) -> None:
    images = [picture(seed=seed) for seed in range(3)]
    together = engine.run(np.concatenate(images))
    for image, maps in zip(images, together, strict=True):
        np.testing.assert_allclose(maps, engine.run(image)[0], atol=0.02)
    assert np.abs(together[0] - together[1]).max() > 0.05


def test_threads_do_not_mix_images_up(engine: TensorFlowEngine) -> None:
    images = [picture(96, 64 + 8 * (seed % 4), seed) for seed in range(24)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(engine.run, images))
    for image, maps in zip(images, results, strict=True):
        assert np.array_equal(maps, engine.run(image))


def test_the_precision_is_really_in_use(engine: TensorFlowEngine, weights: Path) -> None:
    exact = TensorFlowEngine(weights, precision="float32")
    assert exact.precision == "float32"
    difference = np.abs(engine.run(picture()) - exact.run(picture())).max()
    if engine.precision == "float32":
        assert difference < 1e-3
    else:
        assert 1e-3 < difference < 0.3


def test_a_precision_that_the_device_lacks(engine: TensorFlowEngine, weights: Path) -> None:
    lacking: Precision = "float16" if engine.device == "CPU" else "bfloat16"
    with pytest.raises(IncompatibleError, match=f"cannot run {lacking} .* auto"):
        TensorFlowEngine(weights, precision=lacking)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.pb.*make models"):
        TensorFlowEngine(tmp_path / "nowhere.pb")


def test_weights_that_changed(weights: Path, engine: TensorFlowEngine, tmp_path: Path) -> None:
    assert TensorFlowEngine(weights, sha256=engine.sha256).sha256 == engine.sha256
    changed = bytearray(weights.read_bytes())
    changed[-100] ^= 1
    path = tmp_path / "changed.pb"
    path.write_bytes(changed)
    with pytest.raises(IncompatibleError, match=r"SHA-256.*make models"):
        TensorFlowEngine(path, sha256=engine.sha256)


@pytest.mark.parametrize("content", [b"", b"not a graph", "truncated"])
def test_files_that_are_no_weights(weights: Path, tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "graph_opt.pb"
    path.write_bytes(weights.read_bytes()[:100_000] if isinstance(content, str) else content)
    with pytest.raises(IncompatibleError, match=r"graph_opt\.pb is not a frozen TensorFlow graph"):
        TensorFlowEngine(path)
