"""Forms with a video: chunks of any size, and forms that are rejected."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from poseway.jobs import JobOptions
from poseway_gateway.api.errors import TooLargeError
from poseway_gateway.api.uploads.multipart_form import MultipartForm

CONTENT_TYPE = "multipart/form-data; boundary=edge"


class Memory(io.BytesIO):
    size = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.size += len(data)
        return super().write(data)


def body(*parts: tuple[str, str | None, bytes]) -> bytes:
    text = b""
    for name, file_name, data in parts:
        file = f'; filename="{file_name}"' if file_name is not None else ""
        text += f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        text += data + b"\r\n"
    return text + b"--edge--\r\n"


def feed(data: bytes, chunk: int = 1 << 20, limit: int = 1000) -> tuple[MultipartForm, bytes]:
    sink = Memory()
    form = MultipartForm(CONTENT_TYPE, limit, lambda: sink)
    for i in range(0, len(data), chunk):
        form.feed(data[i : i + chunk])
    form.finish()
    return form, sink.getvalue()


@given(st.binary(min_size=1, max_size=200), st.integers(1, 50))
def test_any_file_in_any_chunks_arrives_unchanged(data: bytes, chunk: int) -> None:
    text = body(("model", None, b"fast"), ("video", "a.mp4", data))
    if b"\r\n--edge" in b"\r\n" + data:
        return  # a boundary inside the data would be the client's mistake
    form, received = feed(text, chunk)
    assert received == data
    assert form.fields == {"model": "fast"}
    assert form.file_name == "a.mp4"


def test_options_may_follow_the_file() -> None:
    form, _ = feed(body(("video", "a.mp4", b"x"), ("max_people", None, b"2")))
    assert form.fields == {"max_people": "2"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\videos\\\\a.mp4", "a.mp4"),
        ("a\tb\x7f.mp4", "ab.mp4"),
        ("a%22b%0D%0A.mp4", 'a"b\r\n.mp4'),
        ("", "video"),
        ("x" * 5000 + ".mp4", "x" * 251 + ".mp4"),
    ],
)
def test_file_names_are_cleaned(sent: str, kept: str) -> None:
    if len(sent) > 4000:
        sent = sent[-4000:]
    form, _ = feed(body(("video", sent, b"x")))
    assert form.file_name == kept


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (body(("video", "a.mp4", b"")), "empty_file"),
        (body(("model", None, b"fast")), "missing_video"),
        (body(("film", "a.mp4", b"x")), "unknown_field"),
        (body(("video", "a", b"x"), ("video", "b", b"x")), "several_videos"),
        (body(("video", "a.mp4", b"x"))[:-12], "incomplete_upload"),
        (body(("model", None, b"x" * 2000)), "invalid_options"),
        (b"nonsense", "not_a_form"),
        (b"", "incomplete_upload"),
    ],
)
def test_bad_bodies_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        feed(data)
    assert caught.value.code == code


def test_other_content_types_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="curl -F"):
        MultipartForm("application/json", 10, Memory)


def test_too_large_file_is_refused_before_it_is_stored() -> None:
    sink = Memory()
    form = MultipartForm(CONTENT_TYPE, 100, lambda: sink)
    with pytest.raises(TooLargeError, match="100 bytes"):
        form.feed(body(("video", "a.mp4", b"x" * 101)))
    assert sink.size <= 100


def test_too_many_fields_are_refused() -> None:
    fields = [(f"field{i}", None, b"x" * 900) for i in range(1000)]
    form = MultipartForm(CONTENT_TYPE, 100, Memory)
    with pytest.raises(InvalidRequestError, match="too many fields"):
        form.feed(body(*fields))
    assert len(form.fields) <= 40


def test_form_has_room_for_every_option_and_a_webhook() -> None:
    names = [*JobOptions.model_fields, "webhook_url"]
    form, received = feed(body(*((name, None, b"1") for name in names), ("video", "a.mp4", b"x")))
    assert list(form.fields) == names
    assert received == b"x"


def test_too_long_boundary_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="malformed") as caught:
        MultipartForm("multipart/form-data; boundary=" + "b" * 1000, 10, Memory)
    assert caught.value.code == "not_a_form"
