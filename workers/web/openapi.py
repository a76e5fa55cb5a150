"""The published schema (``/openapi.json``): the operations with their answers, refusals and proofs, and the events that
storefronts are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from workers.http.signing import ID, SIGNATURE, TIMESTAMP
from workers.web.problem import MEDIA_TYPE, PROBLEM
from workers.web.shapes import Event

EVENTS: Final = {
    "order.state_changed": "An order has moved.",
    "order.held": "An order waits for a person.",
    "order.refused": "An order that came over the broker was refused.",
    "shipment.state_changed": "A shipment has moved.",
    "payment.state_changed": "A payment has moved.",
    "points.changed": "Points have become pending, valid, held or void.",
    "payment.expiring": "An authorization ends before the goods leave.",
    "document.issued": "A document of an order is stored.",
    "promise.missed": "A date that the customer was told is lost.",
}
"""What storefronts are told, by type."""

_KEY: Final = {"type": "http", "scheme": "bearer", "description": "A key from `shukka client create`"}
_SIGNATURE: Final = {
    "type": "apiKey",
    "in": "header",
    "name": SIGNATURE,
    "description": "Standard Webhooks: `v1,<base64 HMAC-SHA256 of id.timestamp.body>` with the secret from `shukka client create`; "
    "a gateway signs as it always does",
}


def operation_id(route: APIRoute) -> str:
    """What a generated client calls the operation: the handler's name, or an action's."""
    return route.name.replace(":", "_").replace("-", "_")


def published(app: FastAPI, documents: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """The schema of ``app``; ``documents`` are the requests that it names."""
    schema = get_openapi(
        title=app.title,
        version=app.version,
        routes=app.routes,
        servers=[{"url": "/", "description": "This installation"}],
    )
    _, defined = models_json_schema(
        [*((model, "validation") for model in documents), (Event, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    schema.setdefault("components", {}).setdefault("schemas", {}).update(defined.get("$defs", {}))
    schema["components"]["securitySchemes"] = {"key": _KEY, "signature": _SIGNATURE}
    schema["webhooks"] = {name: {"post": _told(name, says)} for name, says in EVENTS.items()}
    _describe(schema)
    return schema


def _told(name: str, says: str) -> dict[str, Any]:
    event = {"allOf": [{"$ref": "#/components/schemas/Event"}, {"properties": {"type": {"const": name}}}]}
    return {
        "operationId": name.replace(".", "_"),
        "summary": says,
        "security": [{"signature": []}],
        "parameters": [
            {"name": header, "in": "header", "required": True, "schema": {"type": "string"}}
            for header in (ID, TIMESTAMP)
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": event}}},
        "responses": {"2XX": {"description": "Taken; anything else is tried again for three days"}},
    }


def _describe(schema: dict[str, Any]) -> None:
    """Every refusal is a problem document, whatever FastAPI supposes; what is under /v1 needs a key, or a signature."""
    schemas = schema["components"]["schemas"]
    for supposed in ("HTTPValidationError", "ValidationError"):
        schemas.pop(supposed, None)
    schemas["Problem"] = PROBLEM
    refused = {
        "description": "Refused; `errors` names the fields of a 422",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            proofs = operation.pop("security", None)
            operation["security"] = []
            if path.startswith("/v1/"):
                operation["responses"]["default"] = refused
                proof = "signature" if path.startswith("/v1/webhooks/") else "key"
                operation["security"] = proofs or [{proof: []}]
