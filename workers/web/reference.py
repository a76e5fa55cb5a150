"""The reference of the interface (``/docs``): the published schema as one page, written here, without scripts and without anything
from elsewhere, so that it reads the same on a machine that reaches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_HERE: Final = Path(__file__).parent
_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_STYLE: Final = (_HERE / "reference.css").read_text("utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@router.get("/docs")
async def read_reference(request: Request) -> Response:
    """The page, made once a process."""
    app = request.app
    if not hasattr(app.state, "reference"):
        app.state.reference = written(app.openapi())
    return Response(app.state.reference, media_type="text/html; charset=utf-8", headers=HEADERS)


def written(schema: Mapping[str, Any]) -> str:
    """The page of ``schema``."""
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in schema["tags"]}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            groups[operation["tags"][0]].append({**operation, "method": method.upper(), "path": path})
    return _ENVIRONMENT.get_template("reference.html").render(
        schema=schema,
        groups=groups,
        style=Markup(_STYLE),  # noqa: S704 - ours
        type_of=_type,
        shown=lambda one: json.dumps(one, ensure_ascii=False, indent=1),
        curl=_curl,
        content_of=lambda answer: _followed(schema, answer).get("content", {}),
        says_of=lambda answer: _followed(schema, answer).get("description", ""),
    )


def _followed(schema: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any]:
    name = answer.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schema["components"]["responses"][name] if name else answer
    return found


def _type(one: Mapping[str, Any]) -> Markup:
    """A schema's type in a few words, with a link to what has a name."""
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    for several in ("anyOf", "oneOf"):
        if several in one:
            return Markup(" or ").join(_type(each) for each in one[several])
    if "allOf" in one:
        return _type(one["allOf"][0])
    if "enum" in one or "const" in one:
        return escape(", ".join(json.dumps(each, ensure_ascii=False) for each in one.get("enum", [one.get("const")])))
    if one.get("type") == "array":
        return Markup("array of {}").format(_type(one.get("items", {})))
    return escape(" ".join(str(one[key]) for key in ("type", "format") if key in one) or "anything")


def _curl(operation: Mapping[str, Any]) -> str:
    """How a shell asks for it."""
    said = [f"curl -X {operation['method']} $SHUKKA{operation['path']}"]
    if any("key" in proof for proof in operation["security"]):
        said.append('-H "Authorization: Bearer $KEY"')
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        said.append('-H "Content-Type: application/json" -d @request.json')
    return " \\\n  ".join(said)
