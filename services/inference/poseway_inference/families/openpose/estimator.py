"""Pose estimation with an OpenPose network: scaling, network and decoder."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poseway_inference.engines.base import Engine
from poseway_inference.families.base import Frame, People
from poseway_inference.families.openpose.decoder import DEFAULT_SETTINGS, DecoderSettings, decode
from poseway_inference.families.openpose.geometry import Geometry
from poseway_inference.families.openpose.multiscale import View, average


class OpenPoseEstimator:
    """Finds people by confidence maps and part affinity fields; an `Estimator`."""

    def __init__(
        self,
        engine: Engine,
        *,
        input_height: int,
        accurate_heights: Sequence[int],
        settings: DecoderSettings = DEFAULT_SETTINGS,
    ) -> None:
        """Makes an estimator.

        Args:
            engine: Runs the network.
            input_height: Height in pixels to which frames are scaled, a multiple of 8. A larger
                height finds smaller people; the time grows with its square.
            accurate_heights: Heights at which accurate frames are processed, as they are and
                mirrored.
            settings: Thresholds of the decoder.
        """
        self._engine = engine
        self._input_height = input_height
        self._accurate_heights = sorted(accurate_heights)
        self._settings = settings

    @property
    def batch_size(self) -> int:
        """Maximum frames per call."""
        return self._engine.about.batch_size

    def shape(self, frame: Frame) -> tuple[int, ...]:
        """Width and height of each view of the frame; see `Estimator.shape`."""
        return tuple(side for view in self._views(frame) for side in view.geometry.input_size)

    def estimate(self, frames: Sequence[Frame]) -> list[People]:
        """Finds the people; see `Estimator.estimate`."""
        if not frames:
            return []
        views = [self._views(frame) for frame in frames]
        # One call per view, because all images of a call must have the same size.
        maps = [
            self._engine.run(
                np.concatenate([_prepare(f, v) for f, v in zip(frames, of_frames, strict=True)])
            )
            for of_frames in zip(*views, strict=True)
        ]
        return [
            self._decode(frame, frame_views, list(frame_maps))
            for frame, frame_views, *frame_maps in zip(frames, views, *maps, strict=True)
        ]

    def _views(self, frame: Frame) -> list[View]:
        height, width = frame.pixels.shape[:2]
        if not frame.accurate:
            return [View(Geometry.fit(width, height, self._input_height))]
        return [
            View(Geometry.fit(width, height, input_height), mirrored)
            for input_height in self._accurate_heights
            for mirrored in (True, False)
        ]

    def _decode(
        self, frame: Frame, views: Sequence[View], maps: list[NDArray[np.float32]]
    ) -> People:
        keypoints, scores = decode(average(views, maps), self._settings)
        best = slice(frame.max_people or None)
        geometry = views[-1].geometry
        return People(geometry.to_source(keypoints[best], frame.source_size), scores[best])


def _prepare(frame: Frame, view: View) -> NDArray[np.float32]:
    pixels = frame.pixels
    if view.mirrored:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    return view.geometry.prepare(pixels)
