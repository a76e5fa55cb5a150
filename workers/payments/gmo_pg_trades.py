"""Trades as GMO-PG has them: found by OrderID, told in our words, with notes of what its own record will not tell.

GMO tells what is left of a sale, never what it was before, and "returned" whether it was a hold or a sale. What was asked is
therefore noted at GMO first, where it makes a difference: a trade entered and never executed, whose OrderID is made of the
other's. It holds nothing and costs nobody anything (the console shows it as 未決済).
"""

from __future__ import annotations

from dataclasses import replace

from models.states import PaymentState
from pipelines.gateway import CodeClass, Snapshot
from workers.payments.asking import Unsettled
from workers.payments.gmo_pg_codes import NO_TRADE, TAKEN
from workers.payments.gmo_pg_settings import Settings
from workers.payments.gmo_pg_states import ENDED, PAY_TYPES, Kind, Trade, kind_of, order_id, stands
from workers.payments.gmo_pg_wire import Api, Refused
from workers.payments.values import not_ahead

CAPTURE, RELEASE, RETURN = "capture", "release", "return"


class Trades:
    """Finds and tells; nothing here moves money."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._hold_days = settings.gmo_pg_hold_days

    async def find(self, reference: str) -> Trade | None:
        """The trade of an OrderID of ours, None if GMO never saw it. Raises Unsettled where it could not be asked."""
        kind = kind_of(reference)
        if kind is None:
            return None
        try:
            told = await self._api.call("SearchTradeMulti", "Status", OrderID=reference, PayType=PAY_TYPES[kind])
            if told.get("OrderID", reference) != reference:
                raise ValueError("another trade")
            trade = Trade.read(reference, told)
            return replace(trade, at=not_ahead(trade.at, self._api.today))
        except Refused as no:
            if no.code in NO_TRADE:
                return None
            raise Unsettled(no.code, no.code_class, sent=False, again=False) from no
        except (KeyError, ValueError) as error:
            raise Unsettled("http_200", CodeClass.UNKNOWN, sent=False) from error
        except Unsettled as error:  # a search does nothing
            raise Unsettled(
                error.code, error.code_class, sent=False, again=error.again, retry_after=error.retry_after
            ) from error

    async def stand(self, trade: Trade) -> Snapshot:
        """How it stands, with what was noted of it. Raises Unsettled."""
        is_over = await self._is_release(trade) if trade.status in ENDED else False
        is_less = trade.state is PaymentState.CAPTURED and trade.left < trade.first
        is_back = trade.status in ENDED and not is_over
        taken = (
            await self._noted(trade.reference, CAPTURE) if trade.kind is Kind.CARD and (is_less or is_back) else None
        )
        return stands(trade, hold_days=self._hold_days, taken=taken, released=is_over)

    async def _is_release(self, trade: Trade) -> bool:
        """Whether the end of a trade was that of a hold or a slip: without a note VOID is, and any other is a sale's."""
        if trade.kind is Kind.KONBINI:
            return True
        if trade.status == "VOID":
            return await self._noted(trade.reference, RETURN) is None
        return await self._noted(trade.reference, RELEASE) is not None

    async def note(self, reference: str, what: str, amount: int) -> None:
        """Note ``amount`` yen for ``what`` of a trade, before that is asked for. Raises Refused if it was noted otherwise."""
        try:
            await self._api.call(
                "EntryTran", "AccessID", OrderID=_note(reference, what), JobCd="AUTH", Amount=amount, Tax=0, TdFlag=0
            )
        except Refused as no:
            if no.code not in TAKEN:
                raise
            if await self._noted(reference, what) != amount:
                raise Refused("noted_otherwise", CodeClass.OUR_BUG) from no

    async def _noted(self, reference: str, what: str) -> int | None:
        found = await self.find(_note(reference, what))
        return found.amount if found is not None else None


def _note(reference: str, what: str) -> str:
    return order_id(Kind.NOTE, "", f"{reference} {what}")
