"""Reading a mail back the way a mail reader does: with the standard library's parser."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

from pipelines.ports import RenderedMail


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def body(mail: RenderedMail, kind: str) -> str:
    """The decoded ``plain`` or ``html`` body."""
    part = parse(mail.raw).get_body((kind,))
    assert part is not None, f"the mail has no text/{kind} part"
    return str(part.get_content())
