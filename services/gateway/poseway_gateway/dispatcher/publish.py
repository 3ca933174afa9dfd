"""Assembles a result from its segments. The manifest is written last."""

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import structlog

from poseway.errors import NotFoundError
from poseway.formats import keypoints, tracks
from poseway.formats.manifest import Manifest, ModelInfo, ResultFile, SourceInfo
from poseway.jobs import JobRequest, Keys, now
from poseway.media.reader import VideoInfo
from poseway.storage import ObjectStore, ObjectWriter
from poseway.v1 import inference_pb2, renderer_pb2
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.frames import stills
from poseway_gateway.dispatcher.warnings import content_warnings, timing_warnings

log = structlog.get_logger(__name__)

_SHEET_PICTURES: Final = 40
# Containers round the times of frames, most of all the duration of the last one.
_SAME_RATE: Final = Fraction(1, 200)
_JSON: Final = "application/json"
_MEDIA_TYPES: Final = {
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".json": _JSON,
    ".jsonl": keypoints.CONTENT_TYPE,
}


def publish(
    store: ObjectStore,
    request: JobRequest,
    video: VideoInfo,
    model: inference_pb2.Model,
    segments: list[Checkpoint],
    joined: renderer_pb2.JoinSegmentsResponse,
    total_seconds: float,
    confirm: Callable[[], None],
    check_cancelled: Callable[[], None] = lambda: None,
) -> Manifest:
    """Writes a result except for its video, contact sheet and screenshots, which are rendered.

    Args:
        store: Object storage.
        request: Request of the job.
        video: Properties of the upload.
        model: How the model was run.
        segments: Checkpoints of all segments.
        joined: The renderer's response about the joined video.
        total_seconds: Wall-clock time of the last attempt.
        confirm: Called before the manifest is written. Raises if the lease is lost.
        check_cancelled: Called regularly. Raises if the job was cancelled.

    Returns:
        The manifest.

    Raises:
        ConflictError: The lease was lost to another dispatcher.
    """
    keys = Keys(request.id)
    frames = sum(segment.frames for segment in segments)
    duration = segments[-1].end * video.time_base
    shown = duration - segments[0].start * video.time_base
    rate = video.frame_rate if video.is_photo else measured(video.frame_rate, frames, shown)
    head = keypoints.header(
        video.width,
        video.height,
        video.time_base,
        rate,
        request.options.smoothing,
        video.pixel_aspect,
    )
    _join_keypoints(store, keys, head, len(segments), check_cancelled)
    screenshots = {i: people for s in segments for i, people in s.screenshots.items()}
    if screenshots:
        # The earliest frame with the most people.
        best = max(sorted(screenshots), key=lambda index: screenshots[index])
        store.copy(keys.screenshot(best), keys.poster)
    seen = tracks.join(_runs(store, keys, segment, rate) for segment in segments)
    presence = tracks.presence(seen, frames, rate, duration)
    store.put(keys.tracks, presence.file(), _JSON)
    _keep_stills(store, keys, segments, presence)
    damaged = sum(segment.damaged_packets for segment in segments)
    reshaped = sum(segment.reshaped for segment in segments)
    size = segments[-1].video_size
    manifest = Manifest(
        job=request.id,
        source=SourceInfo(
            name=request.name,
            size=request.size,
            sha256=request.sha256,
            codec=video.codec,
            width=video.width,
            height=video.height,
            frame_rate=str(rate),
            time_base=str(video.time_base),
            streams=list(video.streams),
            video_stream=video.video_stream,
            audio_stream=video.audio_stream if joined.audio_codec else None,
        ),
        options=request.options.model_copy(
            # The effective values, which the page needs for its measurements.
            update={
                "max_resolution": request.options.resolution(photo=video.is_photo),
                "audio": request.options.sound,
            }
        ),
        video_width=size[0] if size else None,
        video_height=size[1] if size else None,
        model=ModelInfo(
            name=model.name,
            sha256=model.sha256,
            engine=model.engine,
            device=model.device,
            precision=model.precision,
        ),
        frames=frames,
        duration_seconds=round(float(duration), 6),
        people=max(segment.people for segment in segments),
        tracks=len(seen),
        segments=len(segments),
        seconds={**_summed(segments), "total": round(total_seconds, 3)},
        audio_codec=joined.audio_codec or None,
        damaged_packets=damaged,
        warnings=[
            *timing_warnings(video, request.options),
            *content_warnings(video, duration, damaged, joined, reshaped),
        ],
        cuts=[
            round(float(pts * video.time_base), 6) for segment in segments for pts in segment.cuts
        ],
        files=_files(store, keys),
        created_at=now(),
    )
    check_cancelled()
    confirm()
    data = manifest.model_dump_json(indent=2).encode() + b"\n"
    store.put(keys.manifest, data, _JSON)
    return manifest


def measured(container: Fraction, frames: int, duration: Fraction) -> Fraction:
    """Measures the frame rate.

    Args:
        container: Frame rate that the container states. It is kept if it only differs by rounding,
            as it is the exact fraction that was intended.
        frames: Number of frames.
        duration: Seconds from the start of the first frame to the end of the last.

    Returns:
        Frames per second.
    """
    if not duration:
        return container
    rate = frames / duration
    if abs(rate / container - 1) <= _SAME_RATE:
        return container
    # Less than one frame per second is possible: a frame may last an hour.
    return rate.limit_denominator(1001) if rate >= 1 else 1 / (1 / rate).limit_denominator(1001)


def contact_sheet(segments: list[Checkpoint]) -> list[int]:
    """Indexes of the frames on the contact sheet: at most 40, evenly spaced."""
    shots = sorted(index for segment in segments for index in segment.screenshots)
    last = _SHEET_PICTURES - 1
    if len(shots) <= last:
        return shots
    return [shots[number * (len(shots) - 1) // last] for number in range(_SHEET_PICTURES)]


def _keep_stills(
    store: ObjectStore,
    keys: Keys,
    segments: list[Checkpoint],
    presence: tracks.Presence,
) -> None:
    """Copies the best still of every track that lasts; see `stills.lasting`."""
    best = stills.over_all(segment.stills for segment in segments)
    for track in presence.tracks:
        seconds = sum(end - start for start, end in presence.times(track))
        if track.id not in best or not stills.lasting(seconds, presence.duration_seconds):
            continue
        try:
            store.copy(keys.segment_still(best[track.id][0], track.id), keys.still(track.id))
        except NotFoundError:
            log.warning("still is missing", track=track.id, segment=best[track.id][0])


def _join_keypoints(
    store: ObjectStore,
    keys: Keys,
    head: bytes,
    segments: int,
    check_cancelled: Callable[[], None],
) -> None:
    with ObjectWriter(store, keys.keypoints, keypoints.CONTENT_TYPE) as writer:
        writer.write(head)
        for number in range(segments):
            for chunk in store.stream(keys.segment(number, "keypoints.jsonl")):
                check_cancelled()
                writer.write(chunk)


def _runs(
    store: ObjectStore, keys: Keys, segment: Checkpoint, rate: Fraction
) -> dict[int, list[tracks.Run]]:
    if segment.times or not segment.tracks:
        return {
            track: [
                tracks.Run(*span, *times)
                for span, times in zip(spans, segment.times[track], strict=True)
            ]
            for track, spans in segment.spans.items()
        }
    # An older version wrote the checkpoint. The segment's keypoints hold the same information.
    lines = keypoints.split_lines(store.stream(keys.segment(segment.segment, "keypoints.jsonl")))
    frames = (
        (frame["frame"], frame["time"], [person["id"] for person in frame["people"]])
        for frame in keypoints.read_frames(lines)
    )
    return tracks.runs(tracks.with_ends(frames, float(1 / rate)))


def _summed(segments: list[Checkpoint]) -> dict[str, float]:
    stages = {stage for segment in segments for stage in segment.seconds}
    return {
        stage: round(sum(segment.seconds.get(stage, 0.0) for segment in segments), 3)
        for stage in sorted(stages)
    }


def _files(store: ObjectStore, keys: Keys) -> list[ResultFile]:
    return [
        ResultFile(
            path=item.key.removeprefix(keys.result),
            bytes=item.size,
            content_type=_MEDIA_TYPES["." + item.key.rsplit(".", 1)[-1]],
        )
        for item in store.walk(keys.result)
        if item.key != keys.manifest
    ]
