"""Conditional requests (RFC 9110, section 13)."""

import re
from http import HTTPStatus

from fastapi import Request, Response

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def unchanged(header: str | None, etag: str) -> bool:
    """Returns whether the client already has the current version.

    Args:
        header: ``If-None-Match``, if any: ``*`` or a list of tags, which are compared weakly.
        etag: Current ETag with its quotes, weak or strong.
    """
    if header is None:
        return False
    return header.strip() == "*" or _bare(etag) in _TAG.findall(header)


def not_modified(request: Request, headers: dict[str, str]) -> Response | None:
    """Returns a 304 response if the client already has the current version, else None.

    Args:
        request: The request.
        headers: Headers of the response, with its ``ETag``.
    """
    if not unchanged(request.headers.get("if-none-match"), headers["ETag"]):
        return None
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)


def _bare(etag: str) -> str:
    return etag.removeprefix("W/")
