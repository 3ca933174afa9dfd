"""Sends labelled images through the inference service and measures what it detects."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from poseway.errors import PosewayError
from poseway.evaluation import pictures
from poseway.evaluation.coco_metrics import Detection, Image, Labels
from poseway.evaluation.report import Report
from poseway.evaluation.service import Inference, started
from poseway.v1 import inference_pb2


def evaluate(
    directory: Path,
    labels: Labels,
    *,
    model: str | None = None,
    accurate: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Report, list[Detection]]:
    """Starts the inference service, sends it all labelled images, and measures what it detects.

    Args:
        directory: Folder of the images.
        labels: The images and the people in them.
        model: Name of a model; None takes the default.
        accurate: Whether to run the model at several scales and mirrored.
        progress: Called with the number of images done; first with 0, when the service is ready.

    Returns:
        The measures, and the detected people in the order of the images.

    Raises:
        NotFoundError: An image is missing, or the model's weights.
        ImageError: An image cannot be read, or its size differs from the labelled one.
        InvalidRequestError: There is no such model.
        StackError: The service does not start.
        PosewayError: The service fails on an image or rejects it; the message names the image.
    """
    pictures.check(directory, labels.images)
    with started() as address:
        run = _Run(directory, labels, accurate, progress)
        asyncio.run(run.send(address, model))
    found = [detection for image in labels.images for detection in run.found[image.id]]
    report = Report(
        **labels.scores(found)._asdict(),
        model=run.model.name,
        accurate=accurate,
        engine=run.model.engine,
        device=run.model.device,
        precision=run.model.precision,
        images=len(labels.images),
        people=len(found),
        milliseconds_per_image=round(1000 * run.seconds / len(labels.images), 2),
    )
    return report, found


class _Run:
    """A pass over all images.

    Attributes:
        model: How the service runs the model.
        found: Detected people by the id of their image.
        seconds: Wall-clock time of the pass.
    """

    model: inference_pb2.Model
    seconds: float

    def __init__(
        self, directory: Path, labels: Labels, accurate: bool, progress: Callable[[int], None]
    ) -> None:
        self._directory = directory
        self._labels = labels
        self._accurate = accurate
        self._progress = progress
        self._waiting = iter(labels.images)
        self.found: dict[int, list[Detection]] = {}

    async def send(self, address: str, model: str | None) -> None:
        """Sends the images, several at once: while the network runs, the next ones are read."""
        async with Inference(address) as inference:
            self.model = await inference.model(model)
            self._progress(0)
            began = time.perf_counter()
            in_flight = max(4, os.cpu_count() or 1)
            await asyncio.gather(*(self._work(inference) for _ in range(in_flight)))
            self.seconds = time.perf_counter() - began

    async def _work(self, inference: Inference) -> None:
        for image in self._waiting:
            self.found[image.id] = await self._find(inference, image)
            self._progress(len(self.found))

    async def _find(self, inference: Inference, image: Image) -> list[Detection]:
        # A service with a single height reports 0 here.
        height = (self.model.accurate_height if self._accurate else 0) or self.model.input_height
        bgr = await asyncio.to_thread(pictures.read, self._directory, image, height)
        header = inference_pb2.BatchHeader(
            job_id="evaluation",
            model=self.model.name,
            source_width=image.width,
            source_height=image.height,
            accurate=self._accurate,
        )
        try:
            people = (await inference.estimate(header, bgr)).poses
        except PosewayError as error:
            raise type(error)(f"{image.file_name}: {error.message}", error.code) from error
        return [self._labels.detection(image, pose.keypoints, pose.score) for pose in people]
