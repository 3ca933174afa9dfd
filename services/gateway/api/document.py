"""The OpenAPI document, with what FastAPI does not know."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from services.gateway.api.codes import Problem, documented


def describe(app: FastAPI) -> None:
    """Completes the app's document when it is first asked for."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(generate())
        return generate()

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's own guide does it


def _complete(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    # FastAPI documents its own form of what is not valid; here that is a problem like all others.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    invalid = documented("invalid_request")[422]
    for operation in _operations(document):
        answers = operation["responses"]
        content = answers.get("422", {}).get("content", {})
        if "application/json" in content:
            answers["422"] = invalid
        elif content:
            examples = content["application/problem+json"]["examples"]
            examples |= invalid["content"]["application/problem+json"]["examples"]


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()
