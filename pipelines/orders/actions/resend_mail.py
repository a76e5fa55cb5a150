"""Resend (メール再送): a mail about the order goes out again, to the address that it went to or to a corrected one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import MailFacts
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.schema import MANY_LINES, ONE_LINE
from pipelines.rules.explain import Refusal, Sentence
from pipelines.values.mail_address import addr_spec

_NONE_SENT: Final = Sentence(
    "この注文について送信済みのメールはありません。送信中のメールは自動的に届きます。",
    "No mail about this order has been sent; what is on its way arrives by itself.",
)

_NONE_KEPT: Final = Sentence(
    "この注文のメールは保存期間が過ぎたため、残っていません。",
    "The mails about this order are no longer kept.",
)


class MailResent(Request):
    """A mail that goes out again."""

    mail: Annotated[int, Field(ge=1, description="The mail's id, from `mails` of the order")]
    to: Annotated[
        str | None,
        Field(
            default=None, min_length=3, max_length=254, pattern=ONE_LINE, description="Left out: the address it went to"
        ),
    ]
    reason: Annotated[str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the request")]


def stands(case: Case) -> Sequence[Refusal]:
    """A mail has been sent, or was given up, and is still kept."""
    mails = case.order.facts.mails
    if any(_has_ended(one) for one in mails):
        return []
    return [Refusal(_NONE_SENT if all(one.is_kept for one in mails) else _NONE_KEPT)]


def faults(case: Case, asked: MailResent) -> Sequence[Problem]:
    """Another order's mail, one that is still on its way, an address that is none."""
    mail = mail_of(case.order, asked.mail)
    if mail is None:
        return [Problem("mail", f"the order has no mail {asked.mail}")]
    if not mail.is_kept:
        return [Problem("mail", f"the mail {asked.mail} is no longer kept")]
    if not _has_ended(mail):
        return [Problem("mail", f"the mail {asked.mail} is on its way already")]
    try:
        address_of(mail, asked)
    except ValueError as wrong:
        return [Problem("to", str(wrong))]
    return []


def mail_of(order: OrderDraft, id_: int) -> MailFacts | None:
    """The order's mail ``id_``, or None."""
    return next((one for one in order.facts.mails if one.id == id_), None)


def address_of(mail: MailFacts, asked: MailResent) -> str:
    """Where the copy goes, ready to send (B.7.1). Raises ValueError for an address that is none."""
    return mail.to if asked.to is None else addr_spec(asked.to)


def _has_ended(mail: MailFacts) -> bool:
    return mail.state != "queued" and mail.is_kept


ACTION = Action(
    name="mails:resend",
    label=Sentence("メールを再送する", "Send a mail again"),
    says=Sentence(
        "送信済みのメールを、同じ宛先または訂正した宛先に、写しとしてもう一度送ります。",
        "The same mail goes out once more, marked as a copy, to the same address or to a corrected one.",
    ),
    model=MailResent,
    wakes="mail.resend",
    stands=stands,
    faults=faults,
)
