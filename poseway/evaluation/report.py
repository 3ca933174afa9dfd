"""The result of an evaluation."""

from pydantic import BaseModel


class Report(BaseModel):
    """How well a model detects people, and how fast.

    Attributes:
        AP: Average precision in 0..1; `poseway.evaluation.coco_metrics.Scores` has more.
        AP50: The same at an object keypoint similarity of 0.5.
        AP75: The same at 0.75.
        AR: Average recall in 0..1.
        model: Name of the model.
        accurate: Whether it ran at several scales and mirrored.
        engine: Library that ran it.
        device: Device that it ran on.
        precision: Arithmetic in use.
        images: Number of images.
        people: Number of people detected.
        milliseconds_per_image: Wall-clock time for all images divided by their number. Several
            images are in flight at once, so this is less than the latency of one.
    """

    AP: float
    AP50: float
    AP75: float
    AR: float
    model: str
    accurate: bool
    engine: str
    device: str
    precision: str
    images: int
    people: int
    milliseconds_per_image: float
