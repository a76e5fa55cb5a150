"""Bought (ご来店・お引き渡し): the customer came to the store and has the goods (STO-01)."""

from __future__ import annotations

from pipelines.orders.action import Action, Reason
from pipelines.orders.pickups import is_not_there
from pipelines.rules.explain import Sentence

ACTION = Action(
    name="pickup:bought",
    label=Sentence("店舗で引き渡した", "Bought at the store"),
    says=Sentence(
        "お客様がご来店になり、商品をお引き渡ししました。一部のみご購入の場合は、続けて返品として処理してください。",
        "The customer came and has the goods; where only some were bought, the others are then taken back as a return.",
    ),
    model=Reason,
    wakes="pickup.bought",
    stands=is_not_there,
)
