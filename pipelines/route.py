"""THE pipeline: reading it is reading the business.

    accept --> authorize --> split --> dispatch     the supplier's news --> notify --> reward
                  |                                                           |
               deposits  <-------------- notices of payments --------------  settle   (capture, void, refund)

cancel, reprice, adjust, amend, returns, attend and resend may enter at any point: a customer or an operator spoke. promote follows
when an order raised its customer's rank, collect waits for money that is paid on delivery, and
pull_in for the visit to a store that goods were called to. Which stage may make which other
due, at a moment or by the outcome of an effect:

    accept     -> authorize, reward
    authorize  -> split, settle
    split      -> dispatch
    dispatch   -> settle
    notify     -> dispatch, settle, reward, collect, pull_in
    settle     -> authorize, collect, dispatch, split, reward
    reward
    collect    -> settle, reward
    promote
    pull_in    -> settle, reward
    cancel     -> settle
    reprice    -> authorize, reward
    adjust     -> dispatch, settle, reward, collect
    amend      -> dispatch
    returns    -> settle, reward, collect
    attend     -> settle, reward
    resend

A stage that ends an order's last hold wakes the one at which the order stands (``engine.stage.GOES_ON_AT``).

A new stage is one file in ``pipelines/stages`` and one entry here; its actor is made from this tuple.
"""

from __future__ import annotations

from models.store.mails import SEND as MAIL
from pipelines.engine.announce import KIND as EVENT
from pipelines.engine.stage import Stage
from pipelines.stages import (
    accept,
    adjust,
    amend,
    attend,
    authorize,
    cancel,
    collect,
    dispatch,
    notify,
    promote,
    pull_in,
    reprice,
    resend,
    returns,
    reward,
    settle,
    split,
)

ROUTE: tuple[Stage, ...] = (
    accept.STAGE,
    authorize.STAGE,
    split.STAGE,
    dispatch.STAGE,
    notify.STAGE,
    settle.STAGE,
    reward.STAGE,
    collect.STAGE,
    promote.STAGE,
    pull_in.STAGE,
    cancel.STAGE,
    reprice.STAGE,
    adjust.STAGE,
    amend.STAGE,
    returns.STAGE,
    attend.STAGE,
    resend.STAGE,
)

STAGES: dict[str, Stage] = {stage.name: stage for stage in ROUTE}

#: Which stage an event wakes; an event of any other type is kept for the operator.
WOKEN_BY: dict[str, str] = {event: stage.name for stage in ROUTE for event in stage.consumes}

#: Kinds of effect that are asked for: by stages, by whatever a decision says in mails, and by whatever storefronts hear of.
ASKED: frozenset[str] = frozenset({MAIL, EVENT, *(kind for stage in ROUTE for kind in stage.asks)})
