"""A return as it is looked at beforehand, and the answer: what the published schema shows, held true by a test."""

from __future__ import annotations

from typing import Any, Final

ASKED: Final[dict[str, Any]] = {
    "order": {
        "shop": "apparel",
        "number": "A-1001",
        "placed_at": "2026-11-01T10:00:00+09:00",
        "customer": {"id": "M-77", "name": "山田 花子", "email": "hanako@example.jp"},
        "ship_to": {
            "kind": "individual",
            "name": "山田 花子",
            "postal_code": "460-0008",
            "region": "愛知県",
            "city": "名古屋市中区",
            "line1": "栄1-2-3",
            "line2": "",
            "phone": "052-000-0000",
            "country": "JP",
        },
        "lines": [
            {"line": "1", "sku": "KNIT-M", "name": "ニット", "quantity": 2, "unit_price": 6000, "tax_rate": 10},
            {"line": "2", "sku": "TEE-M", "name": "Tシャツ", "quantity": 1, "unit_price": 4000, "tax_rate": 10},
        ],
        "coupons": [{"code": "AUTUMN", "kind": "amount", "value": 1000}],
        "payment": {"method": "card", "token": "tok_sample"},
    },
    "dispatched_at": "2026-11-02T15:00:00+09:00",
    "delivered_at": "2026-11-03T11:20:00+09:00",
    "asked_at": "2026-11-10T23:59:59+09:00",
    "lines": [{"line": "1", "quantity": 1, "reason": "unwanted", "condition": ["tried_on"]}],
}

ANSWERED: Final[dict[str, Any]] = {
    "lines": [
        {
            "line": "1",
            "quantity": 1,
            "reason": "unwanted",
            "allowed": True,
            "apply_by": "2026-11-10",
            "goods_by": None,
            "remedies": ["refund", "exchange"],
            "remedy": "refund",
            "cost_on": "customer",
            "approve": "automatic",
            "because": [
                {
                    "rule": "RET-02",
                    "says": "11月3日(火)(お届け日)の翌日から7日以内の11月10日(火)まで、お申し込みを承ります。",
                },
                {"rule": "RET-02", "says": "返送にかかる費用はお客様のご負担となります。"},
                {"rule": "CPN-04", "says": "クーポンは無効となり、割引額を返金額から差し引きます。"},
            ],
        }
    ],
    "refund": {"money": 5171, "points_returned": 0, "coupon_recovered": 1000, "fee": 0, "points_taken_back": 54},
    "problems": [],
}
