"""Instructs a supplier by a mail that only says where its page is: nobody's address lies in a mailbox, and the page hears the
answer."""

from __future__ import annotations

from pipelines.errors import Misconfigured
from pipelines.suppliers.channel import Channel, Means, NoSettings
from workers.channels.mail import MailSender


def _open(settings: NoSettings, means: Means) -> MailSender:
    """Raises Misconfigured where no link could be made."""
    if means.links is None:
        raise Misconfigured(
            "SHUKKA_PUBLIC_URL",
            "a supplier's channel is portal, whose mails link to this address; set it, as https://...",
        )
    return MailSender(means, by="portal", tells_address=False)


CHANNEL = Channel("portal", NoSettings, _open)
