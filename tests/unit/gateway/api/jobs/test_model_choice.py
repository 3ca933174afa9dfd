"""The models that the API offers and inference runs."""

import asyncio
import shutil
from pathlib import Path

import pytest

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.evaluation.service import started
from poseway.model_cards import MODELS_DIR
from poseway.v1 import inference_pb2
from poseway_gateway.api.jobs.model_choice import ModelChoice
from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.settings import DispatcherSettings
from tests.support.cards import WEIGHTS, npm_card, openpose, pypi_card


def test_models_without_weights_are_not_offered(tmp_path: Path) -> None:
    (tmp_path / "from-npm.toml").write_text(npm_card())
    (tmp_path / "from-pypi.toml").write_text(pypi_card().replace("default = true", ""))
    (tmp_path / "cmu.toml").write_text(openpose("cmu", "cmu.pb", default=False))
    # In a container without weights, the inference service decides.
    everything = ModelChoice(tmp_path)
    assert [card.name for card in everything.offered] == ["from-npm", "cmu", "from-pypi"]
    assert everything.choose("cmu") == "cmu"
    (tmp_path / "mine.pb").write_bytes(b"a graph that somebody put there")
    assert ModelChoice(tmp_path).choose(None) == "from-npm"
    (tmp_path / "mine.pb").unlink()

    weights = tmp_path / "weights" / "from-npm"
    weights.mkdir(parents=True)
    for name, data in WEIGHTS.items():
        (weights / name).write_bytes(data)
    models = ModelChoice(tmp_path)
    assert [card.name for card in models.offered] == ["from-npm"]
    assert models.choose(None) == models.choose("from-npm") == "from-npm"
    with pytest.raises(InvalidRequestError, match=r"'from-pypi' .* Run `make models`") as caught:
        models.choose("from-pypi")
    assert caught.value.code == "model_missing"
    with pytest.raises(InvalidRequestError, match=r"'cmu' .* Put the file there"):
        models.choose("cmu")
    with pytest.raises(InvalidRequestError, match=r"'nope'.*: from-npm") as caught:
        models.choose("nope")
    assert caught.value.code == "unknown_model"


def test_model_missing_from_inference_fails_the_job_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS_DIR, models, ignore=shutil.ignore_patterns("movenet*.json", "*.bin"))
    monkeypatch.setenv("POSEWAY_MODELS_DIR", str(models))

    async def ask(address: str, name: str | None) -> inference_pb2.Model:
        settings = DispatcherSettings(inference_address=address)
        async with Services(settings) as services:
            return await services.model(name)

    with started() as address:
        assert asyncio.run(ask(address, None)).name == "openpose-mobilenet-thin"
        with pytest.raises(NotFoundError, match=r"movenet.*Run `make models`") as missing:
            asyncio.run(ask(address, "movenet-multipose"))
        with pytest.raises(InvalidRequestError, match=r": openpose-mobilenet-thin\.$"):
            asyncio.run(ask(address, "retired"))
    assert missing.value.code == "model_missing"
