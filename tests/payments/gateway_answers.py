"""Whatever a gateway's answer looks like: one that cannot be read, or is another payment's, proves nothing, and raises nothing.

The answers that the provider really gave are kept, and played again with one thing changed.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import httpx

from models.states import PaymentState
from pipelines.gateway import Answer, Snapshot
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, Bench, authorized, captured, change

Body = tuple[dict[str, str], bytes]
"""Headers that are changed, and what is sent."""

#: What no gateway means by a field; a number or a text may be one where the other is due.
_ODD: Final[Sequence[Any]] = [
    None,
    "",
    [],
    {},
    ["x"],
    {"x": 1},
    True,
    -5,
    1.5,
    10**30,
    1_790_000_000_000,
    "FOO_bar",
    "9" * 5_000,
    "-5",
    "1_0",
    "a\x00b",
    "\ud800",
    "2026-11-28T00:00:00",
    "9999-12-31T23:59:59Z",
    "99991231235959",
    "99991231T235959Z",
    "0001-01-01T00:00:00+14:00",
]
_UNREADABLE: Final[Sequence[Body]] = [
    ({}, b""),
    ({}, b"[]"),
    ({}, b"null"),
    ({}, b"\xff\xfe{"),
    ({}, b"<html><body>502</body></html>"),
    ({}, b"[" * 20_000),
    ({}, b'{"a":' * 20_000),
    ({"content-encoding": "gzip"}, b"{}"),
    ({"content-encoding": "gzip"}, gzip.compress(b"{}" * 99)[:20]),
]


class Played(httpx.AsyncBaseTransport):
    """Carries requests to the provider and keeps its answers, or gives ``answers`` instead, the last one for ever."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.answers: list[httpx.Response] = []
        self.kept: list[httpx.Response] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.answers:
            told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            return httpx.Response(told.status_code, headers=told.headers, stream=httpx.ByteStream(told.content))
        answer = await self._inner.handle_async_request(request)
        self.kept.append(httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread()))
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


def transport_of(adapter: Any) -> Played:
    """Where the adapter's requests go."""
    client = adapter._client
    if not isinstance(client._transport, Played):
        client._transport = Played(client._transport)
    playing: Played = client._transport
    playing.answers, playing.kept = [], []
    return playing


async def kept(adapter: Any, call: Callable[[], Awaitable[Any]]) -> list[httpx.Response]:
    """What the provider answers to ``call``."""
    playing = transport_of(adapter)
    await call()
    return playing.kept


async def played(adapter: Any, answers: Sequence[httpx.Response], call: Callable[[], Awaitable[Any]]) -> Answer | None:
    """What ``call`` comes to where those are the answers."""
    transport_of(adapter).answers = list(answers)
    told: Answer | None = await call()
    return told


def with_body(answer: httpx.Response, body: Body) -> httpx.Response:
    """The same answer with another body; its length is that of the new one."""
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    made = httpx.Response(answer.status_code, headers=headers)
    made.headers.update(body[0])
    made._content = body[1]
    return made


def one_changed(body: bytes) -> Iterator[tuple[str, bytes]]:
    """What was changed, and the body with it: each field of a form or a JSON object left out, and with each odd value."""
    if not body.startswith(b"{"):
        form = dict(parse_qsl(body.decode("cp932"), keep_blank_values=True))
        for name in form:
            yield f"no {name}", urlencode({key: one for key, one in form.items() if key != name}).encode()
            for odd in (one for one in _ODD if isinstance(one, str) and one != "\ud800"):
                yield f"{name}: {odd[:30]!r}", urlencode({**form, name: odd}, quote_via=quote).encode()
        return
    told = json.loads(body)
    for path in _paths(told):
        name = ".".join(map(str, path))
        yield f"no {name}", _changed(told, path, gone=True)
        for odd in _ODD:
            yield f"{name}: {str(odd)[:30]!r}", _changed(told, path, odd)


def _paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in items:
        yield (*at, name)
        yield from _paths(one, (*at, name))


def _changed(told: Any, path: tuple[str | int, ...], odd: Any = None, *, gone: bool = False) -> bytes:
    made = deepcopy(told)
    at = made
    for name in path[:-1]:
        at = at[name]
    if gone:
        del at[path[-1]]
    else:
        at[path[-1]] = odd
    return json.dumps(made).encode()


def faults_of(stands: Snapshot, reference: str) -> list[str]:
    """What of a snapshot no stage could compute with, or is not of the payment that was asked about."""
    sums = {"authorized": stands.authorized, "captured": stands.captured, "refunded": stands.refunded}
    found = [name for name, yen in sums.items() if type(yen) is not int or not 0 <= yen < 2**63]
    moments = {"as_of": stands.as_of, "expires_at": stands.expires_at, "until": stands.buyer and stands.buyer.until}
    found += [name for name, at in moments.items() if at is not None and (at.tzinfo is None or at.year > 2098)]
    if stands.as_of > datetime.now(UTC) + timedelta(days=2):
        found.append("as_of is ahead")
    if stands.reference != reference:
        found.append("reference")
    texts = [stands.code, stands.funding, *((stands.buyer.url, stands.buyer.number) if stands.buyer else ())]
    if not all(one is None or isinstance(one, str) for one in texts):
        found.append("texts")
    return found


class AnswersConformance:
    """What must hold of every gateway that captures and looks up."""

    def test_an_answer_about_another_payment_proves_nothing(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Answer | None]:
            ours, other = [await authorized(adapter, bench) for _ in range(2)]
            looked = await kept(adapter, lambda: adapter.lookup(order="", reference=other))
            about = await played(adapter, looked, lambda: adapter.lookup(order="", reference=ours))
            taken = await kept(adapter, lambda: change(adapter, "capture", other, AMOUNT))
            done = await played(adapter, taken, lambda: change(adapter, "capture", ours, AMOUNT))
            return [about, done]

        for answer in bench.run(scenario):
            assert answer is not None
            assert (answer.verdict in (Verdict.UNKNOWN, Verdict.RETRY), answer.snapshot) == (True, None), answer

    def test_an_answer_that_cannot_be_read_proves_nothing(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Answer | None]:
            ours = await authorized(adapter, bench)
            (answer, *_) = await kept(adapter, lambda: adapter.lookup(order="", reference=ours))
            calls = [
                lambda: adapter.lookup(order="", reference=ours),
                lambda: change(adapter, "capture", ours, AMOUNT),
            ]
            return [await played(adapter, [with_body(answer, body)], call) for call in calls for body in _UNREADABLE]

        for answer in bench.run(scenario):
            assert answer is not None
            assert answer.verdict in (Verdict.UNKNOWN, Verdict.RETRY)

    def test_a_refusal_that_names_no_reason_is_no_refusal(self, bench: Bench) -> None:
        """It is not the gateway's own word, so the money may have been taken (gateways.md 0.2)."""

        async def scenario(adapter: Any) -> list[Answer | None]:
            ours = await authorized(adapter, bench)
            answers = [httpx.Response(400, json={"error": one}) for one in ({}, "no", {"code": None}, {"code": ["x"]})]
            return [await played(adapter, [one], lambda: change(adapter, "capture", ours, AMOUNT)) for one in answers]

        for answer in bench.run(scenario):
            assert answer is not None
            assert answer.verdict in (Verdict.UNKNOWN, Verdict.RETRY)

    def test_no_field_of_an_answer_makes_it_raise_or_is_believed_beyond_what_can_be(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[tuple[str, str]]:
            begun = await authorized(adapter, bench)
            ours = [begun, await captured(adapter, bench)]
            wrong: list[tuple[str, str]] = []
            for reference in ours:
                whole = await kept(adapter, lambda: adapter.lookup(order="", reference=reference))  # noqa: B023
                for number, answer in enumerate(whole):
                    for what, body in one_changed(answer.content):
                        told = [*whole[:number], with_body(answer, ({}, body)), *whole[number + 1 :]]
                        wrong += [(what, one) for one in await _wrong(adapter, told, reference)]
            return wrong

        assert bench.run(scenario) == []


async def _wrong(adapter: Any, told: Sequence[httpx.Response], reference: str) -> list[str]:
    try:
        answer = await played(adapter, told, lambda: adapter.lookup(order="", reference=reference))
    except Exception as error:  # noqa: BLE001 - every one is told with what raised it
        return [repr(error)[:200]]
    if answer is None or answer.snapshot is None or answer.snapshot.state is PaymentState.NEEDS_REVIEW:
        return []
    return faults_of(answer.snapshot, reference)
