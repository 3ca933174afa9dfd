"""Job options parsed from the fields of a form."""

import re

import pytest

from poseway.errors import InvalidRequestError
from poseway.jobs import Audio, JobOptions, Overlay
from poseway_gateway.api.routes.create import router
from poseway_gateway.api.uploads.options_form import parse_options

DRAWING = {
    "overlay": "faces_blurred",
    "ids": "false",
    "scores": "true",
    "boxes": "true",
    "trails": "true",
    "line_width": "2.5",
    "crf": "30",
    "max_resolution": "480",
}


def test_drawing_options_are_parsed() -> None:
    assert parse_options(DRAWING) == JobOptions(
        overlay=Overlay.FACES_BLURRED,
        ids=False,
        scores=True,
        boxes=True,
        trails=True,
        line_width=2.5,
        crf=30,
        max_resolution=480,
    )


@pytest.mark.parametrize("overlay", Overlay)
def test_sound_follows_the_overlay_by_default(overlay: Overlay) -> None:
    hidden = overlay is Overlay.FACES_BLURRED
    assert JobOptions(overlay=overlay).sound is (Audio.DROP if hidden else Audio.KEEP)
    for audio in Audio:
        assert parse_options({"overlay": overlay, "audio": audio}).sound is audio


def test_empty_fields_are_defaults() -> None:
    assert parse_options(dict.fromkeys(DRAWING, "")) == JobOptions()


@pytest.mark.parametrize(
    "name", ["max_resolution", "audio", "video_stream", "audio_stream", "assume_frame_rate"]
)
def test_newer_options_are_written_only_if_set(name: str) -> None:
    # Older versions allowed no null here.
    assert name not in JobOptions().model_dump_json()
    assert '"max_resolution":1080' in JobOptions(max_resolution=1080).model_dump_json()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ids", "some", "valid boolean"),
        ("trails", "2", "valid boolean"),
        ("overlay", "grey", "'video', 'black', 'blurred' or 'faces_blurred'"),
        ("audio", "off", "'keep' or 'drop'"),
        ("line_width", "0", "greater than or equal to 1"),
        ("line_width", "nan", "or equal to 50"),
        ("crf", "52", "less than or equal to 51"),
        ("crf", "22.5", "valid integer"),
        ("video_stream", "-1", "greater than or equal to 0"),
        ("audio_stream", "first", "valid integer"),
        ("assume_frame_rate", "0", "greater than 0"),
        ("assume_frame_rate", "1001", "less than or equal to 1000"),
        ("assume_frame_rate", "nan", "finite number"),
        ("max_resolution", "143", "greater than or equal to 144"),
    ],
)
def test_invalid_value_is_named_with_the_valid_ones(name: str, value: str, says: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{name}: .*{re.escape(says)}"):
        parse_options({name: value})


def test_form_schema_lists_the_choices() -> None:
    (route,) = (route for route in router.routes if getattr(route, "name", "") == "create_job")
    extra = getattr(route, "openapi_extra", {})
    schema = extra["requestBody"]["content"]["multipart/form-data"]["schema"]
    overlay = schema["properties"]["overlay"]
    assert overlay["enum"] == ["video", "black", "blurred", "faces_blurred"]
    assert (overlay["type"], overlay["default"]) == ("string", "video")
    assert overlay["description"] == "What the skeletons are drawn on."
    assert schema["properties"]["smoothing"]["enum"] == ["off", "light", "strong"]
    assert schema["properties"]["max_resolution"]["anyOf"][0]["maximum"] == 8192
    assert "$ref" not in str(schema)
