"""The OpenAPI document of an app: FastAPI routes, what others add, and our problems everywhere."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.kit import errors


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all routes, computed once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = PROBLEM_SCHEMA
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for add in app.state.openapi_parts:
            add(document)
        for operations in document.get("paths", {}).values():
            for operation in operations.values():
                operation.setdefault("security", [{"key": []}])
                operation["responses"].update(
                    {
                        s: r
                        for s, r in PROBLEM_RESPONSES.items()
                        if s not in operation["responses"] or s == "422"
                    }
                )
        app.openapi_schema = document
    return app.openapi_schema


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem. `errors` lists every reason;"
    " `retryable` says that the same request may succeed later.",
    "required": ["type", "title", "status", "detail", "code", "retryable", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "retryable": {"type": "boolean"},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail", "pointer"],
                "properties": {
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                    "pointer": {"type": "string"},
                },
            },
        },
    },
}
PROBLEM_RESPONSES: dict[str, Any] = {
    str(kind.status): {
        "description": kind.title,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for kind in reversed(errors.leaves())
    if kind.status not in (405, 500)
}
