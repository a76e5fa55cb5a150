"""Reading a request's JSON strictly, so that what is stored is what was sent and can be stored at all.

Python's JSON reader lets much pass that other readers, or the database, take differently: duplicate keys, NaN, numbers
beyond 64 bits, half of a surrogate pair, U+0000. Each is refused here in one sentence, before any rule sees it.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from typing import Any, NoReturn

from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request

from pipelines.errors import ShukkaError

#: Seconds for a whole body, however slowly it comes.
BODY_SECONDS = 30.0
_DEEPEST = 32
_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**63 - 1
_LONGEST_INTEGER = len(str(_LEAST_INTEGER))
_LONGEST_NAME_SHOWN = 60


class BadBody(ShukkaError):
    """The body cannot be taken: HTTP ``status`` 413 (too large), 408 (too slow) or 400, and a sentence that says why."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def takes(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """What the published schema says of a request's body."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


async def read_json(request: Request, limit: int = 1_048_576) -> tuple[bytes, object]:
    """The body's bytes, for checking a signature or a hash, and what they say.

    Raises BadBody: 413 once more than ``limit`` bytes are announced or have come (no more than that is ever kept), 400
    for what `parse_json` refuses.
    """
    raw = await read_body(request, limit)
    return raw, parse_json(raw)


async def read_body(request: Request, limit: int = 1_048_576) -> bytes:
    """The body's bytes alone. Raises BadBody as `read_json` does."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise _too_large(limit)
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                if len(raw) + len(chunk) > limit:
                    raise _too_large(limit)
                raw += chunk
    except TimeoutError as slow:
        raise BadBody(408, f"The body did not come within {BODY_SECONDS:g} seconds; send it again.") from slow
    except ClientDisconnect as gone:
        raise BadBody(400, "The connection ended before the whole body had come.") from gone
    return bytes(raw)


def parse_json(raw: bytes) -> object:
    """What the JSON text ``raw`` says, in dict, list, str, int, float, bool and None.

    Raises BadBody(400) for what is not UTF-8 (a byte order mark is accepted) or not JSON, for a repeated key, for NaN,
    Infinity and integers beyond 64 bits, for more than 32 levels, and for U+0000 and lone surrogates in a text.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadBody(400, f"The body is not UTF-8: byte {problem.start} does not belong there.") from None
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise BadBody(400, _where(problem)) from None
    except RecursionError:
        raise _too_deep() from None
    # Few brackets cannot be deep, and only an escape can spell a bad character: most bodies need no second look.
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST or b"\\u" in raw:
        _look_through(value)
    return value


def _look_through(value: object) -> None:
    """Raises BadBody for what is nested too deep and for characters that no database text can hold."""
    level: list[object] = [value]
    for _ in range(_DEEPEST + 1):
        for text in level:
            if isinstance(text, str):
                _check_text(text)
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            return
        level = [child for container in containers for child in _children(container)]
    raise _too_deep()


def _children(container: dict[str, object] | list[object]) -> list[object]:
    return container if isinstance(container, list) else [*container.keys(), *container.values()]


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise BadBody(400, r"A text holds the character \u0000; leave it out.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadBody(
            400, "A text holds half of a surrogate pair; write both halves, or the character itself."
        ) from None


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        name, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise BadBody(400, f"The key {json.dumps(name[:_LONGEST_NAME_SHOWN])} stands twice in one object.")
    return members


def _integer(digits: str) -> int:
    # The length comes first: Python takes quadratic time over a long number.
    if len(digits) <= _LONGEST_INTEGER:
        number = int(digits)
        if _LEAST_INTEGER <= number <= _GREATEST_INTEGER:
            return number
    raise BadBody(400, f"The number {digits[:24]}... does not fit into 64 bits.")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadBody(400, f"The number {digits[:24]} is too large.")
    return number


def _no_constant(name: str) -> NoReturn:
    raise BadBody(400, f"{name} is not JSON; leave the field out or write null.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_int=_integer, parse_float=_float, parse_constant=_no_constant
)


def _where(problem: json.JSONDecodeError) -> str:
    return f"The body is not JSON: {problem.msg} (line {problem.lineno}, column {problem.colno})."


def _too_large(limit: int) -> BadBody:
    return BadBody(413, f"The body is larger than {limit} bytes.")


def _too_deep() -> BadBody:
    return BadBody(400, f"The body is nested deeper than {_DEEPEST} levels.")
