"""Conditional requests, as RFC 9110 section 13 has them."""

import re
from http import HTTPStatus

from fastapi import Request, Response

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def unchanged(header: str | None, etag: str) -> bool:
    """Whether who asks has this already.

    Args:
        header: ``If-None-Match``, if any: ``*`` or a list of tags, which are compared weakly.
        etag: What there is, with its quotes, weak or strong.
    """
    if header is None:
        return False
    return header.strip() == "*" or _bare(etag) in _TAG.findall(header)


def not_modified(request: Request, headers: dict[str, str]) -> Response | None:
    """The answer to who has it already; None if they do not.

    Args:
        request: Theirs.
        headers: Of the answer, with its ``ETag``.
    """
    if not unchanged(request.headers.get("if-none-match"), headers["ETag"]):
        return None
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)


def _bare(etag: str) -> str:
    return etag.removeprefix("W/")
