"""Resend (メール再送): an operator sends a mail again; a copy has a row and a fate of its own. And the customer hears of a receipt that is
there to be fetched (DOC-02)."""

from __future__ import annotations

from datetime import datetime

from pipelines.changes.requests import answer
from pipelines.engine.decision import RECEIPT_STORED
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.resend_mail import ACTION, MailResent, address_of, mail_of
from pipelines.orders.mails import customer_mail
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Tell of receipts that were stored; then send what was asked for, one request after the other."""
    for event in [one for one in draft.waiting if one.type == RECEIPT_STORED]:
        about, paper = str(event.body["document"]), {"number": str(event.body["number"])}
        draft.tell(customer_mail("receipt_ready", draft.facts, shop, now, about=about, receipt=paper))
        draft.applied(event)

    def resend(event: EventFacts, asked: MailResent) -> None:
        if (mail := mail_of(draft, asked.mail)) is not None:
            draft.resend(mail, address_of(mail, asked), f"{event.source}:{event.event_id}")

    answer(ACTION, draft, shop, now, resend)


STAGE = Stage("resend", decide, Need.EVENTS | Need.MAILS, consumes=(ACTION.wakes, RECEIPT_STORED))
