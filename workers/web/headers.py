"""What a request's headers say beyond who asks."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request

from pipelines.doors import CARD_NUMBER
from pipelines.values.card_number import find_card_number
from workers.http.signing import ID, WEBHOOK_ID
from workers.web.answers import HttpProblem

_LANGUAGES = ("ja", "en")
_LONGEST_KEY: Final = 255


def _optional(name: str, says: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "description": says,
        "required": False,
        "schema": {"type": "string", **schema},
    }


#: What the published schema says of a request that may come with an Idempotency-Key.
KEYED: Final[dict[str, Any]] = {
    "parameters": [
        _optional(
            "Idempotency-Key",
            "The same request under the same key is done once; another one under it is a 409",
            minLength=1,
            maxLength=_LONGEST_KEY,
        )
    ]
}
#: What the published schema says of an answer that its asker may have already: the request's header, and the answer.
KNOWN: Final = _optional("If-None-Match", "`ETag` of an answer that is at hand, or `*`")
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "It is what If-None-Match names"}}


def idempotency_key(request: Request) -> str | None:
    """The request's Idempotency-Key, None without one. Raises HttpProblem."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise HttpProblem(400, "Bad Idempotency-Key", f"Idempotency-Key must have 1 to {_LONGEST_KEY} characters.")
    if key is not None and find_card_number(key):
        raise HttpProblem(400, "Bad Idempotency-Key", f"Idempotency-Key: {CARD_NUMBER}")
    return key


def webhook_id(request: Request) -> str | None:
    """The id of an event that is sent as a webhook is, None without one. Raises HttpProblem."""
    told = request.headers.get(ID)
    if told is not None and not WEBHOOK_ID.fullmatch(told):
        raise HttpProblem(400, f"Bad {ID}", f"{ID} must be 1 to 255 visible ASCII characters.")
    return told


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match names what ``tag`` (strong, in quotes) stands for: a 304 is enough then. ``*`` names whatever there is, and
    a weak tag means the same (RFC 9110)."""
    named = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag.removeprefix("W/") in named or named == ["*"]


def language(request: Request) -> str:
    """The language an operator reads: the first of ja and en that Accept-Language names; en where it names neither."""
    named = (one.strip().lower()[:2] for one in request.headers.get("accept-language", "").split(","))
    return next((one for one in named if one in _LANGUAGES), "en")
