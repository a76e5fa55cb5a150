"""The published schema (``/openapi.json``): the operations with their answers, refusals and proofs, and the events that
storefronts are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pipelines.engine.announce import EVENTS
from workers.http.signing import ID, SIGNATURE, TIMESTAMP
from workers.web.problem import MEDIA_TYPE, PROBLEM
from workers.web.shapes import Event

_KEY: Final = {"type": "http", "scheme": "bearer", "description": "A key from `shukka client create`"}
_SIGNATURE: Final = {
    "type": "apiKey",
    "in": "header",
    "name": SIGNATURE,
    "description": "Standard Webhooks: `v1,<base64 HMAC-SHA256 of id.timestamp.body>` with the secret from `shukka client create`; "
    "a gateway signs as it always does",
}


_TAGS: Final = {
    "orders": "Orders: taking them in, reading them, and what operators and customers may do about them.",
    "promise": "What a product or a cart would be promised now.",
    "returns": "Returns.",
    "documents": "Receipts, invoices, delivery notes, monthly statements, quotations.",
    "customers": "What is known of a customer, and forgetting it.",
    "points": "Points: the ledger, grants and holds.",
    "postings": "Letters with coupons that are to be posted.",
    "mails": "Mailboxes that are not written to.",
    "review": "What waits for a human.",
    "suppliers": "Work for suppliers without a webhook.",
    "webhooks": "What suppliers, gateways and mail providers tell, signed.",
    "operations": "Health and metrics.",
}
EXAMPLES: Final[Mapping[str, Any]] = json.loads(Path(__file__).with_name("openapi_examples.json").read_text("utf-8"))
"""Examples by the schema that they are of, or by the operation whose request has no schema of its own name."""
_RETRY: Final = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
_REFUSALS: Final[Mapping[int, tuple[str, Mapping[str, Any]]]] = {
    400: ("The request is no JSON, or has a header that cannot be", {}),
    401: ("The key or the signature proves nothing", {}),
    404: ("There is nothing here that this key may see", {}),
    408: ("The body came too slowly", {}),
    409: (
        "It cannot be now; `ways_out` names the actions that can, and Retry-After comes while the same is under way",
        _RETRY,
    ),
    413: ("The body is too large", {}),
    422: ("`errors` names every refused field", {}),
    429: ("Too many requests of this client", _RETRY),
    500: ("Our mistake, recorded; sending the same again is safe", {}),
    503: ("The database is away or busy; send the same again", _RETRY),
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
    schema["tags"] = [{"name": name, "description": says} for name, says in _TAGS.items()]
    schema["components"]["securitySchemes"] = {"key": _KEY, "signature": _SIGNATURE}
    schema["webhooks"] = {name: {"post": _told(name, says)} for name, says in EVENTS.items()}
    _describe(schema)
    _spell_choices(schema["components"]["schemas"])
    _show(schema)
    return schema


def _spell_choices(schemas: Any) -> None:
    """A word among other types is an ``enum`` of one: generators of clients take a ``const`` there for the whole."""
    if isinstance(schemas, list):
        for one in schemas:
            _spell_choices(one)
    elif isinstance(schemas, dict):
        for one in schemas.get("anyOf", ()):
            if isinstance(one.get("const"), str):
                one["enum"] = [one.pop("const")]
        for one in schemas.values():
            _spell_choices(one)


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
    schema["components"]["responses"] = {
        str(status): {"description": says, "headers": dict(headers), "content": {}}
        for status, (says, headers) in _REFUSALS.items()
    }
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            operation["tags"] = operation["tags"][-1:]
            operation["responses"].pop("422", None)
            proofs = operation.pop("security", None)
            operation["security"] = []
            if path.startswith("/v1/"):
                for status in _refusals(method, operation):
                    operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
                operation["responses"]["default"] = refused
                proof = "signature" if path.startswith("/v1/webhooks/") else "key"
                operation["security"] = proofs or [{proof: []}]


def _refusals(method: str, operation: Mapping[str, Any]) -> Iterator[int]:
    """With what an operation under /v1 may be refused."""
    asks = any(one["in"] == "query" for one in operation.get("parameters", ()))
    yield from (401, 404, 429, 500, 503)
    if method != "get":
        yield from (400, 409)
    if "requestBody" in operation:
        yield from (408, 413)
    if "requestBody" in operation or asks:
        yield 422


def _show(schema: dict[str, Any]) -> None:
    """Give every request and answer an example, and each refusal one of its own."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _exemplify(content, operation["operationId"])
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    _exemplify(content, "")
    for event in schema["webhooks"].values():
        content = event["post"]["requestBody"]["content"]["application/json"]
        content["example"] = {**EXAMPLES["Event"], "type": content["schema"]["allOf"][1]["properties"]["type"]["const"]}
    for status, (says, _) in _REFUSALS.items():
        shown: dict[str, Any] = {"type": "about:blank", "title": "Refused", "status": status, "detail": f"{says}."}
        if status == 422:
            shown["errors"] = [{"field": "lines[0].quantity", "message": "Must be 1 or more."}]
        schema["components"]["responses"][str(status)]["content"][MEDIA_TYPE] = {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": shown,
        }


def _exemplify(content: dict[str, Any], otherwise: str) -> None:
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2] or otherwise
    if name in EXAMPLES:
        content["example"] = EXAMPLES[name]
