"""COCO's keypoint task: annotation files, result format and measures.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014;
https://cocodataset.org/#keypoints-eval.
"""

import io
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Final, NamedTuple, Self, TypedDict

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pydantic import BaseModel, Field, ValidationError

from poseway.errors import PosewayError
from poseway.skeleton import COCO_KEYPOINTS, KEYPOINTS

_OURS: Final = [KEYPOINTS.index(name) for name in COCO_KEYPOINTS]
_FLAT: Final = 3 * len(COCO_KEYPOINTS)


class LabelsError(PosewayError):
    """An annotation file is not a COCO keypoint file."""

    code = "not_coco_keypoints"


class Image(BaseModel):
    """A labelled image.

    Attributes:
        id: Number of the image.
        file_name: Path relative to the folder of images.
        width: Width in pixels.
        height: Height in pixels.
    """

    id: int
    file_name: str
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class Annotation(BaseModel, allow_inf_nan=False):
    """A labelled person.

    Attributes:
        image_id: Image that shows the person.
        category_id: Category of persons.
        keypoints: x, y, visibility of each of `COCO_KEYPOINTS`; visibility 0 means not labelled.
            All keypoints of a person without this field are not labelled.
        num_keypoints: Number of labelled keypoints; counted if the file does not give it.
        area: Pixels that the person covers, which sets the scale of the measure. COCO's code
            ignores larger areas.
        bbox: Left, top, width, height in pixels.
        iscrowd: 1 for a group whose members are not labelled; it counts neither way.
    """

    image_id: int
    category_id: int
    keypoints: list[float] = Field(default=[0.0] * _FLAT, min_length=_FLAT, max_length=_FLAT)
    num_keypoints: int = Field(
        default_factory=lambda data: sum(seen > 0 for seen in data["keypoints"][2::3])
    )
    area: float = Field(ge=0, le=1e10)
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class Category(BaseModel):
    """A category of labelled objects.

    Attributes:
        id: Number of the category.
        name: Name of the category.
        keypoints: Names of its keypoints, in the order of an annotation.
    """

    id: int
    name: str
    keypoints: tuple[str, ...]


class Detection(TypedDict):
    """A detected person in COCO's result format.

    Attributes:
        image_id: Image in which the person was detected.
        category_id: Category of persons.
        keypoints: x, y in pixels and 1 or 0, seen or not, of each of `COCO_KEYPOINTS`.
        score: Confidence of the detection; higher ones are matched first.
    """

    image_id: int
    category_id: int
    keypoints: list[float]
    score: float


class Scores(NamedTuple):
    """COCO's measures, each in 0..1.

    Attributes:
        AP: Average precision, the mean over ten thresholds of object keypoint similarity, 0.5 to
            0.95.
        AP50: Average precision at 0.5.
        AP75: Average precision at 0.75.
        AR: Average recall, the mean over the same ten thresholds.
    """

    AP: float
    AP50: float
    AP75: float
    AR: float


class Labels(BaseModel):
    """An annotation file.

    Attributes:
        images: The images, at least one.
        annotations: The people in them.
        categories: The one category, persons.
    """

    images: list[Image] = Field(min_length=1)
    annotations: list[Annotation]
    categories: Annotated[list[Category], Field(min_length=1, max_length=1)]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads an annotation file.

        Raises:
            LabelsError: The file cannot be read or is not a COCO keypoint file.
        """
        try:
            labels = cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise LabelsError(f"{path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise LabelsError(
                f"{path} is not a file of COCO keypoints: in {where}: {first['msg']}."
            ) from error
        if fault := labels._fault():
            raise LabelsError(f"{path} {fault}.")
        return labels

    def detection(self, image: Image, keypoints: Sequence[float], score: float) -> Detection:
        """Converts a pose to COCO's result format.

        Args:
            image: Image in which the pose was detected.
            keypoints: 54 numbers, as in ``poseway.v1.Pose``.
            score: Score of the pose.
        """
        flat: list[float] = []
        for index in _OURS:
            x, y, seen = keypoints[3 * index : 3 * index + 3]
            flat += (round(x, 3), round(y, 3), int(seen > 0))
        return Detection(
            image_id=image.id, category_id=self.categories[0].id, keypoints=flat, score=score
        )

    def scores(self, detections: list[Detection]) -> Scores:
        """Measures detections against the labels; all scores are 0 if nobody was detected."""
        if not detections:
            # COCO's own code infers the kind of result from the first detection.
            return Scores(0.0, 0.0, 0.0, 0.0)
        with redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = self._dataset()  # type: ignore[assignment] # only the fields it needs
            truth.createIndex()
            # It modifies its arguments.
            found = truth.loadRes([dict(detection) for detection in detections])
            run = COCOeval(truth, found, "keypoints")
            run.evaluate()
            run.accumulate()
            run.summarize()
        ap, ap50, ap75, _, _, ar = (float(value) for value in run.stats[:6])
        return Scores(ap, ap50, ap75, ar)

    def _fault(self) -> str | None:
        """Returns why COCO's code could not measure against these labels; None if it can."""
        category = self.categories[0]
        if category.keypoints != COCO_KEYPOINTS:
            return "has other keypoints than COCO's 17"
        images = Counter(image.id for image in self.images)
        [(image, count)] = images.most_common(1)
        if count > 1:
            return f"has {count} images with the id {image}"
        people = [a for a in self.annotations if a.num_keypoints > 0 and not a.iscrowd]
        if not people:
            return "has no person with labelled keypoints to compare with"
        if not any(p.image_id in images and p.category_id == category.id for p in people):
            first = people[0]
            stray = "category" if first.image_id in images else "image"
            return (
                f"has no person to compare with in its images: the first person is of category "
                f"{first.category_id} in image {first.image_id}, and there is no such {stray}"
            )
        return None

    def _dataset(self) -> dict[str, object]:
        """Returns the labels for COCO's code, which treats a person with the id 0 as missing."""
        return {
            "images": [image.model_dump() for image in self.images],
            "categories": [category.model_dump() for category in self.categories],
            "annotations": [
                {**annotation.model_dump(), "id": number}
                for number, annotation in enumerate(self.annotations, start=1)
            ],
        }
