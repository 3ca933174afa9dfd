"""The OpenAPI document, with what FastAPI does not know."""

from typing import Any

from fastapi import FastAPI

from services.gateway.api.codes import Problem


def describe(app: FastAPI) -> None:
    """Completes the app's document when it is first asked for."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas = generate().setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema()
        return generate()

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's own guide does it
