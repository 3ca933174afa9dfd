"""Families of models: how frames become people with keypoints. `FAMILIES` lists them all."""

from typing import Final

from poseway_inference.families.base import Family
from poseway_inference.families.movenet.estimator import MoveNetEstimator
from poseway_inference.families.movenet.load import load as load_movenet
from poseway_inference.families.openpose.estimator import OpenPoseEstimator
from poseway_inference.families.openpose.load import load as load_openpose

FAMILIES: Final[dict[str, Family]] = {
    "openpose": Family(
        load=load_openpose,
        estimator=lambda engine, size, accurate: OpenPoseEstimator(
            engine, input_height=size, accurate_heights=accurate
        ),
    ),
    "movenet": Family(
        load=load_movenet,
        estimator=lambda engine, size, accurate: MoveNetEstimator(engine, size, max(accurate)),
        files="a topology and at least one file of weights",
        min_files=2,
        max_files=None,
        engine="tensorflow",  # OpenVINO takes longer for MoveNet
    ),
}
"""Every family, by the name that the cards of its models give."""
