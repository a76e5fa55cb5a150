"""What a client of the fake Stripe sent, read as Stripe reads it: forms with brackets, and no parameter that is not known.

Source: gateways.md 1.1, 1.2 and 1.5; docs.stripe.com/api/errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from workers.sandbox.http_server import Reply, Request

_INDEX: Final = re.compile(r"\[\d*\]")
_METADATA: Final = re.compile(r"metadata\[([^\[\]]{1,40})\]")
_NEVER_STORED: Final = ("parameter_", "amount_too_", "resource_missing", "email_invalid")


class Refused(Exception):
    """An error of the API: ``more`` are further fields of its envelope, such as the intent it is about."""

    def __init__(self, status: int, code: str | None, message: str, *, type_: str = "", **more: object) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.type = type_ or ("card_error" if status == 402 else "invalid_request_error")
        self.more = more
        super().__init__(message)

    @property
    def is_stored(self) -> bool:
        """Whether a repetition of the request is told the same: not where it was refused before anything was begun."""
        return self.code is not None and not self.code.startswith(_NEVER_STORED)

    def reply(self) -> Reply:
        """The error as it travels."""
        fields = {"type": self.type, "code": self.code, "message": self.message, **self.more}
        return Reply(self.status, {"error": {name: value for name, value in fields.items() if value is not None}})


class Form:
    """Parameters by name; ``a[0]`` and ``a[]`` are both ``a[]``. Raises Refused for one that ``allowed`` has not."""

    def __init__(self, encoded: str, allowed: Sequence[str]) -> None:
        self._values: dict[str, list[str]] = {}
        self.metadata: dict[str, str] = {}
        for raw, value in parse_qsl(encoded, keep_blank_values=True):
            if (named := _METADATA.fullmatch(raw)) and "metadata" in allowed:
                self._note(named[1], value)
                continue
            name = _INDEX.sub("[]", raw)
            if name not in allowed:
                raise Refused(400, "parameter_unknown", f"Received unknown parameter: {raw}", param=raw)
            self._values.setdefault(name, []).append(value)

    def _note(self, name: str, value: str) -> None:
        if len(value) > 500:
            raise Refused(400, "parameter_invalid", "Metadata values can have up to 500 characters", param=name)
        self.metadata[name] = value

    def get(self, name: str) -> str | None:
        """The last value of ``name``."""
        return self._values.get(name, [None])[-1]

    def all(self, name: str) -> Sequence[str]:
        """Every value of ``name``."""
        return self._values.get(name, [])

    def need(self, name: str) -> str:
        """Its value. Raises Refused where it is not there."""
        value = self.get(name)
        if not value:
            raise Refused(400, "parameter_missing", f"Missing required param: {name}.", param=name)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number. Raises Refused for another value."""
        value = self.get(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,12}", value):
            raise Refused(400, "parameter_invalid_integer", f"Invalid integer: {value}", param=name)
        return int(value)

    def one_of(self, name: str, known: Sequence[str]) -> str | None:
        """A word of ``known``. Raises Refused for another."""
        value = self.get(name)
        if value is not None and value not in known:
            raise Refused(400, "parameter_invalid", f"Invalid {name}: must be one of {', '.join(known)}", param=name)
        return value


def form_of(request: Request, allowed: Sequence[str]) -> Form:
    """The form in the body of a POST, or in the query of a GET."""
    if request.method == "GET":
        return Form(request.query, allowed)
    return Form(request.body.decode("utf-8", "replace"), allowed)


def page(objects: Sequence[Mapping[str, Any]], form: Form, url: str) -> dict[str, Any]:
    """One page of ``objects``, which are newest first: 1 to 100 after the cursor (docs.stripe.com/api/pagination)."""
    limit = form.integer("limit") or 10
    if not 1 <= limit <= 100:
        raise Refused(400, "parameter_invalid_integer", "limit is from 1 to 100", param="limit")
    start, after = 0, form.get("starting_after")
    if after is not None:
        ids = [one["id"] for one in objects]
        if after not in ids:
            raise Refused(400, "resource_missing", f"No such object: '{after}'", param="starting_after")
        start = ids.index(after) + 1
    return {
        "object": "list",
        "url": url,
        "has_more": len(objects) > start + limit,
        "data": list(objects[start : start + limit]),
    }
