"""Events to storefronts: posted, signed like everything that leaves; private targets are refused unless allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from models.database import glance
from models.store import effects
from models.store.effects import StorefrontEventRow
from pipelines.engine import announce
from pipelines.ports import Clock, Outcome, Verdict
from workers.effects.effect import Effect, Job, Means, Perform
from workers.http.poster import TARGET_REFUSED, Message, Poster, Posts
from workers.http.signing import standing

#: An order has many events, each a message of its own, and most installations have one storefront, whose share is half of them.
AT_A_TIME: Final = 64
#: Seconds for which a storefront is told an event again (contract: three days); then it is given up, and may be tried again.
TRIED_FOR: Final = 3 * 86_400.0


def performing(posts: Posts, clock: Clock) -> Perform[StorefrontEventRow]:
    """Posts an event to the URL that its storefront registered."""

    async def perform(job: Job[StorefrontEventRow]) -> Outcome:
        row = job.row
        if row.url is None:
            return Outcome(Verdict.DECLINED, code="client_gone", says="the storefront was revoked or has no URL")
        at = datetime.fromisoformat(row.payload["at"])
        event = Message(row.key, row.payload["type"], row.payload["data"], at, to="the storefront")
        secrets = standing(row.webhook_secrets or (), row.old_until, clock.now())
        return _tried_again(await posts.post(event, url=row.url, secrets=secrets))

    return perform


def _tried_again(outcome: Outcome) -> Outcome:
    """A storefront that refuses an event may be mended, and a target that is not allowed may become so: no answer but 2xx loses one.
    A refusal is an answer all the same: it keeps no other event of that storefront."""
    if outcome.verdict is not Verdict.DECLINED:
        return outcome
    return replace(outcome, verdict=Verdict.RETRY, answered=outcome.code != TARGET_REFUSED)


def _equip(means: Means) -> Perform[StorefrontEventRow]:
    return performing(Poster(allow_private=means.settings.shukka_allow_private_targets), means.clock)


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, StorefrontEventRow]:
    with glance(engine) as connection:
        return {row.id: row for row in effects.to_announce(connection, ids)}


EFFECT = Effect(
    name="storefronts",
    kinds=(announce.KIND,),
    queue="partners",
    target=lambda row: row.client,
    channels=lambda settings: AT_A_TIME,
    orders=lambda row: () if row.order_id is None else (row.order_id,),
    total=30.0,
    tried_for=TRIED_FOR,
    load=_load,
    equip=_equip,
    late=Verdict.RETRY,  # the webhook-id is the same again
    wakes=False,
)
