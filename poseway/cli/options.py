"""The options of a job and of its result, as typer reads them; the gateway checks their values."""

from typing import Annotated, Any

import typer

from poseway.jobs import Audio, Overlay, Smoothing


def _found(*names: str, says: str) -> Any:  # noqa: ANN401 # as typer types it
    return typer.Option(*names, help=says, rich_help_panel="What is found")


def _drawn(*names: str, says: str) -> Any:  # noqa: ANN401
    return typer.Option(*names, help=says, rich_help_panel="The video that is made")


def _read(*names: str, says: str) -> Any:  # noqa: ANN401
    return typer.Option(*names, help=says, rich_help_panel="How the file is read")


def _extra(name: str, what: str) -> Any:  # noqa: ANN401
    return typer.Option(name, help=f"Fetch {what} too.", rich_help_panel="More files")


def job_options(
    model: Annotated[str | None, _found(says="Which model finds the people.")] = None,
    accurate: Annotated[
        bool, _found("--accurate", says="Find more people; takes several times longer.")
    ] = False,
    smoothing: Annotated[
        Smoothing, _found(says="How much jitter is taken out of the keypoints.")
    ] = Smoothing.LIGHT,
    screenshot_frames: Annotated[
        int | None, _found(says="A screenshot every so many frames (50).")
    ] = None,
    screenshot_seconds: Annotated[
        float | None, _found(says="A screenshot every so many seconds, instead.")
    ] = None,
    max_people: Annotated[int | None, _found(says="Keep the best so many a frame.")] = None,
    overlay: Annotated[Overlay, _drawn(says="What is drawn on.")] = Overlay.VIDEO,
    no_ids: Annotated[bool, _drawn("--no-ids", says="Leave out each person's number.")] = False,
    scores: Annotated[
        bool, _drawn("--scores", says="Write how certain each person is, in percent.")
    ] = False,
    boxes: Annotated[bool, _drawn("--boxes", says="Draw a box around each person.")] = False,
    trails: Annotated[
        bool, _drawn("--trails", says="Draw each person's path in the last second.")
    ] = False,
    line_width: Annotated[
        float | None,
        _drawn(says="Width of limbs in pixels; to suit picture and person if not given."),
    ] = None,
    crf: Annotated[
        int | None, _drawn(says="H.264 quality: 18 looks lossless, 28 is small (22).")
    ] = None,
    max_resolution: Annotated[
        int | None,
        _drawn(
            says="Shorter side in pixels beyond which it is scaled down (1080; a picture 2160)."
        ),
    ] = None,
    audio: Annotated[
        Audio | None,
        _drawn(says="Keep or drop the sound (kept, unless the faces are blurred)."),
    ] = None,
    video_stream: Annotated[
        int | None,
        _read(says="Index of the video stream to use; a player's choice if not given."),
    ] = None,
    audio_stream: Annotated[
        int | None,
        _read(says="Index of the audio stream to use; a player's choice if not given."),
    ] = None,
    assume_frame_rate: Annotated[
        float | None,
        _read(says="Frames per second of a file that has no times, such as raw H.264 or MJPEG."),
    ] = None,
    background: Annotated[
        bool,
        _drawn("--background", says="Also keep the video as it is before anything is drawn."),
    ] = False,
) -> dict[str, object]:
    """The options of a job, by their names in the API."""
    options = {
        "model": model,
        "accurate": accurate,
        "smoothing": smoothing.value,
        "screenshot_frames": screenshot_frames,
        "screenshot_seconds": screenshot_seconds,
        "max_people": max_people,
        "overlay": overlay.value,
        "ids": not no_ids,
        "scores": scores,
        "boxes": boxes,
        "trails": trails,
        "line_width": line_width,
        "crf": crf,
        "max_resolution": max_resolution,
        "audio": audio.value if audio else None,
        "video_stream": video_stream,
        "audio_stream": audio_stream,
        "assume_frame_rate": assume_frame_rate,
        "background": background,
    }
    return {name: value for name, value in options.items() if value is not None}


def more_files(
    csv: Annotated[bool, _extra("--csv", "the keypoints as CSV")] = False,
    openpose: Annotated[bool, _extra("--openpose", "OpenPose's JSON")] = False,
    coco: Annotated[bool, _extra("--coco", "COCO's JSON of results")] = False,
    trc: Annotated[bool, _extra("--trc", "the keypoints as TRC, for OpenSim")] = False,
    angles: Annotated[bool, _extra("--angles", "the angles of the joints as CSV")] = False,
) -> list[str]:
    """Names of the links of the files that are wanted besides a result's own."""
    chosen = {"csv": csv, "openpose": openpose, "coco": coco, "trc": trc, "angles": angles}
    return [name for name, wanted in chosen.items() if wanted]
