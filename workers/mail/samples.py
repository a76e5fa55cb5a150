"""A realistic intent for every mail: what the tests render, what the boot check renders, what a designer looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from models.states import HoldReason
from pipelines.carriers import carrier
from pipelines.gateway import BuyerMust, BuyerStep
from pipelines.ports import MailIntent
from pipelines.rules.hold_kinds import KINDS

Context = Mapping[str, Any]

_TOKYO: Final = ZoneInfo("Asia/Tokyo")
_SHIPMENT: Final = "SH-S-1001-1"
_SHAMPOO: Final = {"line": "1", "sku": "SHAMPOO-1L", "name": "シャンプー 1L"}
_COLOR: Final = {"line": "2", "sku": "COLOR-6N", "name": "ヘアカラー 6N ナチュラルブラウン"}
_TOWEL: Final = {"line": "3", "sku": "TOWEL-10", "name": "業務用フェイスタオル 10枚組"}

_PRICED: Final = (
    {**_SHAMPOO, "quantity": 4, "unit_price": 3300, "amount": 13200},
    {**_COLOR, "quantity": 2, "unit_price": 880, "amount": 1760},
    {**_TOWEL, "quantity": 1, "unit_price": 2400, "amount": 2400},
)
_IN_PARCEL: Final = ({**_SHAMPOO, "quantity": 4}, {**_COLOR, "quantity": 2})
_FROM_MAKER: Final = ({**_TOWEL, "quantity": 1},)
_CUSTOMER: Final = {"name": "髙橋 﨑子"}
_SHIP_TO: Final = {
    "kind": "organisation",
    "name": "サロン髙橋",
    "postal_code": "460-0008",
    "region": "愛知県",
    "city": "名古屋市中区",
    "line1": "栄1-2-3",
    "line2": "栄ビル 4階",
    "phone": "052-000-0000",
}
_SHOP: Final = {
    "key": "salon",
    "name": "サロンサプライ",
    "name_en": "Salon Supply",
    "support_mail": "support@salon.example",
    "support_phone": "0120-000-000",
    "support_hours": "10:00-17:00",
    "site_url": "https://salon.example/",
    "support_tel": "0120000000",
    "mail_from": "orders@salon.example",
    "mail_from_name": "",
    "mail_domain": "salon.example",
    "reply_to": "support@salon.example",
    "colour": "#0b57a4",
    "logo_url": "",
}
_TO_SUPPLIERS: Final = {**_SHOP, "support_mail": "operations@salon.example", "reply_to": "operations@salon.example"}
_BANK: Final = {
    "bank": "みほん銀行",
    "branch": "名古屋支店",
    "kind": "普通",
    "number": "0123456",
    "holder": "サロンサプライ(カ",
}
_TOTALS: Final = {
    "goods": 17360,
    "member_discount": 0,
    "coupon_discount": 500,
    "shipping": 0,
    "fees": 0,
    "tax": [{"rate": 10, "base": 16860, "tax": 1686}],
    "tax_total": 1686,
    "before_points": 18546,
    "points_used": 300,
    "points_deducted": 0,
    "goodwill": 0,
    "waived": 0,
    "grand_total": 18246,
    "price_display": "ex_tax",
    "is_exchange": False,
}
_WITHOUT_TOWEL: Final = {
    **_TOTALS,
    "goods": 14960,
    "tax": [{"rate": 10, "base": 14460, "tax": 1446}],
    "tax_total": 1446,
    "before_points": 15906,
    "grand_total": 15606,
}
_PARCEL: Final = {
    "id": _SHIPMENT,
    "carrier": "yamato",
    "tracking_number": "444413758703",
    "tracking_url": "https://tracking.example/444413758703",
    "shipped_on": date(2026, 11, 20),
    "arrive_on": date(2026, 11, 22),
    "slot": "14-16",
    "lines": _IN_PARCEL,
}
_SUPPLIER_SHIPMENT: Final = {"id": _SHIPMENT, "dispatch_on": date(2026, 11, 20), "lines": _IN_PARCEL}

_SAYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ja": {
        "cutoff": "15時までのご注文のため、当日の出荷を予定しております。",
        "backorder": "お取り寄せ商品のため、入荷後の出荷となります。",
        "hold": KINDS[HoldReason.COUPONS_IN_REMARKS].tells.ja,
        "day": "11月22日(日)",
        "request": "ご希望のお届け日11月22日(日)には間に合いません。最短のお届けは11月24日(火)の予定です。",
        "wish": {"says": "ラッピングをお願いします", "because": "ギフト包装は承っておりません。"},
        "delay": "メーカーからの入荷が遅れております。",
        "short": "メーカーで生産が終了しておりました。",
        "refused": "開封された商品のため、お受けできません。",
        "store": "みほん商店 丸の内店",
        "supplier": "お客様のご依頼によるキャンセルのため",
    },
    "en": {
        "cutoff": "Ordered by 15:00, so it is planned to leave the same day.",
        "backorder": "This item is ordered from its maker and leaves once it has come in.",
        "hold": KINDS[HoldReason.COUPONS_IN_REMARKS].tells.en,
        "day": "Sun 22 Nov 2026",
        "request": "The desired Sun 22 Nov 2026 cannot be met; the earliest arrival is Tue 24 Nov 2026.",
        "wish": {"says": "Gift wrapping, please", "because": "Gift wrapping is not available."},
        "delay": "The maker delivers to us later than announced.",
        "short": "The maker has ended its production.",
        "refused": "The goods have been opened.",
        "store": "Mihon Shop Marunouchi",
        "supplier": "The customer cancelled the order.",
    },
}


def _order(method: str = "card", *, pay_by: date | None = None) -> dict[str, Any]:
    return {
        "now": datetime(2026, 11, 20, 15, 45, tzinfo=_TOKYO),
        "shop": _SHOP,
        "order": {"number": "S-1001", "placed_at": datetime(2026, 11, 20, 14, 59, 30, tzinfo=_TOKYO)},
        "customer": _CUSTOMER,
        "ship_to": _SHIP_TO,
        "lines": _PRICED,
        "totals": _TOTALS,
        "points": {"used": 300, "earned": 168},
        "payment": {"method": method, "amount": 18246, "pay_by": pay_by},
        "wish": None,
        "pickup": None,
        "order_url": "https://salon.example/orders/S-1001",
        "collect": {"amount": 18246, "days": 7} if method == "cod" else None,
    }


def _returned(state: str, **told: object) -> dict[str, Any]:
    nothing: dict[str, object] = {"goods_by": None, "answer": "", "replacement": None, "given": None}
    return {
        "id": "RT-7K2MQX9D4HPA5LWE",
        "state": state,
        "remedy": "refund",
        "lines": _FROM_MAKER,
        "because": (),
        "cost_on": "customer",
        "answer_by": date(2026, 11, 23),
        "address": "〒460-0008 愛知県名古屋市中区栄1-1-1 サロンサプライ返品係",
        "asks_address": False,
        **nothing,
        **told,
    }


def _for_supplier(**extra: object) -> dict[str, Any]:
    order = _order()
    kept = {**{key: order[key] for key in ("now", "order", "ship_to")}, "shop": _TO_SUPPLIERS}
    told = {
        "supplier": "みほん化粧品",
        "passed_on": False,
        "replaces": False,
        "page": "https://orders.shop.example/s/sample",
        "tells_address": True,
        "collect": {"amount": 18246, "tax": 1658},
    }
    wished = {
        "delivery": {"date": date(2026, 11, 22), "slot": "14-16"},
        "instructions": ["コマ詰めをお願いします。手首周り 16cm"],
    }
    return {**kept, **told, "shipment": _SUPPLIER_SHIPMENT, **wished, **extra}


def _shipments(says: Mapping[str, Any]) -> Sequence[Context]:
    return (
        {
            "id": _SHIPMENT,
            "supplier": "warehouse",
            "lines": _IN_PARCEL,
            "dispatch_on": date(2026, 11, 20),
            "arrive_on": date(2026, 11, 21),
            "because": [{"rule": "cutoff", "says": says["cutoff"]}],
        },
        {
            "id": "SH-S-1001-2",
            "supplier": "mihon",
            "lines": _FROM_MAKER,
            "dispatch_on": None,
            "arrive_on": None,
            "because": [{"rule": "backorder", "says": says["backorder"]}],
        },
    )


def _contexts(says: Mapping[str, Any], carrier_name: str) -> Mapping[str, Context]:
    due = date(2026, 11, 27)
    transfer = _order("bank_transfer", pay_by=due)
    to_account = BuyerMust(BuyerStep.TRANSFER, account=_BANK).to_mail()
    wished = {"wish": {"day": says["day"], "slot": "14-16"}}
    parcel = {
        "parcel": {**_PARCEL, "carrier_name": carrier_name},
        "shipped_before": (),
        "outstanding": _FROM_MAKER,
    }
    store = {"store": says["store"], "phone": "050-0000-0031", "visit_on": date(2026, 11, 28), "by_store": True}
    no_points = {"used": 0, "earned": 0}
    return {
        "order_accepted": {**_order(), **wished, "shipments": _shipments(says), "repriced": False},
        "payment_instructions": {**transfer, "buyer": to_account},
        "payment_reminder": {**transfer, "buyer": to_account},
        "payment_received": transfer,
        "order_reopened": transfer,
        "payment_failed": {**_order(), "refused_card": None, "points_back": 300},
        "authorization_not_renewed": {**_order(), "until": due},
        "deposit_differs": {
            **transfer,
            "deposit": {"amount": 18000, "due": 18246, "missing": 246, "beyond": 0},
            "pay_by": due,
            "buyer": to_account,
        },
        "refund_account_needed": {
            **_order(),
            "refund": {"amount": 18246, "method": "bank_transfer"},
            "link": {
                "path": "/r/",
                "purpose": "refund_account",
                "subject": "salon/S-1001",
                "until": datetime(2027, 1, 19, 15, 45, tzinfo=_TOKYO),
            },
        },
        "receipt_ready": {**_order(), "receipt": {"number": "SALON-R-000123"}},
        "order_held": {**_order(), "reasons": [says["hold"]]},
        "request_not_met": {
            **_order(),
            "request": {"date": date(2026, 11, 22), "slot": "14-16"},
            "reason": says["request"],
            "asks": False,
        },
        "not_offered": {**_order(), "wishes": [says["wish"]], "reply_days": 3},
        "order_short": {
            **_order(),
            "lines": _PRICED[:2],
            "totals": _WITHOUT_TOWEL,
            "short_lines": _FROM_MAKER,
            "wished": False,
            "bill": None,
            "collected": {"amount": 20_400, "back": 2_640},
        },
        "dispatch_planned": {**_order(), **wished, "shipments": _shipments(says)},
        "address_changed": {**_order(), "shipments": _shipments(says)},
        "dispatch_delayed": {
            **_order(),
            "shipment": {**_SUPPLIER_SHIPMENT, "expected_on": date(2026, 11, 26), "arrive_on": date(2026, 11, 27)},
            "change": "later",
            "reason": says["delay"],
        },
        "shipment_shipped": {**_order("cod"), **parcel},
        "tracking_corrected": {**_order(), **parcel},
        "order_delivered": {**_order(), **parcel, "shipped_before": _FROM_MAKER, "outstanding": ()},
        "parcel_returned": {**_order(), **parcel},
        "transit_accident": {**_order(), **parcel},
        "parcel_waiting": {**_order(), **parcel, "waiting": "held", "receive_by": due},
        "cod_unclaimed": {**_order("cod"), **parcel, "receive_by": due},
        "pickup_ready": {**_order(), "pickup": store, "visit_on": date(2026, 11, 28), "keep_until": date(2026, 12, 5)},
        "pickup_reminder": {
            **_order(),
            "pickup": store,
            "visit_on": date(2026, 11, 28),
            "keep_until": date(2026, 12, 5),
        },
        "order_cancelled": {
            **_order(),
            "reason": "out_of_stock",
            "says": says["short"],
            "points_back": 300,
            "bill": None,
        },
        "refund_done": {
            **_order(),
            "refund": {"amount": 2640, "method": "card", "bill": None},
            "changed": True,
            "lines": _PRICED[:2],
            "totals": _WITHOUT_TOWEL,
        },
        "return_accepted": {**_order(), "returned": _returned("requested")},
        "return_refused": {**_order(), "returned": _returned("refused", answer=says["refused"])},
        "return_goods_awaited": {**_order(), "returned": _returned("awaiting_goods", goods_by=due)},
        "return_received": {**_order(), "returned": _returned("received")},
        "return_finished": {
            **_order(),
            "returned": _returned("refunded", given={"money": 2640, "points": 300, "method": "card", "bill": None}),
        },
        "return_open_again": {
            **_order(),
            "returned": _returned("inspected", replacement="S-1001-R1", lost=False, came_back=False),
        },
        "points_activated": {
            **_order(),
            "points": {**no_points, "amount": 168, "balance": 1270, "expires_on": date(2027, 11, 20)},
        },
        "points_expiring": {
            **_order(),
            "order_url": None,
            "points": {**no_points, "amount": 168, "expires_on": due, "days": 7},
        },
        "rank_up": {**_order(), "rank": {"old": "Regular", "new": "Silver", "from_on": date(2027, 1, 1)}},
        "coupon_issued": {
            **_order(),
            "order_url": None,
            "coupon": {"code": "THX-7K2M-QX9D-4HPA", "points": 3000, "expires_on": date(2027, 5, 31)},
        },
        "supplier_instruction": _for_supplier(),
        "supplier_overdue": _for_supplier(due_on=date(2026, 11, 20)),
        "store_notice": {
            **{key: _order()[key] for key in ("now", "order", "customer")},
            "shop": _TO_SUPPLIERS,
            "supplier": says["store"],
            "passed_on": False,
            "lines": _PRICED[:1],
            "what": "send_back",
            "visit_on": date(2026, 11, 28),
            "return_to": "〒460-0003 愛知県名古屋市中区錦1-2-3 サロンサプライ",
        },
        "supplier_cancel": _for_supplier(reason=says["supplier"]),
        "supplier_return": _for_supplier(kept_at="〒460-0008 愛知県名古屋市中区栄1-2-3"),
    }


_CONTEXTS: Final = MappingProxyType(
    {locale: _contexts(says, carrier("yamato").called(locale)) for locale, says in _SAYS.items()}
)
TEMPLATES: Final = frozenset(_CONTEXTS["ja"])
_ABOUT_A_SHIPMENT: Final = frozenset(
    {"dispatch_delayed", "shipment_shipped", "tracking_corrected", "order_delivered", "cod_unclaimed", "parcel_waiting"}
    | {"parcel_returned", "transit_accident"}
    | {"supplier_instruction", "supplier_overdue", "supplier_cancel", "supplier_return"}
)


def of_shop(intent: MailIntent, said: Mapping[str, Any]) -> MailIntent:
    """``intent`` from the shop of which ``said`` tells; what it leaves out stays the sample's."""
    return replace(intent, context={**intent.context, "shop": {**intent.context["shop"], **said}})


def sample(template: str, locale: str) -> MailIntent:
    """The sample of ``template`` in ``locale`` ("ja" or "en"). Raises KeyError if there is none."""
    context = _CONTEXTS[locale][template]
    to_supplier = "supplier" in context
    return MailIntent(
        template=template,
        to="shipping@mihon.example" if to_supplier else "takahashi@example.jp",
        to_name=context["supplier"] if to_supplier else context["customer"]["name"],
        locale=locale,
        context=context,
        subject_key=_SHIPMENT if template in _ABOUT_A_SHIPMENT else "",
        shipment=_SHIPMENT if template in _ABOUT_A_SHIPMENT else None,
    )
