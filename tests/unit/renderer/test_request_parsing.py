"""Options of a segment: styles, sizes, quality, stills."""

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from poseway.errors import InvalidRequestError
from poseway.jobs import Overlay
from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoInfo, VideoReader
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.drawing.style import Style
from poseway_renderer.media.encode import Encoding, SegmentEncoder
from poseway_renderer.segment import ScreenshotInterval, SegmentOptions
from tests.support.people_to_draw import decoded, standing
from tests.support.segment_rendering import frames_of, posed, render
from tests.support.videos import make_video, numbered


def moving(frames: list[SourceFrame], *tracks: int) -> list[PosedFrame]:
    """People who walk to the right, one below the other."""
    return [
        PosedFrame(
            frame.index,
            frame.pts,
            [standing(track, 60 + 6 * frame.index, 90 * n, 80) for n, track in enumerate(tracks)],
        )
        for frame in frames
    ]


def test_trails_and_hidden_heads_do_not_depend_on_segments() -> None:
    data = make_video(24)
    wanted = moving(frames_of(data), 1, 2)
    # One person's head is lost right before the border.
    wanted[11:] = [replace(frame, people=frame.people[:1]) for frame in wanted[11:]]
    style = Style(Overlay.FACES_BLURRED, trails=True)
    interval = ScreenshotInterval(frames=1)
    _, _, whole = render(data, wanted, SegmentOptions(style, interval))
    for start in (12, 13, 20):
        options = SegmentOptions(style, interval, before=wanted[:start])
        _, _, part = render(data, wanted[start:], options)
        assert list(part.screenshots) == list(range(start, 24))
        assert all(shot == whole.screenshots[index] for index, shot in part.screenshots.items())
    _, _, alone = render(data, wanted[12:], SegmentOptions(style, interval))
    assert alone.screenshots[12] != whole.screenshots[12]


@pytest.mark.parametrize("before", [slice(0, 6), slice(2, 3), slice(5, 7), slice(8, 9)])
def test_preceding_frames_must_lead_up_to_the_segment(before: slice) -> None:
    data = make_video(10)
    wanted = posed(frames_of(data))
    options = SegmentOptions(Style(trails=True), before=wanted[before])
    if before == slice(0, 6):
        assert render(data, wanted[6:], options)[0].frames == 4
        return
    with pytest.raises(InvalidRequestError, match="does not follow"):
        render(data, wanted[6:], options)


@pytest.mark.parametrize("background", [Overlay.FACES_BLURRED, Overlay.BLURRED])
def test_blurring_hides_the_video_but_not_the_skeleton(background: Overlay) -> None:
    stripes = np.where(np.arange(320) // 4 % 2, 200, 60).astype(np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(stripes[None, :, None], (240, 320, 3)))
    data = make_video(1, picture=lambda _: picture)
    wanted = posed(frames_of(data))
    plain, hidden = (
        decoded(
            render(data, wanted, SegmentOptions(Style(over), ScreenshotInterval(frames=1)))[
                2
            ].screenshots[0]
        )
        for over in (Overlay.VIDEO, background)
    )
    # The forehead, and an area away from all people, across the stripes.
    forehead, far = np.s_[64:68, 194:206], np.s_[200:220, 20:120]
    assert plain[forehead].std() > 40 < plain[far].std()
    assert hidden[forehead].std() < 25
    assert (hidden[far].std() < 15) == (background is Overlay.BLURRED)
    # The neck is still red.
    assert np.abs(hidden[90, 200].astype(int) - plain[90, 200]).max() < 25


@pytest.mark.parametrize(
    ("width", "height", "limit", "expected"),
    [
        (320, 240, 120, (160, 120)),
        (320, 240, 240, (320, 240)),
        (320, 240, 1080, (320, 240)),
        (320, 240, 0, (320, 240)),
        (240, 320, 180, (180, 240)),
        (320, 240, 81, (108, 82)),
    ],
)
def test_large_videos_are_scaled_down_together_with_the_drawing(
    width: int, height: int, limit: int, expected: tuple[int, int]
) -> None:
    data = make_video(3, picture=lambda index: numbered(index, width, height))
    frames = frames_of(data)
    wanted = [PosedFrame(f.index, f.pts, [standing(1, 200, 60, 150)]) for f in frames]
    options = SegmentOptions(
        screenshots=ScreenshotInterval(frames=1), stills={1: [1]}, max_resolution=limit
    )
    rendered, video, shots = render(data, wanted, options)
    assert (rendered.width, rendered.height) == expected
    result = frames_of(video)
    assert {(frame.image.width, frame.image.height) for frame in result} == {expected}
    assert [frame.pts for frame in result] == [frame.pts for frame in frames]
    scale = min(1, (limit or 1e9) / min(width, height))
    for picture in (decoded(shots.screenshots[1]), result[1].bgr(*expected)):
        assert picture.shape == (expected[1], expected[0], 3)
        # The red of the neck has moved with it.
        blue, green, red = picture[round(90 * scale), round(200 * scale)].astype(int)
        assert red > max(blue, green) + 80
    rows, columns, _ = decoded(shots.stills[1]).shape
    assert rows == pytest.approx(195 * scale, abs=12)
    assert columns < rows


def test_request_may_override_the_crf() -> None:
    data = make_video(10)
    wanted = posed(frames_of(data))
    good, plain, bad = (
        len(render(data, wanted, SegmentOptions(crf=crf))[1]) for crf in (12, None, 45)
    )
    assert good > 1.2 * plain > 1.2 * 1.2 * bad


def test_a_still_shows_its_person_as_drawn() -> None:
    data = make_video(6, picture=lambda index: np.full((480, 640, 3), 30 + 30 * index, np.uint8))
    people = [standing(7, 120, 100, 200), standing(9, 480, 200, 240)]
    wanted = [PosedFrame(f.index, f.pts, people) for f in frames_of(data)]
    options = SegmentOptions(screenshots=ScreenshotInterval(frames=5), stills={2: [7], 5: [9]})
    rendered, _, shots = render(data, wanted, options)
    assert rendered.screenshots == [0, 5]
    assert list(shots.stills) == [7, 9]
    for track, index, (x, top, height) in ((7, 2, (120, 100, 200)), (9, 5, (480, 200, 240))):
        still = decoded(shots.stills[track]).astype(int)
        rows, columns, _ = still.shape
        # The whole person with a margin, at the right position, from the right frame.
        assert height < rows < 1.6 * height
        assert 0.48 * height < columns < 1.1 * height
        assert np.abs(still[-3:, :3] - (30 + 30 * index)).max() < 8
        red = still[..., 2] - still[..., :2].max(axis=2) > 80
        assert red.any()
        whole = decoded(shots.screenshots[5]).astype(int)
        if index == 5:
            middle = whole[top - 20 : top + 20, x - 20 : x + 20]
            distances = [
                np.abs(still[y : y + 40, left : left + 40] - middle).mean()
                for y in range(rows - 40)
                for left in range(columns - 40)
            ]
            # As close as a JPEG with another block grid can be.
            assert min(distances) < 5 < np.median(distances)


def test_stills_have_a_minimum_size_inside_the_frame() -> None:
    data = make_video(1)
    people = [standing(1, 2, 5, 10), standing(2, 300, 200, 200), standing(3, 160, 100, 3)]
    wanted = [PosedFrame(0, 0, people)]
    _, _, shots = render(data, wanted, SegmentOptions(stills={0: [1, 2, 3]}))
    for still in shots.stills.values():
        rows, columns, _ = decoded(still).shape
        assert 48 <= rows <= 240
        assert 48 <= columns <= 320


@pytest.mark.parametrize(
    ("stills", "words"),
    [
        ({0: [2]}, "Track 2 is not in frame 0"),
        ({3: [1]}, "Frame 3 of the still of track 1 is not"),
        ({-1: [1]}, "Frame -1 of the still of track 1 is not"),
    ],
)
def test_stills_of_absent_tracks_are_refused(stills: dict[int, list[int]], words: str) -> None:
    data = make_video(3)
    with pytest.raises(InvalidRequestError, match=words):
        render(data, posed(frames_of(data)), SegmentOptions(stills=stills))


def squeezed(aspect: Fraction) -> bytes:
    """A black video of 320 x 240 with this pixel aspect ratio."""
    info = VideoInfo("h264", 320, 240, Fraction(1, 90_000), Fraction(30), aspect, None, None)
    space = ColourSpace(6, 6, 6, False, 6)
    file = io.BytesIO()
    encoder = SegmentEncoder(file, info, space, Encoding())
    for index in range(2):
        canvas = Canvas(320, 240, space)
        canvas.blacken()
        encoder.write(canvas, 3000 * index, 3000)
    encoder.finish()
    return file.getvalue()


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(4, 3), (427, 240)), (Fraction(1, 2), (320, 480))]
)
def test_images_of_non_square_pixels_are_stretched(aspect: Fraction, size: tuple[int, int]) -> None:
    data = squeezed(aspect)
    options = SegmentOptions(screenshots=ScreenshotInterval(frames=1), stills={1: [1]})
    rendered, video, shots = render(data, posed(frames_of(data)), options)
    assert (rendered.width, rendered.height) == (320, 240)
    assert VideoReader(io.BytesIO(video)).info.pixel_aspect == aspect
    picture = decoded(shots.screenshots[1])
    assert (picture.shape[1], picture.shape[0]) == size
    x, y = round(200 * size[0] / 320), round(90 * size[1] / 240)
    assert picture[y, x, 2] > 180
    rows, columns, _ = decoded(shots.stills[1]).shape
    assert columns / rows == pytest.approx(0.62 * aspect, rel=0.4)
