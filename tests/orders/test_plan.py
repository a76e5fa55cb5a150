"""The preview of whole orders: the contract's example, and what assumptions change."""

import copy
from typing import Any

import pytest

from pipelines.errors import Invalid
from pipelines.orders.plan import preview
from tests.contract import EXAMPLE, PLAN
from tests.rules.build import SHOPS, shop_with


def order(shop: str, **changes: Any) -> dict[str, Any]:
    """A small order of 10,000 yen at ``shop``."""
    document = copy.deepcopy(EXAMPLE)
    document |= {"shop": shop, "coupons": [], "totals": {}, "placed_at": "2026-11-20T10:00:00+09:00"}
    document["lines"][0] |= {"quantity": 1, "unit_price": 10_000}
    return {**document, **changes}


def planned(raw: dict[str, Any]) -> dict[str, Any]:
    return preview(raw, SHOPS)


def test_the_contracts_example() -> None:
    answer = planned(EXAMPLE)
    because = answer["shipments"][0].pop("because")
    assert because[0]["rule"] == "cutoff"
    assert (answer.pop("warnings"), answer.pop("instructions")) == ([], [])
    spread = answer.pop("breakdown")
    assert [coupon["by_line"] for coupon in spread["coupons"]] == [[500]]
    assert [(line["net"], line["tax"], line["gross"]) for line in spread["lines"]] == [(12_700, 1_270, 13_970)]
    assert answer == PLAN


def test_a_bank_transfer_promises_nothing_until_it_is_paid() -> None:
    """PAY-07."""
    raw = order("salon", payment={"method": "bank_transfer"})
    waiting = planned(raw)
    assert waiting["payment"] == {
        "method": "bank_transfer",
        "gateway": None,
        "fee": 0,
        "release_when": "paid",
        "pay_by": "2026-11-27",
        "remind_at": "2026-11-25T10:00:00+09:00",
        "cancel_at": "2026-11-28T00:00:00+09:00",
    }
    assert waiting["mails"] == ["order_accepted", "payment_instructions"]
    assert waiting["shipments"][0]["dispatch_on"] is None
    assert waiting["shipments"][0]["because"][0]["rule"] == "payment"
    paid = planned({**raw, "assume": {"paid_at": "2026-11-24T15:00:01+09:00"}})
    assert paid["shipments"][0]["dispatch_on"] == "2026-11-25"


def test_a_loan_shows_its_last_day() -> None:
    """PAY-10."""
    answer = planned(order("reuse", payment={"method": "loan"}, placed_at="2026-09-17T10:00:00+09:00"))
    assert (answer["payment"]["pay_by"], answer["payment"]["cancel_at"]) == ("2026-09-24", "2026-09-25T00:00:00+09:00")


@pytest.mark.parametrize("method", ["card", "bank_transfer"])
def test_points_that_pay_everything_leave_nothing_to_wait_for(method: str) -> None:
    """PAY-13."""
    raw = order("salon", payment={"method": method}, points={"use": "all"}, assume={"points_balance": 99_999})
    answer = planned(raw)
    assert answer["totals"]["grand_total"] == 0
    asks_nobody = dict.fromkeys(("gateway", "pay_by", "remind_at", "cancel_at"))
    assert answer["payment"] == {"method": "none", "fee": 0, "release_when": "at_once", **asks_nobody}
    assert answer["shipments"][0]["dispatch_on"] == "2026-11-20"
    assert answer["mails"] == ["order_accepted"]
    assert answer["problems"] == []


@pytest.mark.parametrize(
    ("assumed", "refused"),
    [({}, []), ({"now": "2026-11-20T09:50:00+09:00"}, []), ({"now": "2026-11-20T09:49:59+09:00"}, ["placed_at"])],
)
def test_an_order_is_placed_in_the_future_of_an_assumed_now_alone(assumed: dict[str, str], refused: list[str]) -> None:
    """Without one, the order's own time is now."""
    answer = planned(order("salon", assume=assumed))
    assert [problem["field"] for problem in answer["problems"]] == refused


def test_what_looks_wrong_and_is_taken_is_a_warning() -> None:
    """INT-02, B.9.4: an address that needs quotes, a postal code of another prefecture."""
    raw = order("salon")
    raw["customer"]["email"] = "user..name@docomo.ne.jp"
    raw["ship_to"] |= {"postal_code": "〒100 0001", "region": "JP-23"}
    answer = planned(raw)
    assert answer["problems"] == []
    assert [(one["field"], one["rule"]) for one in answer["warnings"]] == [
        ("customer.email", "nonconforming"),
        ("ship_to.postal_code", "other_prefecture"),
    ]
    assert all(one["says"].endswith(".") for one in answer["warnings"])


def test_the_assumed_rank_earns() -> None:
    answer = planned(order("salon", assume={"rank": "VIP"}))
    assert answer["points"] == {
        "earned": 500,
        "by_line": [{"line": "1", "rate": "0.05", "base": 10_000, "points": 500}],
    }


def test_makers_send_their_own_shipments() -> None:
    """SPL-01, SPL-03."""
    raw = order("clinic")
    (line,) = raw["lines"]
    raw["lines"] = [
        {**line, "line": "1", "supplier": "maker-a"},
        {**line, "line": "2"},
        {**line, "line": "3", "supplier": "maker-a", "availability": "backorder"},
    ]
    shipments = planned(raw)["shipments"]
    assert [(one["supplier"], one["dispatch_on"]) for one in shipments] == [
        ("maker-a", "2026-11-20"),
        ("warehouse", "2026-11-20"),
        ("maker-a", None),
    ]


def test_a_hold_is_mailed_and_explained() -> None:
    answer = planned(order("salon", remarks="クーポン：AUTUMN、WINTER"))
    assert answer["mails"] == ["order_accepted", "order_held"]
    assert answer["holds"][0]["reason"] == "coupons_in_remarks"
    assert "クーポン" in answer["holds"][0]["says"]


def test_the_instructions_of_the_remarks_are_shown() -> None:
    """INT-16: what was read, for whom, and what a person has to read."""
    answer = planned(order("reuse", remarks="11/28午前中着希望、コマ詰め 手首周り16cm、ラッピング希望。裏口へ"))
    assert [(one["kind"], one["says"], one["for"], one["value"]) for one in answer["instructions"]] == [
        ("desired_date", "11/28午前中着希望", "supplier", "2026-11-28"),
        ("desired_slot", "11/28午前中着希望", "supplier", "AM"),
        ("work_order", "コマ詰め 手首周り16cm", "supplier", None),
        ("not_offered", "ラッピング希望", "customer", "gift_wrapping"),
        ("unread", "裏口へ", "operator", None),
    ]
    assert answer["holds"] == [{"reason": "needs_human", "says": "備考欄の内容を確認します: 「裏口へ」"}]
    assert answer["mails"] == ["order_accepted", "order_held", "not_offered"]
    assert answer["shipments"][0]["arrive_on"] == "2026-11-28"


@pytest.mark.parametrize(
    ("requests", "mails", "holds"),
    [
        ("clear", ["order_accepted", "request_not_met"], []),
        ("strict", ["order_accepted", "order_held", "request_not_met"], ["request_not_met"]),
        ("best_effort", ["order_accepted"], []),
    ],
)
def test_a_date_that_cannot_be_met(requests: str, mails: list[str], holds: list[str]) -> None:
    """DLV-04."""
    shop = shop_with("reuse", **{"[delivery]": f'[delivery]\nrequests = "{requests}"'})
    answer = preview(order("reuse", delivery={"date": "2026-11-20"}), {"reuse": shop})
    assert answer["mails"] == mails
    assert [hold["reason"] for hold in answer["holds"]] == holds
    assert answer["problems"] == []


def test_what_the_shop_refuses_is_a_problem_in_a_complete_answer() -> None:
    answer = planned(order("clinic", payment={"method": "direct_debit"}, totals={"grand_total": 1}))
    assert [one["field"] for one in answer["problems"]] == ["payment.method", "totals.grand_total"]
    assert answer["shipments"][0]["dispatch_on"] == "2026-11-20"


def test_an_order_looked_at_later_is_planned_from_then() -> None:
    answer = planned(order("salon", assume={"now": "2026-11-25T09:00:00+09:00"}))
    assert answer["shipments"][0]["dispatch_on"] == "2026-11-25"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (order("nowhere"), "shop"),
        (order("salon", assume={"rank": "PLATINUM"}), "assume.rank"),
        (order("salon", assume={"balance": 1}), "assume.balance"),
        (order("salon", colour="red"), "colour"),
        ([], "order"),
    ],
)
def test_what_is_no_order_is_invalid(raw: object, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        preview(raw, SHOPS)
    assert [problem.field for problem in caught.value.problems] == [field]


@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("shop", sorted(SHOPS))
def test_every_sentence_is_in_the_orders_language(shop: str, locale: str) -> None:
    raw = order(shop, locale=locale, remarks="??? abc", placed_at="2026-11-20T16:00:00+09:00")
    raw["ship_to"]["region"] = "Aichi"
    answer = planned(raw)
    sentences = [reason["says"] for one in answer["shipments"] for reason in one["because"]]
    sentences += [hold["says"] for hold in answer["holds"]]
    assert sentences
    assert all(sentence.isascii() == (locale == "en") for sentence in sentences)
