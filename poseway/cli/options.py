"""The options of ``poseway run``, as typer reads them; the gateway checks their values."""

from pathlib import Path
from typing import Annotated, Any

import typer

from poseway.jobs import Overlay, Smoothing


def _drawn(*names: str, says: str) -> Any:  # noqa: ANN401 # as typer types it
    return typer.Option(*names, help=says, rich_help_panel="The video that is made")


def _extra(name: str, what: str) -> Any:  # noqa: ANN401
    return typer.Option(name, help=f"Fetch {what} too.", rich_help_panel="More files")


Video = Annotated[Path, typer.Argument(help="The video.", exists=True, dir_okay=False)]
Output = Annotated[Path, typer.Option(help="Results go into a folder in here.")]
Model = Annotated[str | None, typer.Option(help="Which model finds the people.")]
Accurate = Annotated[
    bool, typer.Option("--accurate", help="Find more people; takes several times longer.")
]
Smooth = Annotated[Smoothing, typer.Option(help="How much jitter is taken out of the keypoints.")]
ScreenshotFrames = Annotated[
    int | None, typer.Option(help="A screenshot every so many frames (50).")
]
ScreenshotSeconds = Annotated[
    float | None, typer.Option(help="A screenshot every so many seconds, instead.")
]
MaxPeople = Annotated[int | None, typer.Option(help="Keep the best so many a frame.")]

DrawnOn = Annotated[Overlay, _drawn(says="What is drawn on.")]
NoIds = Annotated[bool, _drawn("--no-ids", says="Leave out each person's number.")]
Scores = Annotated[bool, _drawn("--scores", says="Write how certain each person is, in percent.")]
Boxes = Annotated[bool, _drawn("--boxes", says="Draw a box around each person.")]
Trails = Annotated[bool, _drawn("--trails", says="Draw each person's path in the last second.")]
Background = Annotated[
    bool, _drawn("--background", says="Also keep the video as it is before anything is drawn.")
]
LineWidth = Annotated[
    float | None, _drawn(says="Width of limbs in pixels; to suit picture and person if not given.")
]
Crf = Annotated[int | None, _drawn(says="H.264 quality: 18 looks lossless, 28 is small (22).")]
MaxResolution = Annotated[
    int, _drawn(says="Shorter side in pixels beyond which it is scaled down.")
]

Csv = Annotated[bool, _extra("--csv", "the keypoints as CSV")]
OpenPose = Annotated[bool, _extra("--openpose", "OpenPose's JSON")]
Coco = Annotated[bool, _extra("--coco", "COCO's JSON of results")]
Trc = Annotated[bool, _extra("--trc", "the keypoints as TRC, for OpenSim")]
Angles = Annotated[bool, _extra("--angles", "the angles of the joints as CSV")]
