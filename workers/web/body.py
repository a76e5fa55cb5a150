"""Reading a request's JSON strictly, so that what is stored is what was sent and can be stored at all.

What Python's JSON reader lets pass and others take differently (duplicate keys, and all that `pipelines.values.storable`
names) is refused here in one sentence, before any rule sees it.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request

from pipelines.errors import ShukkaError
from pipelines.values.card_number import mask
from pipelines.values.storable import DEEPEST, GREATEST_INTEGER, LEAST_INTEGER, Unstorable, check

#: Seconds for a whole body, however slowly it comes.
BODY_SECONDS = 30.0
_LONGEST_INTEGER = len(str(LEAST_INTEGER))
_LONGEST_NAME_SHOWN = 60
#: What no text begins with, and what gzip makes does.
_GZIP = b"\x1f\x8b"
#: Characters that are kept of what is nested too deep to be read.
_LONGEST_TOLD = 1000
_TWICE = "A key stands twice in one object: what is meant is not known."


class BadBody(ShukkaError):
    """The body cannot be taken: HTTP ``status`` 413 (too large), 408 (too slow) or 400, and a sentence that says why."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


class NotJson(BadBody):
    """The body is no JSON in UTF-8 at all."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


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


async def read_told(request: Request) -> tuple[object, str | None]:
    """What a partner's event says, as `parse_told` reads it. Raises BadBody."""
    return parse_told(await read_body(request))


async def read_body(request: Request, limit: int = 1_048_576) -> bytes:
    """The body's bytes alone. Raises BadBody as `read_json` does."""
    check_announced(request, limit)
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


def check_announced(request: Request, limit: int = 1_048_576) -> None:
    """Raise BadBody(413) where more than ``limit`` bytes are announced, before any of them is read."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise _too_large(limit)


def parse_json(raw: bytes) -> object:
    """What the JSON text ``raw`` says, in dict, list, str, int, float, bool and None.

    Raises NotJson for what is not UTF-8 (a byte order mark is accepted) or not JSON, and BadBody(400) for a repeated key, for
    NaN, Infinity and integers beyond 64 bits, for more than 32 levels, and for U+0000 and lone surrogates in a text.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        if raw.startswith(_GZIP):
            raise NotJson("The body is compressed; send it as it is, without Content-Encoding.") from None
        raise NotJson(f"The body is not UTF-8: byte {problem.start} does not belong there.") from None
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise NotJson(_where(problem)) from None
    except RecursionError:
        raise BadBody(400, f"It is nested deeper than {DEEPEST} levels.") from None
    # Few brackets cannot be deep, and only an escape can spell a bad character: most bodies need no second look.
    if raw.count(b"[") + raw.count(b"{") > DEEPEST or b"\\u" in raw:
        try:
            check(value)
        except Unstorable as why:
            raise BadBody(400, str(why)) from None
    return value


def parse_told(raw: bytes) -> tuple[object, str | None]:
    """What a partner's event says, and why it cannot be acted on, if it cannot: news is kept, whatever stands in it.

    Numbers beyond 64 bits come as texts; what else cannot be stored is left as it is. A repeated key, and nesting that nobody can read,
    is a reason. Raises NotJson.
    """
    try:
        return parse_json(raw), None
    except NotJson:
        raise
    except BadBody as why:
        text, is_twice = raw.decode("utf-8-sig"), False

        def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
            nonlocal is_twice
            found = dict(pairs)
            is_twice = is_twice or len(found) != len(pairs)
            return found

        try:
            value: object = json.loads(
                text,
                object_pairs_hook=members,
                parse_int=partial(_told, _integer),
                parse_float=partial(_told, _float),
                parse_constant=_not_json,
            )
        except json.JSONDecodeError as problem:
            raise NotJson(_where(problem)) from None
        except RecursionError:
            return text[:_LONGEST_TOLD], why.detail
        return value, _TWICE if is_twice else None


def parse_proven(raw: bytes) -> tuple[object, str | None]:
    """As `parse_told`, of what its sender has proven in a format of his own: None and the reason for what is no JSON, which sent again
    would be none either."""
    try:
        return parse_told(raw)
    except NotJson as why:
        return None, why.detail


def _told(read: Callable[[str], object], digits: str) -> object:
    """The number that the digits are, or they themselves where it is none that can be kept."""
    try:
        return read(digits)
    except BadBody:
        return digits


def _not_json(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON; leave the field out or write null.")


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        name, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise BadBody(400, f"The key {json.dumps(mask(name)[:_LONGEST_NAME_SHOWN])} stands twice in one object.")
    return members


def _integer(digits: str) -> int:
    # The length comes first: Python takes quadratic time over a long number.
    if len(digits) <= _LONGEST_INTEGER:
        number = int(digits)
        if LEAST_INTEGER <= number <= GREATEST_INTEGER:
            return number
    raise BadBody(400, f"The number {digits[:24]}... does not fit into 64 bits.")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadBody(400, f"The number {mask(digits)[:24]} is too large.")
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
