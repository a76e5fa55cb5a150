"""Returns (返品・事故): goods that come back, or came to nothing; money, points and the coupon follow (A.12, CPN-04).

A return is asked for, and approved by the shop's rules or by a person; its goods are waited for, received, inspected, and what
the customer gets for them is given. Where an operator says at once what came of goods that had left (``lines:return``), that is
settled without a return of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from models.states import LotState, ReturnState
from pipelines.changes.back_to_maker import tell_makers
from pipelines.changes.coming_back import (
    approve,
    await_next,
    end_what_is_over,
    finish,
    move,
    sold_of,
    tell,
    waits_until,
)
from pipelines.changes.goods_back import settle_pieces, take_back
from pipelines.changes.money import LETS_GO
from pipelines.changes.open_again import hear_of_replacements, tell_first
from pipelines.changes.replacing import exchanged, replacement, rest_in_points
from pipelines.changes.requests import answer_each, asker
from pipelines.engine.decision import (
    REPLACEMENT_CANCELLED,
    REPLACEMENT_RETURNED,
    REPLACEMENT_STANDS,
    REPLACEMENT_UNDELIVERED,
)
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need, ReturnFacts, ReturnLineFacts
from pipelines.engine.stage import Stage
from pipelines.orders.action import Action
from pipelines.orders.actions.approve_return import ACTION as APPROVE
from pipelines.orders.actions.approve_return import ReturnApproved
from pipelines.orders.actions.close_return import ACTION as CLOSE
from pipelines.orders.actions.close_return import ReturnClosed
from pipelines.orders.actions.exchange_return import ACTION as EXCHANGE
from pipelines.orders.actions.exchange_return import ReturnExchanged, taken_lines
from pipelines.orders.actions.inspect_return import ACTION as INSPECT
from pipelines.orders.actions.inspect_return import GoodsInspected
from pipelines.orders.actions.open_return import ACTION as OPEN
from pipelines.orders.actions.open_return import ReturnAsked, asked_lines
from pipelines.orders.actions.receive_return import ACTION as RECEIVE
from pipelines.orders.actions.receive_return import GoodsReceived
from pipelines.orders.actions.refund_return import ACTION as REFUND
from pipelines.orders.actions.refund_return import ReturnRefunded
from pipelines.orders.actions.refuse_return import ACTION as REFUSE
from pipelines.orders.actions.refuse_return import ReturnRefused
from pipelines.orders.actions.replace_return import ACTION as REPLACE
from pipelines.orders.actions.replace_return import ReturnReplaced
from pipelines.orders.actions.return_lines import ACTION as SETTLE
from pipelines.orders.actions.return_lines import LinesReturned
from pipelines.orders.actions.withdraw_return import ACTION as WITHDRAW
from pipelines.orders.actions.withdraw_return import ReturnWithdrawn
from pipelines.orders.mails import bill_of
from pipelines.orders.pieces import by_line
from pipelines.rules.lots import NewLot
from pipelines.rules.points import expiry
from pipelines.rules.returns.case import Judgement
from pipelines.rules.returns.judge import judge
from pipelines.rules.returns.settlement import KIND, return_fee
from pipelines.shops import Shop

Grant = Callable[[OrderDraft, Shop, datetime, EventFacts, Any], None]


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Hear of the orders that leave for its goods; answer what was asked, one request after the other; then end what was waited for in
    vain."""
    hear_of_replacements(draft, shop, now)

    def granting(grant: Grant) -> Callable[[EventFacts, Any], None]:
        return lambda event, asked: grant(draft, shop, now, event, asked)

    grants = {event: (action, granting(grant)) for event, (action, grant) in _GRANTS.items()}
    answer_each(grants, draft, shop, now, lambda event, why: _turn_down(draft, shop, now, event))
    if not draft.waiting:  # what was asked for in time is answered before that
        end_what_is_over(draft, shop, now)


def _take_back(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: LinesReturned) -> None:
    key = f"{event.source}:{event.event_id}"
    settle_pieces(draft, shop, now, by_line(asked.lines), key=key, reason=asked.reason, cost_on=asked.fault)


def _open(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnAsked) -> None:
    judged = judge(sold_of(draft, shop), shop, asked_lines(asked), event.at)
    one = _opened(draft, shop, event, asked, judged)
    if all(line.approve == "automatic" for line in judged.lines):
        approve(draft, shop, now, one, event.at, "the shop's rules allow it")
    else:
        await_next(draft, one)
        tell(draft, shop, now, one, "return_accepted")


def _turn_down(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts) -> None:
    """A return that was answered with its id and cannot be after all, since the order moved on meanwhile, is there to be seen, and
    refused."""
    if event.type != OPEN.wakes:
        return
    asked = OPEN.heard(event.body)
    judged = judge(sold_of(draft, shop), shop, asked_lines(asked), event.at)
    one = _opened(draft, shop, event, asked, judged)
    refused = draft.move_return(one.id, ReturnState.REFUSED, "the shop's rules do not allow it")
    tell(draft, shop, now, refused, "return_refused")


def _opened(draft: OrderDraft, shop: Shop, event: EventFacts, asked: ReturnAsked, judged: Judgement) -> ReturnFacts:
    """The return that was asked for, open, with all that the rules said of it."""
    said = {because: None for line in judged.lines for because in line.because}
    remedies = [line.remedy or line.remedies[0] for line in judged.lines if line.remedy or line.remedies]
    one = ReturnFacts(
        id=str(event.body["return"]),
        state=ReturnState.REQUESTED,
        remedy=remedies[0] if remedies else "refund",
        asked_at=event.at,
        asked_by=asker(event),
        lines=tuple(
            ReturnLineFacts(line.line, line.quantity, line.reason, tuple(told.condition), line.cost_on)
            for line, told in zip(judged.lines, asked.lines, strict=True)
        ),
        because=[{"rule": because.rule, "says": because.says} for because in said],
        goods_by=min((line.goods_by for line in judged.lines if line.goods_by), default=None),
        waits_until=waits_until(shop, ReturnState.REQUESTED, event.at),
    )
    draft.open_return(one, "asked for")
    return one


def _named(draft: OrderDraft, event: EventFacts) -> ReturnFacts:
    """The return that a request is about, which was found when it was heard."""
    one = draft.return_(str(event.body["return"]))
    assert one is not None, "a request about a return that there is not is refused before"
    return one


def _approve(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnApproved) -> None:
    approve(draft, shop, now, _named(draft, event), event.at, "an operator approved it", asked.words)


def _refuse(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnRefused) -> None:
    one = _named(draft, event)
    refused = move(draft, shop, one.id, ReturnState.REFUSED, now, "an operator refused it", answer=asked.words)
    tell(draft, shop, now, refused, "return_refused")


def _receive(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: GoodsReceived) -> None:
    one = _named(draft, event)
    received = move(draft, shop, one.id, ReturnState.RECEIVED, event.at, "the goods are back")
    tell(draft, shop, now, received, "return_received")


def _inspect(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: GoodsInspected) -> None:
    one = _named(draft, event)
    move(draft, shop, one.id, ReturnState.INSPECTED, event.at, "the goods were inspected")
    failed = None if asked.passes else one.id
    if asked.rejected:
        failed = draft.part_return(one.id, by_line(asked.rejected), "these pieces were looked at apart").id
    if failed is not None:
        move(draft, shop, failed, ReturnState.REJECTED, event.at, "the goods did not pass", answer=asked.words)
    if failed != one.id:
        passed = draft.return_(one.id)
        assert passed is not None, "it was inspected just now"
        tell_makers(draft, shop, now, passed)


def _refund(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnRefunded) -> None:
    """First what the shop bears, then the rest, as the preview says."""
    one, changes = _named(draft, event), []
    for cost_on, kind in KIND.items():
        pieces = Counter[str]()
        for line in one.lines:
            if line.cost_on == cost_on:
                pieces[line.line] += line.quantity
        if pieces:
            key, reason = f"return:{one.id}:{cost_on}", asked.reason
            fee = return_fee(shop, kind)
            change = take_back(
                draft, shop, now, pieces, key=key, reason=reason, cost_on=cost_on, fee=fee, are_back=True
            )
            changes.append(change)
    money, points = sum(change.money for change in changes), sum(change.points_returned for change in changes)
    facts = draft.facts
    given = {"money": money, "points": points, "method": facts.method, "bill": bill_of(facts, now)}
    finish(draft, shop, now, one, ReturnState.REFUNDED, "refunded", given=given)
    tell_first(draft, one)


def _replace(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnReplaced) -> None:
    one = _named(draft, event)
    new = replacement(draft, one, now)
    draft.replace_goods(new)
    finish(draft, shop, now, one, ReturnState.REPLACED, "replaced", answer=asked.words, replacement=new.number, rest=0)


def _exchange(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnExchanged) -> None:
    """The difference is an order's of its own; what is over is never money, and points where the terms say so (RET-06)."""
    one, paid = _named(draft, event), asked.payment
    method, token = (paid.method, paid.token) if paid else (None, None)
    new = exchanged(draft, shop, one, now, taken_lines(asked), method, token)
    draft.replace_goods(new)
    if rest := rest_in_points(draft, shop, one, new):
        source = f"return:{one.id}:rest:{new.number}"
        draft.grant(NewLot(source, "exchange", rest, LotState.VALID, expiry(now, shop)))
    given = {"money": 0, "points": rest, "method": draft.facts.method, "bill": None} if rest else None
    finish(
        draft,
        shop,
        now,
        one,
        ReturnState.EXCHANGED,
        "exchanged",
        answer=asked.words,
        replacement=new.number,
        rest=rest,
        given=given,
    )


def _close(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnClosed) -> None:
    one = _named(draft, event)
    went_back = one.state == ReturnState.REJECTED
    new, cause = (
        (ReturnState.SENT_BACK, "the goods went back to the customer")
        if went_back
        else (ReturnState.CLOSED, "an operator closed it")
    )
    finish(draft, shop, now, one, new, cause, answer=asked.words or one.answer)


def _withdraw(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: ReturnWithdrawn) -> None:
    finish(draft, shop, now, _named(draft, event), ReturnState.CLOSED, "the customer keeps the goods")


_GRANTS: Final[Mapping[str, tuple[Action[Any], Grant]]] = {
    SETTLE.wakes: (SETTLE, _take_back),
    OPEN.wakes: (OPEN, _open),
    APPROVE.wakes: (APPROVE, _approve),
    REFUSE.wakes: (REFUSE, _refuse),
    RECEIVE.wakes: (RECEIVE, _receive),
    INSPECT.wakes: (INSPECT, _inspect),
    REFUND.wakes: (REFUND, _refund),
    REPLACE.wakes: (REPLACE, _replace),
    EXCHANGE.wakes: (EXCHANGE, _exchange),
    CLOSE.wakes: (CLOSE, _close),
    WITHDRAW.wakes: (WITHDRAW, _withdraw),
}

STAGE = Stage(
    "returns",
    decide,
    Need.PAYMENT
    | Need.SHIPMENTS
    | Need.PARCELS
    | Need.LOTS
    | Need.PURSE
    | Need.EVENTS
    | Need.EFFECTS
    | Need.ADJUSTMENTS
    | Need.RETURNS
    | Need.SUPPLIERS,
    consumes=(REPLACEMENT_CANCELLED, REPLACEMENT_UNDELIVERED, REPLACEMENT_RETURNED, REPLACEMENT_STANDS, *_GRANTS),
    leads_to=("settle", "reward", "collect"),
    asks=LETS_GO,
)
