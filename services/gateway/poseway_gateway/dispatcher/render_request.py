"""Builds the header of a request to render a segment."""

from collections.abc import Mapping, Sequence

from poseway import jobs
from poseway.read_options import Reading
from poseway.rpc.overlay import to_proto
from poseway.v1 import pose_pb2, renderer_pb2
from poseway_gateway.dispatcher.frames.stills import Still


def segment_header(
    job_id: str,
    segment: int,
    options: jobs.JobOptions,
    stills: Mapping[int, Still],
    before: Sequence[pose_pb2.TrackedFrame],
    reading: Reading,
    *,
    photo: bool = False,
) -> renderer_pb2.SegmentHeader:
    """Builds the header of a segment.

    Args:
        job_id: Id of the job.
        segment: Number of the segment.
        options: Options of the job.
        stills: Best frame of each track in the segment.
        before: Frames just before the segment; see `poseway_gateway.dispatcher.frames.lead_in`.
        reading: Read options that the dispatcher used for the upload.
        photo: Whether the upload is an image.
    """
    return renderer_pb2.SegmentHeader(
        job_id=job_id,
        segment=segment,
        overlay=to_proto(options.overlay),
        screenshots=_interval(options),
        drawing=renderer_pb2.Drawing(
            hide_ids=not options.ids,
            scores=options.scores,
            boxes=options.boxes,
            trails=options.trails,
            line_width=options.line_width or 0.0,
        ),
        crf=options.crf or 0,
        max_resolution=options.resolution(photo=photo),
        stills=[
            renderer_pb2.Still(track_id=track, frame_index=index)
            for track, (index, _) in sorted(stills.items())
        ],
        before=before,
        background=options.has_background,
        reading=reading_message(reading),
    )


def reading_message(reading: Reading) -> renderer_pb2.Reading:
    """Converts read options to their message."""
    return renderer_pb2.Reading(
        video_stream=reading.video_stream,
        audio_stream=reading.audio_stream,
        assume_frame_rate=reading.assume_frame_rate or 0.0,
    )


def _interval(options: jobs.JobOptions) -> renderer_pb2.ScreenshotInterval:
    if options.screenshot_seconds is not None:
        return renderer_pb2.ScreenshotInterval(seconds=options.screenshot_seconds)
    return renderer_pb2.ScreenshotInterval(
        frames=options.screenshot_frames or jobs.DEFAULT_SCREENSHOT_FRAMES
    )
