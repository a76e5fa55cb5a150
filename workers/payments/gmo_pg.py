"""GMO Payment Gateway, Multi-Payment, protocol type: cards, PayPay and convenience stores (gateways.md 2).

GMO knows no idempotency keys, but an OrderID is used once for ever: ours is made of the order and the key. Whatever begins a
payment finds what an earlier attempt began; whatever changes one looks first how it stands, and answers as done what is done.
So the key of a change finds nothing, and the change is simply asked for again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import httpx

from models.states import PaymentState
from pipelines.gateway import Answer, BuyerMust, BuyerStep, CodeClass, Gateway, Payer, Snapshot, key_of
from pipelines.ports import Verdict
from workers.http.pool import PooledTransport
from workers.payments.asking import Unsettled, looked_up, settle, unknown
from workers.payments.gmo_pg_codes import TAKEN
from workers.payments.gmo_pg_notices import acknowledge, read_notices
from workers.payments.gmo_pg_settings import Settings
from workers.payments.gmo_pg_slips import MOST as MOST_AT_STORE
from workers.payments.gmo_pg_slips import STORES, slip_of
from workers.payments.gmo_pg_states import Kind, Trade, moment, order_id
from workers.payments.gmo_pg_trades import CAPTURE, RELEASE, RETURN, Trades
from workers.payments.gmo_pg_wire import Api, Refused

_P = PaymentState
_MOST: Final = 9_999_999
_AT_ISSUER: Final = timedelta(hours=1)
"""For so long a customer is waited for at the issuer's page, whose end GMO does not tell; then the last look is taken."""
_PAGES: Final = 3
"""Wallet pages that are opened under one key, where the answers that told of them got lost."""
_ENTRIES: Final = {
    Kind.CARD: ("EntryTran", {"JobCd": "AUTH", "Tax": "0"}),
    Kind.PAYPAY: ("EntryTranPaypay", {"JobCd": "AUTH", "Tax": "0"}),
    Kind.KONBINI: ("EntryTranCvs", {"Tax": "0"}),
}
_FIRST: Final = ("authorize", "register")
_WAITS_AT_PAGE: Final = ("AUTHPROCESS", "REQSUCCESS", "REQPROCESS")
_MONEY: Final = (_P.CAPTURED, _P.PARTLY_REFUNDED, _P.REFUNDED)

Execute = Callable[[Trade], Awaitable[BuyerMust | None]]
"""Executes what was entered; what the customer must do then."""
Act = Callable[[Trade, Snapshot], Awaitable[Answer | None]]
"""Changes a trade that stands so; None once GMO said that it is done, else why it is not asked."""
Done = Callable[[Snapshot], bool]


class GmoPg:
    """Authorizes cards and PayPay, registers slips, captures once, voids, refunds, renews and looks up by OrderID; never raises
    for what the network does.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.gmo_pg_url, timeout=settings.gmo_pg_timeout, transport=PooledTransport()
        )
        self._api = Api(self._client, settings.gmo_pg_shop_id, settings.gmo_pg_shop_pass.get_secret_value())
        self._trades = Trades(self._api, settings)

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """Hold ``amount`` yen (仮売上) on the card of ``token``, through 3-D Secure, or by PayPay, which needs none."""
        if not 1 <= amount <= _MOST:
            return _no("amount", CodeClass.OUR_BUG, f"GMO takes 1 to {_MOST:,} yen")
        if method == "card":
            return await self._begin(Kind.CARD, order, key, amount, lambda trade: self._card(trade, order, token))
        if not self._settings.gmo_pg_wallet_url:
            return _unset("GMO_PG_WALLET_URL, the shop's page that opens PayPay")
        return await self._begin(Kind.PAYPAY, order, key, amount, lambda trade: self._wallet(trade, order))

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        """Register a slip that a store, of the chain ``choice`` or else of the shop's setting, takes until the end of the last
        whole day before ``until``."""
        contact = self._settings.contact
        if method != "konbini":
            return _no("method", CodeClass.CONFIGURATION, f"GMO registers slips for konbini, not for {method}")
        if not 1 <= amount <= MOST_AT_STORE:
            return _no("amount", CodeClass.OUR_BUG, f"a store takes 1 to {MOST_AT_STORE:,} yen")
        if contact is None:
            return _unset("GMO_PG_CONTACT_NAME and GMO_PG_CONTACT_PHONE, which a slip must show")

        async def execute(trade: Trade) -> None:
            try:
                slip = slip_of(payer, STORES.get(choice, self._settings.gmo_pg_store), contact, until, self._api.today)
            except ValueError as error:
                raise Refused("no_day_left", CodeClass.OUR_BUG) from error
            told = {**trade.access, "OrderID": trade.reference, **_fields(order, amount), **slip}
            await self._api.call("ExecTranCvs", "ReceiptNo", **told)

        return await self._begin(Kind.KONBINI, order, key, amount, execute)

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Take ``amount`` yen (実売上): GMO takes what is held, so of a card the hold is made less first, which asks the card
        company anew; declined, the hold stays as it was. PayPay takes the whole hold or nothing."""

        async def act(trade: Trade, stood: Snapshot) -> Answer | None:
            if stood.state is not _P.AUTHORIZED:
                return _stays(trade)
            if amount > trade.amount or (trade.kind is Kind.PAYPAY and amount != trade.amount):
                return _no("amount", CodeClass.OUR_BUG, f"{trade.amount:,} yen are held, and cannot be taken in part")
            if trade.kind is Kind.PAYPAY:
                await self._api.call("PaypaySales", "Status", **trade.access, OrderID=reference, Amount=amount, Tax=0)
                return None
            if amount < trade.amount:
                await self._trades.note(reference, CAPTURE, amount)
                await self._alter("ChangeTran", trade, "AUTH", amount)
            await self._alter("AlterTran", trade, "SALES", amount)
            return None

        return await self._change(reference, lambda told: told.state in _MONEY and told.captured == amount, act)

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Release a hold (仮売上取消), or take a slip back: one that is at a till already may still be paid."""

        async def act(trade: Trade, stood: Snapshot) -> Answer | None:
            if stood.state is _P.AUTHORIZED:
                await self._end(trade, trade.amount, held=True)
                return None
            if stood.state is not _P.PENDING:
                return _stays(trade)
            if trade.kind is Kind.KONBINI:
                await self._api.call("CvsCancel", "Status", **trade.access, OrderID=reference)
                return None
            # Nothing is held yet. What the customer may still agree to is told by a notice, and released then.
            return Answer(Verdict.OK, replace(stood, state=_P.VOIDED))

        return await self._change(reference, lambda told: told.state is _P.VOIDED, act)

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen back beside what went back so far. Not to be repeated: ``refund_after`` may be."""
        known = await looked_up(lambda: self._stands(reference))
        if known is None:
            return _no("not_found", CodeClass.STATE, "GMO knows no such payment")
        if known.snapshot is None:
            return replace(known, verdict=Verdict.RETRY)  # nothing was sent
        return await self.refund_after(
            key=key, order=order, reference=reference, amount=amount, before=known.snapshot.refunded
        )

    async def refund_after(self, *, key: str, order: str, reference: str, amount: int, before: int) -> Answer:
        """Give ``amount`` yen back (返金) after refunds of ``before`` yen: a card's sale is made less, or ended by the whole.
        Stores give nothing back."""
        after = before + amount

        async def act(trade: Trade, stood: Snapshot) -> Answer | None:
            if trade.kind is Kind.KONBINI:
                return _no("manual_transfer", CodeClass.STATE, "a store gives nothing back; pay it out by hand")
            if stood.state not in _MONEY or after > stood.captured:
                return _stays(trade)
            if stood.refunded < before:
                return _retry("earlier_refund", "an earlier refund of this payment is not done yet")
            if stood.refunded > before:
                return unknown(
                    "other_refund", f"{stood.refunded:,} yen went back, {before:,} or {after:,} were expected"
                )
            if trade.kind is Kind.CARD and after < stood.captured:
                await self._alter("ChangeTran", trade, "CAPTURE", trade.amount - amount)
            else:
                await self._end(trade, amount, held=False)
            return None

        def is_back(told: Snapshot) -> bool:
            """Later refunds wait for this one, so more than its sum says that it was done."""
            return told.state in _MONEY and told.refunded >= after

        return await self._change(reference, is_back, act, reached=lambda told: told.refunded == after)

    async def renew(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Hold the same amount of a card anew (再オーソリ): declined, the old hold stays until its own end."""
        began: list[datetime] = []

        async def act(trade: Trade, stood: Snapshot) -> Answer | None:
            if stood.state is not _P.AUTHORIZED or trade.kind is not Kind.CARD or amount != trade.amount:
                return _stays(trade)
            began[:] = [trade.at]
            await self._alter("ChangeTran", trade, "AUTH", amount)
            return None

        def is_newer(told: Snapshot) -> bool:
            return bool(began) and told.state is _P.AUTHORIZED and told.as_of > began[0]

        return await self._change(reference, is_newer, act, reached=lambda told: told.state is _P.AUTHORIZED)

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """How the payment stands; by ``key`` alone what it began. None for the key of a change: the change looks itself.

        A customer who passed 3-D Secure is found here, and the hold is made then.
        """
        if key is not None and reference is not None:
            return None
        if reference is not None:
            return await looked_up(lambda: self._stands(reference))
        keys = [key] if key is not None else [key_of(order, what) for what in _FIRST]
        return await looked_up(lambda: self._first(order, keys))

    async def _begin(self, kind: Kind, order: str, key: str, amount: int, execute: Execute) -> Answer:
        return await settle(
            lambda: self._enter(kind, order, key, amount, execute),
            lambda: looked_up(lambda: self._begun(kind, order, key)),
            repeats=False,
        )

    async def _enter(self, kind: Kind, order: str, key: str, amount: int, execute: Execute, page: int = 1) -> Answer:
        """Enter the trade or find it entered, then execute it once. Raises Unsettled."""
        reference = order_id(kind, order, _page(key, page))
        call, fields = _ENTRIES[kind]
        if kind is Kind.CARD and self._settings.gmo_pg_3ds:
            fields = fields | {"TdFlag": "2", "Tds2Type": "3"}
        try:
            entered = await self._api.call(call, "AccessID", OrderID=reference, Amount=amount, **fields)
            access = {name: entered.get(name, "") for name in ("AccessID", "AccessPass")}
            trade = Trade(reference, kind, "UNPROCESSED", amount, amount, 0, self._api.today, access)
        except Refused as no:
            if no.code not in TAKEN:
                return _refused(no)
            found = await self._trades.find(reference)
            if found is None:
                raise Unsettled(no.code, CodeClass.STATE, sent=False, again=False) from no
            if found.first != amount:
                return _no(no.code, CodeClass.OUR_BUG, f"the OrderID was used for {found.first:,} yen")
            if _is_page_lost(found) and kind is Kind.PAYPAY and page < _PAGES:
                return await self._enter(kind, order, key, amount, execute, page + 1)
            if _is_page_lost(found):
                return _no("page_lost", CodeClass.BUYER_INPUT, "the page for the customer was lost; nothing is held")
            if found.status != "UNPROCESSED":
                return await self._after(reference)
            trade = found
        try:
            buyer = await execute(trade)
        except Refused as no:
            found = await self._trades.find(reference)
            return _refused(no) if found is None or found.status == "UNPROCESSED" else await self._after(reference)
        answer = await self._after(reference, lambda told: told.authorized == amount)
        assert answer.snapshot is not None
        return answer if buyer is None else replace(answer, snapshot=replace(answer.snapshot, buyer=buyer))

    async def _card(self, trade: Trade, order: str, token: str) -> BuyerMust | None:
        back = f"{self._settings.gmo_pg_return_url}?{urlencode({'OrderID': trade.reference})}"
        told = {
            **trade.access,
            "OrderID": trade.reference,
            "Method": "1",
            "Token": token,
            **_fields(order, trade.first),
        }
        if self._settings.gmo_pg_3ds:
            told |= {"RetUrl": back, "CallbackType": "1"}
        answer = await self._api.call("ExecTran", "ACS", **told)
        if answer["ACS"] == "2" and answer.get("RedirectUrl"):
            return BuyerMust(BuyerStep.VISIT, url=answer["RedirectUrl"], until=self._api.today + _AT_ISSUER)
        if not self._api.proves(answer):
            raise Unsettled("check_string", CodeClass.UNKNOWN, sent=True, again=False)
        return None

    async def _wallet(self, trade: Trade, order: str) -> BuyerMust:
        back = f"{self._settings.gmo_pg_return_url}?{urlencode({'OrderID': trade.reference})}"
        told = {**trade.access, "OrderID": trade.reference, "RetURL": back, "TransitionType": "1"}
        answer = await self._api.call("ExecTranPaypay", "StartURL", **told, **_fields(order, trade.first))
        form = {"start": answer["StartURL"], "AccessID": trade.access["AccessID"], "Token": answer.get("Token", "")}
        try:
            until = moment(answer.get("StartLimitDate", ""))
        except ValueError:
            until = None
        return BuyerMust(BuyerStep.VISIT, url=f"{self._settings.gmo_pg_wallet_url}?{urlencode(form)}", until=until)

    async def _begun(self, kind: Kind, order: str, key: str) -> Answer | None:
        """What was begun under ``key``; None where nothing was, or where nobody was told its page. Raises Unsettled."""
        last: Trade | None = None
        for page in range(1, _PAGES + 1 if kind is Kind.PAYPAY else 2):
            trade = await self._trades.find(order_id(kind, order, _page(key, page)))
            if trade is None:
                break
            last = trade
        if last is None or last.status == "UNPROCESSED" or _is_page_lost(last):
            return None
        return await self._told(last)

    async def _first(self, order: str, keys: Sequence[str]) -> Answer | None:
        for key in keys:
            for kind in (Kind.CARD, Kind.PAYPAY, Kind.KONBINI):
                if (found := await self._begun(kind, order, key)) is not None:
                    return found
        return None

    async def _stands(self, reference: str) -> Answer | None:
        trade = await self._trades.find(reference)
        return None if trade is None else await self._told(trade)

    async def _told(self, trade: Trade) -> Answer:
        if trade.status != "AUTHENTICATED":
            return Answer(Verdict.OK, await self._trades.stand(trade))
        try:
            await self._api.call("SecureTran2", "TranID", **trade.access)
        except Refused as no:
            if no.code_class is not CodeClass.STATE:
                failed = replace(await self._trades.stand(trade), state=_P.FAILED)
                return Answer(Verdict.OK, replace(failed, code=no.code, code_class=no.code_class))
        return await self._after(trade.reference)

    async def _change(self, reference: str, done: Done, act: Act, *, reached: Done | None = None) -> Answer:
        """Look, act once unless it is ``done``, and look again; ``reached`` is what must be seen then."""

        async def attempt() -> Answer:
            trade = await self._trades.find(reference)
            if trade is None:
                return _no("not_found", CodeClass.STATE, "GMO knows no such payment")
            stood = await self._trades.stand(trade)
            if done(stood):
                return Answer(Verdict.OK, stood)
            try:
                answer = await act(trade, stood)
            except Refused as no:
                now = await self._stands(reference) if no.code_class is CodeClass.STATE else None
                return now if now is not None and now.snapshot is not None and done(now.snapshot) else _refused(no)
            return await self._after(reference, reached or done) if answer is None else answer

        async def look() -> Answer | None:
            known = await looked_up(lambda: self._stands(reference))
            return None if known is not None and known.snapshot is not None and not done(known.snapshot) else known

        return await settle(attempt, look, repeats=False)

    async def _after(self, reference: str, reached: Done = lambda told: True) -> Answer:
        """How a trade stands that GMO has acted on; another end than was asked for needs a look. Raises Unsettled."""
        try:
            trade = await self._trades.find(reference)
            if trade is None:
                raise Unsettled("not_found", CodeClass.STATE, sent=True, again=False)
            told = await self._trades.stand(trade)
        except Unsettled as error:
            raise Unsettled(error.code, error.code_class, sent=True, again=False) from error
        return Answer(Verdict.OK, told if reached(told) else replace(told, state=_P.NEEDS_REVIEW))

    async def _alter(self, call: str, trade: Trade, job: str, amount: int) -> None:
        await self._api.call(call, "AccessID", **trade.access, JobCd=job, Amount=amount)

    async def _end(self, trade: Trade, amount: int, *, held: bool) -> None:
        """Release a hold or give a sale back whole, or a part of a wallet's, by the words of the contract: which of them holds
        goes by date, and GMO refuses the others. Raises Refused."""
        if trade.kind is Kind.PAYPAY:
            if held:
                await self._trades.note(trade.reference, RELEASE, trade.first)
            told = {"OrderID": trade.reference, "CancelAmount": str(amount), "CancelTax": "0"}
            await self._api.call("PaypayCancelReturn", "Status", **trade.access, **told)
            return
        jobs = ("CANCEL",) if self._settings.gmo_pg_cancel == "CANCEL" else ("VOID", "RETURN", "RETURNX")
        for job in jobs:
            if (job == "VOID") != held:  # the word alone would say the other
                await self._trades.note(trade.reference, RELEASE if held else RETURN, trade.first)
            try:
                await self._api.call("AlterTran", "AccessID", **trade.access, JobCd=job)
                return
            except Refused as no:
                now = await self._trades.find(trade.reference) if no.code_class is CodeClass.STATE else None
                if job == jobs[-1] or now is None or now.status != trade.status:
                    raise


def _fields(order: str, amount: int) -> dict[str, str]:
    """What GMO keeps for us with a trade."""
    return {"ClientField1": order, "ClientField2": str(amount)}


def _is_page_lost(trade: Trade) -> bool:
    """Whether a customer would have to go on at a page that only the first answer told of."""
    return trade.status in _WAITS_AT_PAGE and trade.kind is not Kind.KONBINI


def _page(key: str, page: int) -> str:
    return key if page == 1 else f"{key} page {page}"


def _no(code: str, code_class: CodeClass, says: str) -> Answer:
    return Answer(Verdict.DECLINED, code=code, code_class=code_class, says=says)


def _refused(no: Refused) -> Answer:
    return _no(no.code, no.code_class, f"GMO refused it with {no.code}")


def _stays(trade: Trade) -> Answer:
    return _no("state", CodeClass.STATE, f"GMO has it as {trade.status} with {trade.left:,} yen")


def _retry(code: str, says: str) -> Answer:
    return Answer(Verdict.RETRY, code=code, code_class=CodeClass.STATE, says=says)


def _unset(what: str) -> Answer:
    """Surely not done, and as soon as the operator has set it, it will be."""
    return Answer(Verdict.RETRY, code="not_set", code_class=CodeClass.CONFIGURATION, says=f"set {what}")


GATEWAY = Gateway(
    "gmo_pg",
    Settings,
    GmoPg,
    methods=frozenset({"card", "konbini", "paypay"}),
    read_notices=read_notices,
    secrets=lambda settings: [settings.gmo_pg_shop_id],
    acknowledge=acknowledge,
    test_mode=lambda settings: settings.is_test,
)
