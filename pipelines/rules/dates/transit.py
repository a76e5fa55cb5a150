"""Days a parcel is under way: the default table for dispatch from Tokyo (B.4.6)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from pipelines.rules.explain import Because, because
from pipelines.values.prefecture import prefecture, prefecture_in

if TYPE_CHECKING:
    from pipelines.shops import Shop

_TWO_DAYS: Final = frozenset(
    {"北海道", "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県"}
    | {"高知県", "福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県"}
)
_THREE_DAYS: Final = frozenset({"沖縄県"})
_UNKNOWN_REGION_DAYS: Final = 3


def transit_days(region: str, shop: Shop) -> int:
    """Days from dispatch to arrival in ``region``: the shop's table, else the default; 3 for an unknown region."""
    name = prefecture(region)
    if name is None:
        return _UNKNOWN_REGION_DAYS
    if (own := shop.delivery.transit_days.get(name)) is not None:
        return own
    if name in _THREE_DAYS:
        return 3
    return 2 if name in _TWO_DAYS else 1


def arrives_on(dispatch_on: date, region: str, shop: Shop, not_before: date | None = None) -> date:
    """When goods that leave on ``dispatch_on`` for ``region`` should arrive; ``not_before``: the first day that the customer
    wishes for (CUT-04)."""
    soonest = dispatch_on + timedelta(days=transit_days(region, shop))
    return soonest if not_before is None else max(soonest, not_before)


def way_there(region: str, shop: Shop, locale: str) -> Because:
    """How long goods are under way to ``region``, for whoever reads ``locale``: however a storefront spells it, they read its name."""
    return because("transit", locale, region=prefecture_in(region, locale), days=transit_days(region, shop))
