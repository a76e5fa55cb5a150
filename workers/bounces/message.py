"""The report itself as it came by mail, posted by whoever took it in: a relay's pipe, a rule of the mail server.

``POST /v1/webhooks/mail/message`` has the whole message as its body and is signed as Standard Webhooks says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, Field, field_validator

from pipelines.bounces import message
from pipelines.errors import Misconfigured
from workers.bounces.provider import Heard, MailProvider
from workers.http.signing import sign, verify


class Settings(BaseModel):
    """Where the secret comes from."""

    shukka_bounces_secret: str = Field(default="", repr=False, description="whsec_ and base64; several by commas")

    @field_validator("shukka_bounces_secret")
    @classmethod
    def _are_secrets(cls, given: str) -> str:
        for secret in filter(None, given.split(",")):
            try:
                sign(secret.strip(), "check", 0, b"")
            except Misconfigured as wrong:
                raise ValueError("is no secret") from wrong
        return given


def read(headers: Mapping[str, str], body: bytes, settings: Settings, now: datetime) -> Sequence[Heard]:
    """The one report in ``body``."""
    secrets = [one.strip() for one in settings.shukka_bounces_secret.split(",") if one.strip()]
    event_id = verify(secrets, headers, body, now=int(now.timestamp()))
    return [Heard(event_id, message.read(body))]


MAIL_PROVIDER = MailProvider("message", Settings, read)
