"""What a log line says of a request: its route and the order that it names. The path itself stays out: it may hold the token of a
link, or who a customer is."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope


def asked(scope: Scope) -> dict[str, Any]:
    """``route``, its template, "" where none was found; ``shop`` and ``number`` where it is about an order."""
    names = scope.get("path_params", {})
    order = {name: names[name] for name in ("shop", "number") if name in names and "number" in names}
    return {"route": getattr(scope.get("route"), "path", ""), **order}
