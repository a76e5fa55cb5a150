"""Resend (メール再送): an operator sends a mail again; a copy has a row and a fate of its own."""

from __future__ import annotations

from datetime import datetime

from pipelines.changes.requests import answer
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.resend_mail import ACTION, MailResent, address_of, mail_of
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Send what was asked for, one request after the other."""

    def resend(event: EventFacts, asked: MailResent) -> None:
        if (mail := mail_of(draft, asked.mail)) is not None:
            draft.resend(mail, address_of(mail, asked), f"{event.source}:{event.event_id}")

    answer(ACTION, draft, shop, now, resend)


STAGE = Stage("resend", decide, Need.EVENTS | Need.MAILS, consumes=(ACTION.wakes,))
