"""Completes the OpenAPI document with errors and security schemes."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from poseway_gateway.api.access.authenticator import COOKIE
from poseway_gateway.api.access.middleware import SESSION_PATH
from poseway_gateway.api.web.error_codes import Problem, documented

_SCHEMES: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, pw_…."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The session of a signed-in browser; see POST /v1/session.",
    },
    "share": {
        "type": "apiKey",
        "in": "query",
        "name": "share",
        "description": "A share link to one job; see POST /v1/jobs/{job_id}/shares.",
    },
}


def describe(app: FastAPI, *, keys_needed: bool) -> None:
    """Completes the document of an app when it is first requested."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            _complete(document)
            _guard(document, keys_needed)
        return generate()

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's own guide does it


def _complete(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    # FastAPI documents its own format of validation errors; here they are problem details.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    invalid = documented("invalid_request")
    for _, _, operation in _operations(document):
        answers = operation["responses"]
        content = answers.get("422", {}).get("content", {})
        if "application/json" in content:
            del answers["422"]
        if content:
            _add(answers, invalid)
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            _add(answers, documented("bad_request"))


def _guard(document: dict[str, Any], keys_needed: bool) -> None:
    """Adds the errors of `AccessMiddleware`, and the credentials that it requires."""
    if keys_needed:
        document["components"]["securitySchemes"] = _SCHEMES
    for path, method, operation in _operations(document):
        if not path.startswith("/v1/"):
            continue
        codes = ["wrong_host"] if method == "get" else ["wrong_host", "cross_site", "too_large"]
        codes += ["rate_limited"]
        if (path, method) not in ((SESSION_PATH, "post"), (SESSION_PATH, "delete")):
            codes += ["key_missing", "key_unknown"]
            if keys_needed:
                ways = ["key", "session"]
                if method == "get" and "{job_id}" in path:
                    ways.append("share")
                operation["security"] = [{way: []} for way in ways]
        _add(operation["responses"], documented(*codes))


def _add(answers: dict[str, Any], more: dict[int | str, dict[str, Any]]) -> None:
    """Adds errors to those that an operation documents itself."""
    for status, answer in more.items():
        there = answers.setdefault(str(status), answer)
        if there is not answer:
            examples = there["content"]["application/problem+json"]["examples"]
            examples |= answer["content"]["application/problem+json"]["examples"]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
