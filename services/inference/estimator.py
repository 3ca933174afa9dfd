"""Frames in, people out: the whole of pose estimation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.inference.decoder import DEFAULT_SETTINGS, DecoderSettings, People, decode
from services.inference.engine import Engine
from services.inference.geometry import Geometry


class PoseEstimator:
    """Finds the people in frames; may be called from several threads at once."""

    def __init__(
        self,
        engine: Engine,
        *,
        input_height: int = 368,
        settings: DecoderSettings = DEFAULT_SETTINGS,
    ) -> None:
        """Puts the parts together.

        Args:
            engine: Runs the network.
            input_height: Height in pixels to which frames are scaled, a multiple of 8. More finds
                smaller people, and costs time with its square.
            settings: Thresholds of the decoder.
        """
        self._engine = engine
        self._input_height = input_height
        self._settings = settings

    def estimate(
        self,
        frames: Sequence[NDArray[np.uint8]],
        source_size: tuple[int, int] | None = None,
        max_people: int = 0,
    ) -> list[People]:
        """Finds the people in frames of one size.

        Args:
            frames: uint8 (height, width, 3) pixels, blue first.
            source_size: Width and height in pixels of the frames of which these are scaled copies;
                None where they are not.
            max_people: Keep this many people per frame, the best; 0 keeps all.

        Returns:
            For each frame its people, best first, in pixels of the source: (0, 0) is the centre of
            the top left pixel.

        Raises:
            InvalidRequestError: The frames differ in size, or a size is not positive.
        """
        if not frames:
            return []
        height, width = frames[0].shape[:2]
        geometry = Geometry.fit(width, height, self._input_height)
        images = [geometry.prepare(frame) for frame in frames]
        people = []
        for first in range(0, len(images), self._engine.batch_size):
            batch = images[first : first + self._engine.batch_size]
            for maps in self._engine.run(np.concatenate(batch)):
                keypoints, scores = decode(maps, self._settings)
                best = slice(max_people or None)
                keypoints = geometry.to_source(keypoints[best], source_size or (width, height))
                people.append(People(keypoints, scores[best]))
        return people
