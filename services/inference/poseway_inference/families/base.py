"""What every family of models shares: frames in, people out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from poseway.model_cards import ModelCard
from poseway_inference.engines.base import Engine, EngineName
from poseway_inference.graphs.network import Network


@dataclass(frozen=True)
class Frame:
    """A frame and how its people are to be found.

    Attributes:
        pixels: uint8 (height, width, 3), in the order blue, green, red.
        source_size: Width and height in pixels of the video's frame, of which `pixels` is a scaled
            copy. Keypoints are returned in its coordinates.
        max_people: Return at most this many people, those with the highest scores; 0 for all.
        accurate: Spend several times longer to find more people.
    """

    pixels: NDArray[np.uint8]
    source_size: tuple[int, int]
    max_people: int = 0
    accurate: bool = False


class People(NamedTuple):
    """The n people of one frame, highest score first.

    Attributes:
        keypoints: float32 (n, 18, 3): x, y and score (0..1) of each keypoint, in the order of
            `poseway.skeleton.KEYPOINTS`. A keypoint that was not found is (0, 0, 0).
        scores: float32 (n,), 0..1: confidence in each person.
    """

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]


class Estimator(Protocol):
    """Finds the people in frames. Its methods may be called by several threads at once."""

    @property
    def batch_size(self) -> int:
        """Maximum frames per call."""

    def shape(self, frame: Frame) -> tuple[int, ...]:
        """Returns the sizes of the network's inputs for a frame; frames of equal shape share calls.

        Raises:
            InvalidRequestError: The frame or its source has no pixels.
        """

    def estimate(self, frames: Sequence[Frame]) -> list[People]:
        """Finds the people in frames of one shape.

        Returns:
            The people of each frame, in pixels of its source. (0, 0) is the centre of the top left
            pixel.

        Raises:
            InvalidRequestError: A frame or its source has no pixels.
        """


@dataclass(frozen=True)
class Family:
    """A row of the registry: what the models of a family have in common.

    Attributes:
        load: Reads a card's files, found through the card and the folder of the cards, and checks
            their hashes. Raises `NotFoundError` or `IncompatibleError` if they cannot be used.
        estimator: Makes the estimator of a network that an engine runs, for the card's `input_size`
            and `accurate_sizes`.
        files: What the files of a card are, for the error that reports a wrong number of them.
        min_files: Minimum number of files.
        max_files: Largest number of files; None for any.
        engine: The engine that runs the family fastest. "auto" leaves that to the hardware.
    """

    load: Callable[[ModelCard, Path], Network]
    estimator: Callable[[Engine, int, Sequence[int]], Estimator]
    files: str = "one file"
    min_files: int = 1
    max_files: int | None = 1
    engine: EngineName | Literal["auto"] = "auto"

    def takes_files(self, count: int) -> bool:
        """Whether a card may have this many files."""
        return self.min_files <= count and (self.max_files is None or count <= self.max_files)
