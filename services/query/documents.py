"""Request bodies in the OpenAPI document: bodies are read as bytes, so the framework does not see
them.
"""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

_REFERENCE = "#/components/schemas/{model}"


def body_of(app: FastAPI, model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads `model`, and add its schemas to the
    document.
    """

    def add(document: dict[str, Any]) -> None:
        schema = model.model_json_schema(ref_template=_REFERENCE)
        parts = schema.pop("$defs", {})
        document["components"]["schemas"].update({**parts, model.__name__: schema})

    app.state.openapi_parts.append(add)
    reference = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {
        "requestBody": {
            "required": any(field.is_required() for field in model.model_fields.values()),
            "content": {"application/json": {"schema": reference}},
        }
    }
