"""Events to storefronts: posted, signed like everything that leaves; private targets are refused unless allowed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine

from models.store import lease as store
from pipelines.engine import announce
from pipelines.ports import Outcome, Verdict
from workers.effects.effect import Effect, Job, Means, Perform
from workers.http.poster import Message, Poster, Posts
from workers.http.targets import refuse_private


def performing(
    posts: Posts, *, allow_private: bool, refuse: Callable[..., Awaitable[str | None]] = refuse_private
) -> Perform[Any]:
    """Posts an event to the URL that its storefront registered."""

    async def perform(job: Job[Any]) -> Outcome:
        _, key, payload, url, secrets = job.row
        if url is None:
            return Outcome(Verdict.DECLINED, code="client_gone", says="the storefront was revoked or has no URL")
        refused = await refuse(url, allow_private=allow_private)
        if refused is not None:
            return Outcome(Verdict.DECLINED, code="target_refused", says=refused)
        at = datetime.fromisoformat(payload["at"])
        event = Message(key, payload["type"], payload["data"], at, to="the storefront")
        return await posts.post(event, url=url, secrets=secrets)

    return perform


def _equip(means: Means) -> Perform[Any]:
    return performing(Poster(), allow_private=means.settings.shukka_allow_private_targets)


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, Any]:
    with engine.connect() as connection:
        return {row[0]: row for row in store.load_events(connection, ids)}


def _host(row: Any) -> str:
    try:
        return urlsplit(row[3] or "").netloc
    except ValueError:
        return "no URL"


EFFECT = Effect(
    name="storefronts",
    kinds=(announce.KIND,),
    queue="partners",
    target=_host,
    total=30.0,
    load=_load,
    equip=_equip,
    late=Verdict.RETRY,  # the webhook-id is the same again
)
