"""Parses a ``multipart/form-data`` body while it arrives, and writes its file to a sink.

Frameworks keep uploaded files in memory or on disk until the whole body has arrived. Here, a video
passes through piece by piece. The memory of an upload does not depend on its size: it is about
three parts of the object, 27 MiB (measured): the first part, the one being filled, and the copy
being sent.
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
# All options, the webhook and the video, with a margin for fields of newer clients.
_MAX_FIELDS: Final = len(JobOptions.model_fields) + 10
_MAX_FIELD_BYTES: Final = 1000


class Sink(Protocol):
    """Destination of the file.

    Attributes:
        size: Bytes written so far.
    """

    size: int

    def write(self, data: bytes, /) -> int:
        """Writes the next bytes of the file."""


class MultipartForm:
    """A form with one file, named ``video``, and text fields.

    Attributes:
        fields: Text fields by name.
        file_name: Name of the file without its path; None until the file begins.
    """

    def __init__(self, content_type: str, max_bytes: int, open_sink: Callable[[], Sink]) -> None:
        """Begins a form.

        Args:
            content_type: ``Content-Type`` of the request.
            max_bytes: Size limit of the file in bytes.
            open_sink: Opens the sink when the file begins; its errors abort the form.

        Raises:
            InvalidRequestError: The request is not a form.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidRequestError(
                "Send the video or image as multipart/form-data: curl -F video=@my.mp4",
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
        with _parser_errors():
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
        """Parses the next bytes of the body.

        Raises:
            InvalidRequestError: The body is malformed, or has fields that it must not have.
            TooLargeError: The file exceeds the size limit.
            UnavailableError: The sink failed.
        """
        with _parser_errors():
            self._parser.write(data)

    def finish(self) -> str:
        """Checks that the form is complete and returns the name of its file.

        Raises:
            InvalidRequestError: The body broke off, or the file is missing or empty.
        """
        if not self._ended:
            raise InvalidRequestError(
                "The upload broke off before its end. Send it again.", "incomplete_upload"
            )
        if self.file_name is None or self._sink is None:
            raise InvalidRequestError(
                f"The form has no file named {FILE_FIELD!r}. Send the video or image as that.",
                "missing_video",
            )
        if self._sink.size == 0:
            raise InvalidRequestError(
                "The file is empty. Upload a video or an image.", "empty_file"
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
            # Each is short, but all are kept in memory.
            raise InvalidRequestError("The form has too many fields.", "invalid_options")
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._value.clear()
        if self._field == FILE_FIELD:
            if self.file_name is not None:
                raise InvalidRequestError("Send one video or image per job.", "several_videos")
            self.file_name = filenames.given(sent_name(disposition))
            self._sink = self._open_sink()
        elif b"filename" in options:
            raise InvalidRequestError(
                f"There is no file field {self._field[:50]!r}. Send the video or image as "
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
def _parser_errors() -> Generator[None]:
    """Converts errors of the parser."""
    try:
        yield
    except FormParserError as error:
        raise InvalidRequestError(f"The form is malformed: {error}", "not_a_form") from error
