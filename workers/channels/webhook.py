"""Instructs a supplier by a signed webhook (Standard Webhooks) to the URL it registered."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from pipelines.ports import Clock, Outcome, Verdict
from pipelines.suppliers.channel import Batch, Channel, Means
from pipelines.suppliers.instructions import WEBHOOK
from workers.http.poster import Message, Poster, Posts


class WebhookSender:
    """``Sender`` that posts each instruction of its own."""

    def __init__(self, posts: Posts, clock: Clock) -> None:
        self._posts = posts
        self._clock = clock

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        """Post the instructions one after the other, each under its own key; OK: the supplier has it."""
        contact = batch.contact
        if contact.url is None:
            says = f"{batch.supplier} has no URL: register one"
            return [Outcome(Verdict.RETRY, code="no_url", says=says)] * len(batch.instructions)
        return [
            await self._posts.post(
                Message(one.key, one.type, one.to_json(), self._clock.now(), to=batch.supplier),
                url=contact.url,
                secrets=contact.secrets,
            )
            for one in batch.instructions
        ]

    async def aclose(self) -> None:
        """Give connections back."""
        await self._posts.aclose()


class Settings(BaseModel):
    """Address and secrets belong to the supplier's registration."""

    shukka_allow_private_targets: bool = Field(default=False, description="yes lets webhooks go to private addresses")


def _open(settings: Settings, means: Means) -> WebhookSender:
    return WebhookSender(Poster(allow_private=settings.shukka_allow_private_targets), means.clock)


CHANNEL = Channel(WEBHOOK, Settings, _open)
