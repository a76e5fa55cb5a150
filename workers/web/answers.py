"""How answers are written: JSON, and problem documents for everything that was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import Response

from pipelines.errors import Problem, ShukkaError
from workers.web.problem import problem


class HttpProblem(ShukkaError):
    """A refusal with its HTTP status; ``rule`` names the business rule that refuses."""

    def __init__(
        self, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, rule: str | None = None
    ) -> None:
        self.status = status
        self.title = title
        self.detail = f"{detail} ({rule})" if rule else detail
        self.headers = headers
        super().__init__(detail)


def not_found() -> HttpProblem:
    """Absent and forbidden look the same."""
    return HttpProblem(404, "Not found", "There is nothing here that this key may see.")


def invalid(problems: Sequence[Problem]) -> Response:
    """422 with every refused field."""
    count = len(problems)
    detail = "One field was refused." if count == 1 else f"{count} fields were refused."
    return problem(422, "Refused", detail, errors=problems)


def database_away() -> Response:
    """503: the database is away, or says nothing. A commit may have happened without an answer, so nothing is said of that: the
    same request again finds what was kept."""
    says = (
        "Whether this was kept is not known yet: send the same request again, an action without "
        "an Idempotency-Key only after a look at its order."
    )
    return problem(503, "Database away", says, headers={"Retry-After": "2"})


def as_json(status: int, document: Any) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(document), status_code=status, media_type="application/json")


def order_url(shop: str, number: str) -> str:
    """Where an order is read."""
    return f"/v1/orders/{quote(shop, safe='')}/{quote(number, safe='')}"
