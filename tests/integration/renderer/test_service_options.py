"""The renderer's contract: all options."""

import io

import pytest

from poseway.jobs import Keys
from poseway.local.stack import Stack
from poseway.media.reader import VideoReader
from poseway.v1 import renderer_pb2, renderer_pb2_grpc
from tests.support.people_to_draw import decoded
from tests.support.renderer_requests import frame, segment, upload
from tests.support.videos import make_video


def test_all_options_together_take_effect(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    frames = upload(stack.store, job, make_video(30))
    keys = Keys(job)
    for number, start in enumerate((0, 12)):
        part = frames[start : start + (12 if number == 0 else 18)]
        header = {
            "overlay": renderer_pb2.OVERLAY_FACES_BLURRED,
            "screenshots": renderer_pb2.ScreenshotInterval(frames=5),
            "drawing": renderer_pb2.Drawing(
                hide_ids=True, scores=True, boxes=True, trails=True, line_width=3
            ),
            "crf": 30,
            "max_resolution": 120,
            "stills": [renderer_pb2.Still(track_id=1, frame_index=start + 3)],
            "before": [frame(source).frame for source in frames[:start]],
        }
        answer = renderer.RenderSegment(iter(segment(job, number, part, **header)))
        assert (answer.width, answer.height) == (160, 120)
        key = keys.segment_still(number, 1)
        assert stack.store.head(key).content_type == "image/jpeg"
        assert decoded(stack.store.get(key)[0]).shape[0] < 120
    picture = decoded(stack.store.get(keys.screenshot(5))[0])
    assert picture.shape == (120, 160, 3)

    # Missing screenshots do not make the call fail.
    stack.store.delete(keys.screenshot(10))
    join = renderer_pb2.JoinSegmentsRequest(
        job_id=job, segments=2, frames=30, contact_sheet=[0, 5, 10, 15, 20, 25]
    )
    renderer.JoinSegments(join)
    assert stack.store.head(keys.contact_sheet).content_type == "image/jpeg"
    rows, columns, _ = decoded(stack.store.get(keys.contact_sheet)[0]).shape
    assert (rows, columns) == (2 * 212 + 4, 4 * 281 + 4)
    video, _ = stack.store.get(keys.video)
    reader = VideoReader(io.BytesIO(video))
    assert (reader.info.width, reader.info.height) == (160, 120)
    assert len(list(reader.frames())) == 30


@pytest.mark.parametrize("indices", [[], [999]])
def test_no_contact_sheet_without_screenshots(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str, indices: list[int]
) -> None:
    frames = upload(stack.store, job, make_video(5))
    renderer.RenderSegment(iter(segment(job, 0, frames)))
    join = renderer_pb2.JoinSegmentsRequest(job_id=job, segments=1, frames=5, contact_sheet=indices)
    assert renderer.JoinSegments(join).video_bytes > 0
    assert not stack.store.exists(Keys(job).contact_sheet)
