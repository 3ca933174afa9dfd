"""What an evaluation came to, for programs and for people."""

from pydantic import BaseModel
from rich import box
from rich.table import Table


class Report(BaseModel):
    """What an evaluation came to.

    Attributes:
        AP: Average precision in 0..1; `poseway.evaluation.coco_metrics.Scores` has more.
        AP50: The same at an object keypoint similarity of 0.5.
        AP75: The same at 0.75.
        AR: Average recall in 0..1.
        model: Name of the model.
        accurate: Whether it looked in several scales and mirrored.
        engine: Library that ran it.
        device: What it ran on.
        precision: Arithmetic in use.
        images: Number of images.
        people: Number of people found.
        milliseconds_per_image: Wall-clock time of all images by their number: with several in
            flight, less than one of them takes.
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

    def table(self) -> Table:
        """The measures in percent."""
        table = Table("COCO keypoints", box=box.SIMPLE_HEAD)
        table.add_column("%", justify="right")
        for name, value in (
            ("AP", self.AP),
            ("AP50", self.AP50),
            ("AP75", self.AP75),
            ("AR", self.AR),
        ):
            table.add_row(name, f"{100 * value:.1f}")
        return table

    def summary(self) -> str:
        """How the measures came about, in a line."""
        how = ", accurate," if self.accurate else ""
        return (
            f"{self.images} images, {self.people} people found, "
            f"{self.milliseconds_per_image:.1f} ms an image with {self.model}{how} on "
            f"{self.device} ({self.engine}, {self.precision})"
        )
