"""The sandbox gateway (決済代行): ``python -m workers.sandbox.gateway --journal FILE``.

    POST /v1/authorizations               {"order", "amount", "token", "method"}   201, 402
    POST /v1/slips                        {"order", "amount", "method", "until", "choice"}   201
    POST /v1/authorizations/{id}/capture  {"amount"}                       200, 402
    POST /v1/authorizations/{id}/report   {"carrier", "tracking_number", "shipped_at"}   200, 402
    POST /v1/authorizations/{id}/void     {}                               200, 402
    POST /v1/authorizations/{id}/refund   {"amount"}                       200, 402
    GET  /v1/authorizations/{id}                                           200, 404
    GET  /v1/orders/{shop}/{number}                                        200
    GET  /v1/payments?since=ISO&until=ISO&after=ID                         200
    GET  /v1/operations/{idempotency-key}                                  200, 404, 409 while under way
    GET  /pay/{id}                        the buyer's page, without a key  200, 404
    POST /pay/{id}                        {"act": "pay"}                   200, 404, 409
    POST /_faults                         {"error_rate": 0.1, ...}         200

Bearer key.  ``Idempotency-Key`` is required on every POST of the shop's and honoured for good, over restarts too: the same
request gets the same answer again, another request under the same key 422, and 409 while the first is still under way. What
succeeds answers with the ``payment`` as it stands then; so do notices, signed by Standard Webhooks with a secret that
follows from the key. On the buyer's page a customer pays at the till, fills the lender's form or passes 3-D Secure.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import os
import re
import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, unquote

from pipelines.errors import Invalid, NotFound
from workers.clock import AnyClock
from workers.http.signing import derived_secret
from workers.sandbox import process
from workers.sandbox.buyers_page import buyers_act, buyers_page
from workers.sandbox.courier import Courier, Event
from workers.sandbox.faults import Faults
from workers.sandbox.http_client import HttpClient
from workers.sandbox.http_server import CUT, Reply, Request, serving
from workers.sandbox.journal import Journal, read
from workers.sandbox.payment_ledger import Operation, PaymentLedger

FAULTS = {
    "error_rate": 0.0,  # 500, nothing done
    "latency": 0.0,  # seconds before anything is done
    "cut_after_commit_rate": 0.0,  # done, then the connection is cut
    "down_for": 0.0,  # seconds from now in which every connection is cut at once
    "late": 8.0,  # seconds that tok_timeout_once keeps its answer back
}

_PAGE = 100
_CHANGE = re.compile(r"/v1/authorizations/([^/]+)/(capture|void|refund|report)")
_BUYER = re.compile(r"/pay/([^/]+)")
_OPERATIONS = "/v1/operations/"
_AUTHORIZATIONS = "/v1/authorizations/"
_ORDERS = "/v1/orders/"
_PAYMENTS = "/v1/payments"


@dataclass(frozen=True, slots=True)
class Notices:
    """Where the gateway reports what buyers did, and with ``all`` what the shop did too."""

    url: str
    secret: str
    all: bool = False


class Gateway:
    """The HTTP face of the books."""

    def __init__(
        self,
        journal: Journal,
        courier: Courier,
        *,
        clock: AnyClock,
        faults: Faults,
        key: str,
        notices: Notices | None = None,
    ) -> None:
        self._journal = journal
        self._courier = courier
        self._clock = clock
        self._faults = faults
        self._bearer = f"Bearer {key}"
        self._notices = notices
        self._ledger = PaymentLedger()
        self._under_way: set[str] = set()
        self._struck: set[str] = set()
        self._down_until = 0.0
        self._posting: set[asyncio.Task[None]] = set()
        self._restore()

    async def handle(self, request: Request) -> Reply | None:
        """Answer one request, or cut the connection."""
        if request.path == "/_faults" and request.method == "POST":
            return self._change_faults(request)
        # What the disk refused must not be answered from memory either.
        if self._journal.failed or time.monotonic() < self._down_until:
            return CUT
        if (buyer := _BUYER.fullmatch(request.path)) is not None:
            return await self._buyer(buyer[1], request)
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._bearer.encode()):
            return _error(401, "unauthorized", "the Bearer key is missing or wrong")
        if request.method == "GET" and request.path.startswith(_OPERATIONS):
            return self._look_up(request.path.removeprefix(_OPERATIONS))
        if request.method == "GET" and request.path == _PAYMENTS:
            return self._list(request.query)
        if request.method == "GET" and request.path.startswith((_AUTHORIZATIONS, _ORDERS)):
            return self._show(request.path)
        route = _route(request)
        if route is None:
            return _error(404, "not_found", "there is nothing under this path")
        return await self._operate(*route, request)

    async def aclose(self) -> None:
        """Stop posting notices; what is undelivered is posted after the next start."""
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)

    def _look_up(self, key: str) -> Reply:
        if key in self._under_way:
            return _error(409, "in_progress", "the operation is under way")
        done = self._ledger.operations.get(key)
        if done is None:
            return _error(404, "not_found", "no operation was made under this key")
        return Reply(200, {"key": key, "operation": done.operation, "status": done.status, "answer": done.answer})

    def _show(self, path: str) -> Reply:
        now = self._clock.now()
        if path.startswith(_ORDERS):
            return Reply(200, {"payments": self._ledger.payments_of(path.removeprefix(_ORDERS), now)})
        found = self._ledger.payment(path.removeprefix(_AUTHORIZATIONS), now)
        return _error(404, "not_found", "there is no such authorization") if found is None else Reply(200, found)

    def _list(self, query: str) -> Reply:
        """A page of payments, the oldest first; ``more`` says whether another follows after the last of it."""
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        try:
            since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
            found = self._ledger.payments(since, until, self._clock.now())
        except (KeyError, ValueError, TypeError):
            return _error(400, "E01", "since and until must be times with their offset")
        ids = [one["id"] for one in found]
        begin = ids.index(asked["after"]) + 1 if asked.get("after") in ids else 0
        return Reply(200, {"payments": found[begin : begin + _PAGE], "more": len(found) > begin + _PAGE})

    async def _buyer(self, payment: str, request: Request) -> Reply:
        now = self._clock.now()
        shown = self._ledger.payment(payment, now)
        if shown is None:
            return _error(404, "not_found", "there is no such payment")
        if request.method != "POST":
            return buyers_page(shown, self._ledger.acts(payment, now))
        try:
            act = buyers_act(request)
            key = f"act:{payment}:{act}"
            if (before := self._ledger.operations.get(key)) is None:
                before = self._ledger.perform("act", payment, {"act": act}, key=key, fingerprint=key, now=now)
                if before.status < 400:
                    await self._journal.write(before.record())
                    self._notify(before)
                else:  # another time it may be possible
                    del self._ledger.operations[key]
        except (Invalid, ValueError) as error:
            return _error(400, "E01", str(error))
        if "json" in request.headers.get("content-type", ""):
            return Reply(before.status, before.answer)
        return Reply(303, b"", {"location": request.path})

    async def _operate(self, operation: str, subject: str, request: Request) -> Reply | None:
        key = unquote(request.headers.get("idempotency-key", ""))
        if not 1 <= len(key) <= 255:
            return _error(400, "E01", "the header Idempotency-Key is required, at most 255 characters")
        if self._faults.strikes("error_rate"):
            return _error(500, "E91", "the system failed")
        fingerprint = hashlib.sha256(request.path.encode() + b"\0" + request.body).hexdigest()
        if key in self._under_way:
            return _error(409, "in_progress", "a request under this key is under way")
        if (before := self._ledger.operations.get(key)) is not None:
            if before.fingerprint != fingerprint:
                return _error(422, "key_reused", "this Idempotency-Key stands for another request")
            return Reply(before.status, before.answer)
        self._under_way.add(key)
        try:
            return await self._first_time(operation, subject, request, key, fingerprint)
        finally:
            self._under_way.discard(key)

    async def _first_time(
        self, operation: str, subject: str, request: Request, key: str, fingerprint: str
    ) -> Reply | None:
        await asyncio.sleep(self._faults["latency"])
        try:
            asked = request.json()
            if asked.get("token") == "tok_error_once" and key not in self._struck:
                self._struck.add(key)
                await self._journal.write({"kind": "struck", "key": key})
                return _error(500, "E91", "the system failed")
            done = self._ledger.perform(
                operation, subject, asked, key=key, fingerprint=fingerprint, now=self._clock.now()
            )
        except NotFound as error:
            return _error(404, "not_found", str(error))
        except (Invalid, ValueError) as error:
            return _error(400, "E01", str(error))
        await self._journal.write(done.record())
        self._notify(done)
        return await self._report(done, str(asked.get("token")), key)

    async def _report(self, done: Operation, token: str, key: str) -> Reply | None:
        """Answer what was done and is durable; from here on only the answer can get lost."""
        if token == "tok_unknown" or self._faults.strikes("cut_after_commit_rate"):  # noqa: S105
            return CUT
        if token == "tok_timeout_once":  # noqa: S105
            self._under_way.discard(key)
            await asyncio.sleep(self._faults["late"])
        return Reply(done.status, done.answer)

    def _notify(self, done: Operation) -> None:
        if self._notices is None or done.status >= 400 or not (self._notices.all or done.operation == "act"):
            return
        at = self._clock.now().isoformat()
        event = Event(_notice_id(done), f"payment.{done.operation}", at, {"key": done.key, **done.answer})
        task = asyncio.create_task(self._courier.deliver(event, url=self._notices.url, secret=self._notices.secret))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    def _change_faults(self, request: Request) -> Reply:
        reply = process.change_faults(self._faults, request)
        if reply.status == 200 and "down_for" in request.json():
            self._down_until = time.monotonic() + self._faults["down_for"]
        return reply

    def _restore(self) -> None:
        delivered: set[str] = set()
        for record in read(self._journal.path):
            if record["kind"] == "operation":
                self._ledger.remember(Operation.of_record(record))
            elif record["kind"] == "struck":
                self._struck.add(record["key"])
            else:
                delivered.add(record["id"])
        for done in self._ledger.operations.values():
            if _notice_id(done) not in delivered:
                self._notify(done)


def _route(request: Request) -> tuple[str, str] | None:
    """(operation, authorization) of a POST; None for what the gateway does not offer."""
    if request.method != "POST":
        return None
    if request.path == "/v1/authorizations":
        return "authorize", ""
    if request.path == "/v1/slips":
        return "register", ""
    change = _CHANGE.fullmatch(request.path)
    return (change[2], change[1]) if change else None


def _notice_id(done: Operation) -> str:
    return f"notice:{done.answer.get('id')}"


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}})


def _options() -> argparse.ArgumentParser:
    options = process.parser("workers.sandbox.gateway", "The sandbox gateway.")
    options.add_argument(
        "--key", default=os.environ.get("SANDBOX_GATEWAY_KEY", "sandbox"), help="Bearer key it accepts"
    )
    options.add_argument("--webhook-url", help="where notices of what buyers did are posted")
    options.add_argument("--notify-all", action="store_true", help="post notices of what the shop did too")
    return options


async def main() -> None:
    """Serve until SIGTERM."""
    arguments = _options().parse_args()
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    notices = None
    if arguments.webhook_url:
        notices = Notices(arguments.webhook_url, derived_secret("sandbox notices", arguments.key), arguments.notify_all)
    clock = process.clock_of(arguments)
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal, HttpClient() as client:
        courier = Courier(journal, client)
        gateway = Gateway(journal, courier, clock=clock, faults=faults, key=arguments.key, notices=notices)
        async with serving(gateway.handle, arguments.port) as port:
            process.announce(port)
            await stop.wait()
        await gateway.aclose()


if __name__ == "__main__":
    process.run(main)
