"""Mails rendered from their samples, and read back the way a mail reader does: with the standard library's parser."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from pipelines.ports import MailIntent, RenderedMail
from templates_mail import LOCALES
from workers.mail.rendering import CONTRACT_MAILS, Renderer
from workers.mail.samples import sample

RENDERER = Renderer("orders@salon.example", "mail.salon.example")
EVERY_MAIL = [(template, locale) for template in CONTRACT_MAILS for locale in LOCALES]
every_mail = pytest.mark.parametrize(("template", "locale"), EVERY_MAIL)
BOTH_KINDS = ("plain", "html")
NO_WISH = {"delivery": {"date": None, "slot": None}, "instructions": []}


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def body(mail: RenderedMail, kind: str) -> str:
    """The decoded ``plain`` or ``html`` body."""
    part = parse(mail.raw).get_body((kind,))
    assert part is not None, f"the mail has no text/{kind} part"
    return str(part.get_content())


def render(intent: MailIntent) -> RenderedMail:
    return RENDERER.render(intent, shop="salon", number="S-1001")


def changed(template: str, locale: str, **context: Any) -> RenderedMail:
    """The sample with some keys of its context replaced."""
    intent = sample(template, locale)
    return render(replace(intent, context={**intent.context, **context}))


def both(mail: RenderedMail) -> str:
    return body(mail, "plain") + body(mail, "html")
