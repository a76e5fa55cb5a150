"""Error answers as RFC 9457 problem documents: what went wrong, in plain words, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from starlette.responses import Response

from pipelines.errors import Problem

MEDIA_TYPE = "application/problem+json"
_TEXT = {"type": "string"}
#: What the published schema says of a problem document.
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _TEXT, "message": _TEXT},
            },
        },
        "ways_out": {"type": "array", "items": _TEXT},
    },
}


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    errors: Sequence[Problem] | None = None,
    ways_out: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    type_: str = "about:blank",
) -> Response:
    """The answer ``{"type", "title", "status", "detail"}`` with ``status``; ``errors`` lists the refused fields (422), ``ways_out``
    the actions on an order that are possible instead (409).

    ``title`` names the kind of problem and is always the same for it; ``detail`` is about this request.
    """
    document: dict[str, object] = {"type": type_, "title": title, "status": status, "detail": detail}
    if errors is not None:
        document["errors"] = [{"field": error.field, "message": error.message} for error in errors]
    if ways_out:
        document["ways_out"] = list(ways_out)
    # A sentence may quote what was sent; what UTF-8 cannot carry goes out as the JSON escape it came in as.
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)
