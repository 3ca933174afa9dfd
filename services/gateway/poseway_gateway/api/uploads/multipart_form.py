"""Taking a ``multipart/form-data`` body apart while it arrives, the file straight into a sink.

Frameworks keep uploaded files in memory or on disk until the whole body is there. A video goes
through here instead, piece by piece. The memory that an upload costs does not depend on its size:
about three parts of the object, 27 MiB (measured), which are the first part, the one that fills,
and the copy of it that is being sent.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, Protocol

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from poseway import filenames
from poseway.errors import InvalidRequestError
from poseway.jobs import JobOptions
from poseway_gateway.api.errors import too_large
from poseway_gateway.api.uploads.content_disposition import sent_name

FILE_FIELD: Final = "video"
# All options, the webhook, the video, and some for what is yet unknown.
_MAX_FIELDS: Final = len(JobOptions.model_fields) + 10
_MAX_FIELD_BYTES: Final = 1000


class Sink(Protocol):
    """What the file is written to."""

    size: int

    def write(self, data: bytes, /) -> int:
        """Takes the next bytes of the file."""


class MultipartForm:
    """A form with one file, named ``video``, and text fields.

    Attributes:
        fields: The text fields, by name.
        file_name: The name of the file, without its path; None as long as no file has begun.
    """

    def __init__(self, content_type: str, max_bytes: int, open_sink: Callable[[], Sink]) -> None:
        """Begins a form.

        Args:
            content_type: The request's header.
            max_bytes: Largest file that is taken.
            open_sink: Called once, when the file begins; what it raises ends the form.

        Raises:
            InvalidRequestError: The request is no form.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidRequestError(
                "Send the video or picture as multipart/form-data: curl -F video=@my.mp4",
                "not_a_form",
            )
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self._max_bytes = max_bytes
        self._open_sink = open_sink
        self._sink: Sink | None = None
        self._field: str | None = None
        self._value = bytearray()
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._parts = 0
        self._ended = False
        with _readable():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers.clear,
                    "on_header_begin": self._begin_header,
                    "on_header_field": lambda data, i, j: self._header[0].extend(data[i:j]),
                    "on_header_value": lambda data, i, j: self._header[1].extend(data[i:j]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_part,
                    "on_part_data": self._data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the body.

        Raises:
            InvalidRequestError: The body is not a form, or holds what it should not.
            TooLargeError: The file is too large.
            UnavailableError: The sink does not work.
        """
        with _readable():
            self._parser.write(data)

    def finish(self) -> str:
        """Ends the form and returns the name of its file.

        Raises:
            InvalidRequestError: The body broke off, or there was no file, or an empty one.
        """
        if not self._ended:
            raise InvalidRequestError(
                "The upload broke off before its end. Send it again.", "incomplete_upload"
            )
        if self.file_name is None or self._sink is None:
            raise InvalidRequestError(
                f"The form has no file named {FILE_FIELD!r}. Send the video or picture as that.",
                "missing_video",
            )
        if self._sink.size == 0:
            raise InvalidRequestError(
                "The file is empty. Upload a video or a picture.", "empty_file"
            )
        return self.file_name

    def _begin_header(self) -> None:
        self._header = (bytearray(), bytearray())

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > _MAX_FIELDS:
            # Each is short, but they are kept until the end.
            raise InvalidRequestError("The form has too many fields.", "invalid_options")
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._value.clear()
        if self._field == FILE_FIELD:
            if self.file_name is not None:
                raise InvalidRequestError("Send one video or picture per job.", "several_videos")
            self.file_name = filenames.given(sent_name(disposition))
            self._sink = self._open_sink()
        elif b"filename" in options:
            raise InvalidRequestError(
                f"There is no file field {self._field[:50]!r}. Send the video or picture as "
                f"{FILE_FIELD!r}.",
                "unknown_field",
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field == FILE_FIELD and self._sink is not None:
            if self._sink.size + end - start > self._max_bytes:
                raise too_large(self._max_bytes)
            self._sink.write(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > _MAX_FIELD_BYTES:
            raise InvalidRequestError("A field of the form is too long.", "invalid_options")

    def _end_part(self) -> None:
        if self._field is not None and self._field != FILE_FIELD:
            self.fields[self._field] = self._value.decode("utf-8", "replace")
        self._field = None

    def _end(self) -> None:
        self._ended = True


@contextmanager
def _readable() -> Generator[None]:
    """Turns the parser's errors into Poseway's."""
    try:
        yield
    except FormParserError as error:
        raise InvalidRequestError(f"The form cannot be read: {error}", "not_a_form") from error
