"""The contract of inference over gRPC, tested against the real server and model."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.local.stack import Stack
from poseway.media.reader import VideoReader
from poseway.media.yuv import Yuv
from poseway.model_cards import MODELS_DIR, load_cards
from poseway.v1 import inference_pb2, inference_pb2_grpc

MODEL = "openpose-mobilenet-thin"
MOVENET = all(path.is_file() for card in load_cards() for path in card.paths())
Request = inference_pb2.EstimatePosesRequest


@pytest.fixture(scope="module")
def stub(stack: Stack) -> Iterator[inference_pb2_grpc.InferenceServiceStub]:
    with grpc.insecure_channel(stack.inference_address) as channel:
        yield inference_pb2_grpc.InferenceServiceStub(channel)


@pytest.fixture(scope="module")
def picture(sample: Path) -> NDArray[np.uint8]:
    """A frame of the sample with two people, scaled to 654x368."""
    with sample.open("rb") as file:
        reader = VideoReader(file)
        frame = next(frame for frame in reader.frames() if frame.index == 120)
        scaled = frame.bgr(654, 368)
        reader.close()
    return scaled


def header(
    model: str = MODEL,
    width: int = 1768,
    height: int = 994,
    max_people: int = 0,
    *,
    accurate: bool = False,
) -> Request:
    return Request(
        header=inference_pb2.BatchHeader(
            job_id="test",
            model=model,
            source_width=width,
            source_height=height,
            max_people=max_people,
            accurate=accurate,
        )
    )


def frame(picture: NDArray[np.uint8], index: int = 0) -> Request:
    height, width = picture.shape[:2]
    return Request(
        frame=inference_pb2.Frame(index=index, width=width, height=height, bgr=picture.tobytes())
    )


def in_yuv(yuv: Yuv, index: int = 0) -> Request:
    pixels = inference_pb2.Yuv(planes=yuv.planes, matrix=yuv.matrix, full_range=yuv.full)
    return Request(
        frame=inference_pb2.Frame(index=index, width=yuv.width, height=yuv.height, yuv=pixels)
    )


def estimate(
    stub: inference_pb2_grpc.InferenceServiceStub, *requests: Request
) -> list[inference_pb2.EstimatePosesResponse]:
    return list(stub.EstimatePoses(iter(requests), timeout=60))


def test_lists_models_and_how_they_are_run(stub: inference_pb2_grpc.InferenceServiceStub) -> None:
    models = stub.ListModels(inference_pb2.ListModelsRequest(), timeout=10).models
    model = models[0]
    assert model.name == MODEL
    assert model.sha256.startswith("51f84ea8")
    assert model.engine.startswith(("TensorFlow 2.", "OpenVINO 2"))
    assert model.device == "CPU" or model.device.startswith("GPU: ")
    assert model.precision in ("float32", "bfloat16", "float16")
    assert (model.input_height, model.accurate_height) == (400, 736)
    assert [other.name for other in models[1:]] == (["movenet-multipose"] if MOVENET else [])


def test_yuv_frames_give_the_same_people(
    stub: inference_pb2_grpc.InferenceServiceStub, sample: Path
) -> None:
    with sample.open("rb") as file, closing(VideoReader(file)) as reader:
        source = next(frame for frame in reader.frames() if frame.index == 120)
        both = frame(source.bgr(654, 368), 0), in_yuv(source.yuv(654, 368), 1)
    one, other = (answer.poses.poses for answer in estimate(stub, header(), *both))
    assert len(one) == len(other) == 2
    for first, second in zip(one, other, strict=True):
        points = [np.array(pose.keypoints).reshape(18, 3) for pose in (first, second)]
        seen = (points[0][:, 2] > 0) & (points[1][:, 2] > 0)
        assert seen.sum() >= 12
        # In an image 1768 pixels wide; chroma has half the resolution.
        assert np.median(np.abs(points[0] - points[1])[seen, :2]) < 2


@pytest.mark.parametrize("accurate", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        pytest.param(
            "movenet-multipose",
            marks=pytest.mark.skipif(not MOVENET, reason="its weights were not fetched"),
        ),
    ],
)
def test_keypoints_are_in_pixels_of_the_source(
    stub: inference_pb2_grpc.InferenceServiceStub,
    picture: NDArray[np.uint8],
    model: str,
    accurate: bool,
) -> None:
    (answer,) = estimate(stub, header(model, accurate=accurate), frame(picture, 120))
    assert answer.poses.frame_index == 120
    people = [np.array(pose.keypoints).reshape(18, 3) for pose in answer.poses.poses]
    assert len(people) == 2
    scores = [pose.score for pose in answer.poses.poses]
    assert scores == sorted(scores, reverse=True)
    necks = sorted((person[1, 0], person[1, 1]) for person in people)
    # Checked by eye: a man on a roof, a woman below him to the right.
    assert necks[0] == pytest.approx((732, 170), abs=40)
    assert necks[1] == pytest.approx((828, 575), abs=40)


def test_answers_keep_the_order_of_frames(
    stub: inference_pb2_grpc.InferenceServiceStub, picture: NDArray[np.uint8]
) -> None:
    frames = [frame(picture if i % 2 else picture[:64, :64], i + 5) for i in range(6)]
    answers = estimate(stub, header(), *frames)
    assert [answer.poses.frame_index for answer in answers] == [5, 6, 7, 8, 9, 10]
    assert [bool(answer.poses.poses) for answer in answers] == [False, True] * 3


def test_max_people_keeps_the_best(
    stub: inference_pb2_grpc.InferenceServiceStub, picture: NDArray[np.uint8]
) -> None:
    (everybody,) = estimate(stub, header(), frame(picture))
    (one,) = estimate(stub, header(max_people=1), frame(picture))
    assert list(one.poses.poses) == [everybody.poses.poses[0]]


def test_concurrent_callers_get_their_own_answers(
    stub: inference_pb2_grpc.InferenceServiceStub, picture: NDArray[np.uint8]
) -> None:
    def call(number: int) -> list[int]:
        frames = [frame(picture, 100 * number + i) for i in range(3)]
        return [answer.poses.frame_index for answer in estimate(stub, header(), *frames)]

    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(call, range(4)))
    assert answers == [[100 * n, 100 * n + 1, 100 * n + 2] for n in range(4)]


@pytest.mark.parametrize("size", [(16, 16), (200, 8000), (8000, 200), (1, 1), (333, 777)])
def test_frames_of_any_size_are_answered(
    stub: inference_pb2_grpc.InferenceServiceStub,
    picture: NDArray[np.uint8],
    size: tuple[int, int],
) -> None:
    """Finds a person in the corner of a frame of odd size, if the corner is large enough."""
    odd = np.zeros((*size, 3), np.uint8)
    rows, columns = min(size[0], 368), min(size[1], 654)
    odd[:rows, :columns] = picture[:rows, :columns]
    (answer,) = estimate(stub, header(width=size[1], height=size[0]), frame(odd))
    for pose in answer.poses.poses:
        keypoints = np.array(pose.keypoints).reshape(18, 3)
        assert np.isfinite(keypoints).all()
        assert (keypoints >= 0).all()
        assert (keypoints[:, :2] < size[::-1]).all()
    if size == (333, 777):
        assert len(answer.poses.poses) == 2


SMALL = np.zeros((8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("requests", "status", "words"),
    [
        ([], grpc.StatusCode.INVALID_ARGUMENT, "header"),
        ([frame(SMALL)], grpc.StatusCode.INVALID_ARGUMENT, "header"),
        ([header(), header()], grpc.StatusCode.INVALID_ARGUMENT, "must be a frame"),
        ([header("other")], grpc.StatusCode.NOT_FOUND, MODEL),
        ([header(width=0)], grpc.StatusCode.INVALID_ARGUMENT, "source_width"),
        ([header(max_people=-1)], grpc.StatusCode.INVALID_ARGUMENT, "max_people"),
        (
            [header(), Request(frame=inference_pb2.Frame(width=8, height=8, bgr=b"short"))],
            grpc.StatusCode.INVALID_ARGUMENT,
            "5 bytes",
        ),
        (
            [header(), Request(frame=inference_pb2.Frame(width=9000, height=1, bgr=b""))],
            grpc.StatusCode.INVALID_ARGUMENT,
            "8192",
        ),
        (
            [header(), in_yuv(Yuv(8, 8, bytes(95), 1, full=False))],
            grpc.StatusCode.INVALID_ARGUMENT,
            "8 x 8 pixels have 96",
        ),
        (
            [header(), in_yuv(Yuv(8, 8, bytes(96), 2, full=False))],
            grpc.StatusCode.INVALID_ARGUMENT,
            "matrix 2",
        ),
    ],
)
def test_invalid_requests_are_refused_with_a_reason(
    stub: inference_pb2_grpc.InferenceServiceStub,
    requests: list[Request],
    status: grpc.StatusCode,
    words: str,
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        estimate(stub, *requests)
    call = cast("grpc.Call", caught.value)
    assert call.code() is status
    assert words in (call.details() or "")


def test_logs_name_the_job_of_a_call(
    stub: inference_pb2_grpc.InferenceServiceStub, stack: Stack
) -> None:
    asked = Request(
        header=inference_pb2.BatchHeader(
            job_id="3f9c", model="unheard-of", source_width=8, source_height=8
        )
    )
    with pytest.raises(grpc.RpcError):
        estimate(stub, asked)
    lines = (stack.data_dir / "logs" / "inference.log").read_text().splitlines()
    (line,) = (json.loads(line) for line in lines if "unheard-of" in line)
    assert line["job"] == "3f9c"


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[inference_pb2_grpc.InferenceServiceStub]:
    """A service with two slots for frames that lacks the weights of a model."""
    models = tmp_path / "models"
    shutil.copytree(MODELS_DIR, models, ignore=shutil.ignore_patterns("movenet*.json", "*.bin"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"PORT": str(port), "MODELS_DIR": str(models), "MAX_FRAMES": "2"}
    process = subprocess.Popen(
        [sys.executable, "-m", "poseway_inference"],
        cwd=MODELS_DIR.parent,
        env=os.environ | {f"POSEWAY_{name}": value for name, value in settings.items()},
        stdout=subprocess.DEVNULL,
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = inference_pb2_grpc.InferenceServiceStub(channel)
            stub.ListModels(inference_pb2.ListModelsRequest(), timeout=60, wait_for_ready=True)
            yield stub
    finally:
        process.kill()
        process.wait()


def test_errors_of_missing_models_and_of_overload(
    narrow: inference_pb2_grpc.InferenceServiceStub, picture: NDArray[np.uint8]
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        estimate(narrow, header("movenet-multipose"), frame(picture))
    assert cast("grpc.Call", caught.value).code() is grpc.StatusCode.NOT_FOUND
    assert "make models" in (cast("grpc.Call", caught.value).details() or "")

    done = threading.Event()

    def unfinished(job: str) -> Iterator[Request]:
        asked = header()
        asked.header.job_id = job
        yield from (asked, frame(picture))
        done.wait(60)

    calls = [narrow.EstimatePoses(unfinished(job), timeout=60) for job in ("a", "b")]
    for call in calls:
        assert len(next(call).poses.poses) == 2
    # Unfinished calls hold both slots.
    with pytest.raises(grpc.RpcError) as caught:
        estimate(narrow, header(), frame(picture))
    assert cast("grpc.Call", caught.value).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    done.set()
    for call in calls:
        assert list(call) == []
    assert len(estimate(narrow, header(), frame(picture))) == 1
