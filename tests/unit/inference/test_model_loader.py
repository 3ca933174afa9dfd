"""Loading models: downloaded ones, and graphs put in place by hand."""

from pathlib import Path

import pytest

from poseway.errors import IncompatibleError, NotFoundError
from poseway.model_cards import MODELS_DIR, load_cards
from poseway_inference.engines.base import Engine
from poseway_inference.families.base import Frame
from poseway_inference.model_loader import load_models
from poseway_inference.settings import InferenceSettings
from tests.unit.inference.families.openpose.test_estimator import (
    SIZE,
    Picture,
    assert_man_and_woman,
    scaled,
)

DEFAULT = load_cards()[0]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with only the default model."""
    (tmp_path / f"{DEFAULT.name}.toml").write_bytes(
        (MODELS_DIR / f"{DEFAULT.name}.toml").read_bytes()
    )
    weights = DEFAULT.path(tmp_path)
    weights.parent.mkdir(parents=True)
    weights.write_bytes(DEFAULT.path().read_bytes())
    return tmp_path


def test_graph_without_a_card_becomes_a_model(models: Path, picture: Picture) -> None:
    (models / "mine.pb").write_bytes(DEFAULT.path().read_bytes())
    loaded, missing = load_models(InferenceSettings(models_dir=models, engine="tensorflow"))
    assert (list(loaded), missing) == ([DEFAULT.name, "mine"], {})
    frame = Frame(scaled(picture, 711, 400), SIZE)
    (people,) = loaded["mine"].estimator.estimate([frame])
    assert_man_and_woman(people)


def test_broken_model_does_not_affect_others(models: Path) -> None:
    (models / "junk.pb").write_bytes(b"junk")
    (models / "movenet-multipose.toml").write_bytes(
        (MODELS_DIR / "movenet-multipose.toml").read_bytes()
    )
    loaded, missing = load_models(InferenceSettings(models_dir=models, engine="tensorflow"))
    assert list(loaded) == [DEFAULT.name]
    assert set(missing) == {"junk", "movenet-multipose"}
    assert "junk.pb is not a frozen TensorFlow graph" in missing["junk"]
    assert "make models" in missing["movenet-multipose"]


def test_default_model_must_be_usable(models: Path) -> None:
    weights = DEFAULT.path(models)
    data = bytearray(weights.read_bytes())
    data[-100] ^= 1
    weights.write_bytes(data)
    with pytest.raises(IncompatibleError, match=r"SHA-256.*make models"):
        load_models(InferenceSettings(models_dir=models))
    weights.unlink()
    with pytest.raises(NotFoundError, match="make models"):
        load_models(InferenceSettings(models_dir=models))


def test_input_height_can_be_set(models: Path, engine: Engine) -> None:
    settings = InferenceSettings(models_dir=models, engine="tensorflow", input_height=128)
    loaded, _ = load_models(settings)
    assert loaded[DEFAULT.name].input_height == 128
    assert loaded[DEFAULT.name].engine.about == engine.about
