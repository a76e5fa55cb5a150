"""What stands behind the question mark: each parameter once, and what the published schema says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request

from pipelines.errors import Invalid, Problem


def query_of(request: Request, *moments: str) -> Mapping[str, str]:
    """The query, in which nothing may stand twice; raises Invalid. A plus sign that was not escaped in the offset of one of the
    ``moments`` came as a space."""
    asked: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in asked:
            raise Invalid([Problem(name, "Stands twice; say it once.")])
        asked[name] = f"{value[:-6]}+{value[-5:]}" if name in moments and value[-6:-5] == " " else value
    return asked


def parameters_of(document: type[BaseModel]) -> list[dict[str, Any]]:
    """The parameters of a query that is read as ``document``, as the published schema has them."""
    schema = document.model_json_schema()
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": one}
        for name, one in schema["properties"].items()
    ]
