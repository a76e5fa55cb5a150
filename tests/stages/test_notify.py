"""Notify: what each kind of news does."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.changes.parcels import KINDS
from pipelines.engine.facts import EventFacts, Facts, LineFacts
from pipelines.shops import Shop
from pipelines.stages.notify import STAGE
from tests.rules.build import a_line, an_order, at, day, shop_with
from tests.stages.able import able_shop
from tests.stages.build import (
    NOW,
    but,
    decide,
    effects,
    endings,
    facts,
    goes_to,
    mails,
    moves,
    parcel,
    payment,
    reasons,
    shipment,
)
from tests.stages.news import HOUR, NUMBER, OTHER, instructed, news, on_its_way, parts, shipped, some
from tests.world import SHOPS


def called_off(*events: EventFacts) -> Facts:
    """A cancelled order whose supplier was asked not to ship."""
    asked = shipment(state="cancelled", lines={"1": LineFacts(1, 1, 0)}, call_off="requested")
    return instructed(
        *events, state="cancelled", condition="done", shipments=(asked,), payment=payment("voided", 1_760)
    )


@pytest.mark.parametrize(
    ("known", "moved", "sent", "held", "ending"),
    [
        (instructed(news("acknowledged")), ["shipment: instructed -> acknowledged"], [], [], "applied"),
        (
            instructed(news("refused", reason="sold out")),
            ["shipment: instructed -> refused", "condition: running -> held"],
            [],
            ["supplier_refused"],
            "applied",
        ),
        (instructed(news("delayed", expected_on="2026-12-01")), [], ["dispatch_delayed"], [], "applied"),
        (
            instructed(shipped()),
            ["shipment: instructed -> shipped", "order: released -> shipped"],
            ["shipment_shipped"],
            [],
            "applied",
        ),
        (
            on_its_way(news("tracking_corrected", when=NOW + HOUR, carrier="yamato", tracking_number=OTHER)),
            [],
            ["tracking_corrected"],
            [],
            "applied",
        ),
        (on_its_way(news("tracking_updated", status="out_for_delivery")), [], [], [], "applied"),
        (on_its_way(news("delivered")), ["order: shipped -> delivered"], ["order_delivered"], [], "applied"),
        (
            on_its_way(news("returned")),
            ["condition: running -> held", "order: shipped -> undelivered"],
            ["parcel_returned"],
            ["returned_undelivered"],
            "applied",
        ),
        (
            on_its_way(news("lost")),
            ["condition: running -> held", "order: shipped -> undelivered"],
            ["transit_accident"],
            ["transit_accident"],
            "applied",
        ),
        (
            instructed(news("short", lines=[{"line": "1", "quantity": 1}])),
            ["condition: running -> held"],
            [],
            ["supplier_short"],
            "applied",
        ),
        (called_off(news("cancel_accepted")), [], [], [], "applied"),
        (
            called_off(news("cancel_refused")),
            ["condition: done -> held"],
            [],
            ["cancel_refused"],
            "applied",
        ),
    ],
    ids=KINDS,
)
def test_every_kind_of_news(known: Facts, moved: list[str], sent: list[str], held: list[str], ending: str) -> None:
    """SPL-02, INT-13, RET-07, RET-08, TRK-05."""
    decision = decide(STAGE, known)
    assert (moves(decision), mails(decision), reasons(decision)) == (moved, sent, held)
    assert endings(decision) == {1: ending}


def test_the_first_parcel_takes_the_money_and_wakes_the_points() -> None:
    """PAY-06, PTS-05."""
    decision = decide(STAGE, instructed(shipped()))
    assert effects(decision) == [("payment.capture", "salon/N-1:capture")]
    assert decision.effects[0].payload == {"amount": 1_760}
    assert goes_to(decision) == ["reward", "notify"]


@pytest.mark.parametrize(
    ("policy", "part", "whole"),
    [("first_shipment_full", 1, 1), ("last_shipment_full", 0, 1)],
)
def test_when_a_parcel_captures(policy: str, part: int, whole: int) -> None:
    """SPL-04."""
    shop = shop_with("salon", **{"[payment]": f'[payment]\ncapture_policy = "{policy}"'})
    order = an_order("salon", a_line(quantity=3))
    known = but(parts(), document_text=facts(order).document_text)
    for pieces, captures in ((1, part), (3, whole)):
        decision = decide(STAGE, but(known, events=[shipped(**some(pieces))]), shop=shop)
        assert len(decision.effects) == captures


def test_where_each_shipment_captures_its_part_the_part_is_worked_out_next() -> None:
    """SPL-04."""
    shop = able_shop("salon", **{"[payment]": '[payment]\ncapture_policy = "per_shipment"\ngateways.card = "able"'})
    decision = decide(STAGE, instructed(shipped()), shop=shop)
    assert (effects(decision), goes_to(decision)) == ([], ["collect", "reward", "notify"])


@pytest.mark.parametrize("state", ["captured", "pending", "voided", "needs_review"])
def test_only_what_was_authorized_is_captured(state: str) -> None:
    """PAY-06, PAY-09, PAY-12."""
    assert effects(decide(STAGE, instructed(shipped(), payment=payment(state, 1_760)))) == []


def test_a_part_shipment_keeps_the_rest_open() -> None:
    """SPL-02: the mail lists this parcel, what went before and what is outstanding."""
    order = an_order("salon", a_line(quantity=3))
    known = but(
        parts(shipped(1, **some(1)), shipped(2, NOW + HOUR, OTHER, **some(1))), document_text=facts(order).document_text
    )
    decision = decide(STAGE, known)
    assert moves(decision) == ["shipment: instructed -> acknowledged", "order: released -> partly_shipped"]
    told = [
        {
            name: [(line["line"], line["quantity"]) for line in lines]
            for name, lines in mail.context.items()
            if "shipped_before" in name or name == "outstanding"
        }
        for mail in decision.mails
    ]
    assert told == [
        {"shipped_before": [], "outstanding": [("1", 1)]},
        {"shipped_before": [("1", 1)], "outstanding": [("1", 1)]},
    ]
    assert decision.line_shipped == {"1": 2}


NO_TRACKING = shop_with("salon", **{"[suppliers.warehouse]": "[suppliers.warehouse]\nno_tracking = true"})


@pytest.mark.parametrize(
    ("shop", "by"), [(NO_TRACKING, "yamato"), (SHOPS["salon"], "自社便")], ids=["supplier", "carrier"]
)
def test_a_parcel_without_a_number_is_told_where_it_may_have_none(shop: Shop, by: str) -> None:
    """TRK-01: the supplier's profile says so, or its carrier gives no numbers."""
    decision = decide(STAGE, instructed(shipped(tracking=None, carrier=by)), shop=shop)
    assert mails(decision) == ["shipment_shipped"]
    assert decision.mails[0].context["parcel"]["tracking_number"] is None


@pytest.mark.parametrize(
    ("rule", "shop", "body"),
    [
        ("TRK-03", "reuse", {"tracking": NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)}),
        ("TRK-03", "reuse", {"carrier": "sagawa"}),
        ("TRK-03", "reuse", {"carrier": "自社便", "tracking": None}),
        ("TRK-01", "salon", {"tracking": None}),
        ("SPL-02", "salon", {"lines": [{"line": "9", "quantity": 1}]}),
        ("SPL-02", "salon", {"lines": [{"line": "1", "quantity": 2}]}),
        ("TRK-05", "salon", {"shipped_at": "2026-11-19T10:00:00+09:00"}),
    ],
    ids=[
        "check digit",
        "not the shop's carrier",
        "not the shop's carrier, without a number",
        "no number",
        "unknown line",
        "too many pieces",
        "left before it was ordered",
    ],
)
def test_news_that_cannot_be_right_goes_to_the_operator_and_to_nobody_else(
    rule: str, shop: str, body: dict[str, Any]
) -> None:
    decision = decide(STAGE, instructed(shipped(**body), shop=shop))
    assert endings(decision) == {1: "quarantined"}, rule
    assert (decision.moves, decision.mails, decision.effects, decision.parcels) == ([], [], [], {})


def test_the_same_parcel_again_does_nothing() -> None:
    """TRK-05: under a new event id, also by the number it was corrected to."""
    known = parcel(key=NUMBER, tracking_number=OTHER)
    decision = decide(STAGE, on_its_way(shipped(1), shipped(2, tracking=OTHER), parcels=(known,)))
    assert endings(decision) == {1: "ignored", 2: "ignored"}
    assert (decision.mails, decision.effects, decision.moves) == ([], [], [])


def test_an_older_correction_changes_nothing() -> None:
    """TRK-05."""
    decision = decide(STAGE, on_its_way(news("tracking_corrected", when=NOW - HOUR, tracking_number=OTHER)))
    assert (endings(decision), decision.parcels) == ({1: "ignored"}, {})


@pytest.mark.parametrize("type_", ["tracking_updated", "delivered", "returned", "lost", "tracking_corrected"])
@pytest.mark.parametrize("named", [None, OTHER])
def test_news_of_a_parcel_that_is_not_known_yet_waits(type_: str, named: str | None) -> None:
    """It is neither applied nor dropped, and never taken for another parcel's."""
    body: dict[str, Any] = {
        "status": "in_transit",
        "previous_tracking_number" if "corrected" in type_ else "tracking_number": named,
    }
    known = instructed(news(type_, **body)) if named is None else on_its_way(news(type_, **body))
    decision = decide(STAGE, known)
    assert (decision.events, decision.parcels, decision.moves) == ([], {}, [])


@pytest.mark.parametrize(
    ("status", "ending", "kept"),
    [
        ("teleported", "quarantined", None),
        ("お問い合わせ番号が見つかりません", "quarantined", None),
        ("伝票番号誤り", "quarantined", None),
        ("持戻（住所不明）", "applied", "address_problem"),
        ("持戻（受取ご辞退）", "applied", "refused"),
        ("damaged", "applied", "damaged"),
        ("伝票番号発行", "ignored", None),
        ("持戻（ご不在）", "applied", "attempt_failed"),
        ("配達完了", "applied", "delivered"),
    ],
    ids=[
        "nobody's word",
        "another carrier's word",
        "a word that asks for a human",
        "no such address",
        "refused by the customer",
        "damaged",
        "only a label",
        "not at home",
        "delivered",
    ],
)
def test_a_status_may_be_the_carriers_own_word(status: str, ending: str, kept: str | None) -> None:
    """B.4.3: what is unknown, or says that the number is none, goes to the operator and is never guessed."""
    decision = decide(STAGE, on_its_way(news("tracking_updated", status=status)))
    assert endings(decision) == {1: ending}
    assert [parcel.tracking_status for parcel in decision.parcels.values()] == ([kept] if kept else [])


@pytest.mark.parametrize("spelling", ["ヤマト運輸", "Yamato (JA)", "宅急便"])
def test_a_carrier_is_kept_by_its_one_name(spelling: str) -> None:
    decision = decide(STAGE, instructed(news("shipped", carrier=spelling, tracking_number=" 4444-1375-8703 ")))
    assert [(p.carrier, p.tracking_number) for p in decision.parcels.values()] == [("yamato", "444413758703")]


def test_goods_that_left_after_the_cancel_are_a_humans_matter() -> None:
    """CAN-03: no mail of joy, no capture; the hold says what happened."""
    known = instructed(
        shipped(),
        state="cancelled",
        condition="done",
        shipments=(shipment(state="instructed"),),
        payment=payment("voided", 1_760),
    )
    decision = decide(STAGE, known)
    assert (reasons(decision), effects(decision), decision.state) == (["shipped_after_cancel"], [], "cancelled")


def test_a_returned_parcel_is_remembered_against_the_customer() -> None:
    """INT-14, RET-08: once a shipment."""
    assert decide(STAGE, on_its_way(news("returned"))).marks == [("undelivered_returns", "SH-1:returned")]


def test_a_delay_without_a_date_promises_nothing_any_more() -> None:
    """The reason given before it is replaced, the reasons of the plan stay."""
    because = ({"rule": "cutoff", "says": "."}, {"rule": "supplier_delay", "says": "."})
    decision = decide(STAGE, instructed(news("delayed"), shipments=(shipment(state="instructed", because=because),)))
    change = decision.shipments["SH-1"]
    assert (change.plan_as_of, change.dispatch_on) == (NOW, None)
    assert [b["rule"] for b in change.because or ()] == ["cutoff", "supplier_delay"]


@pytest.mark.parametrize(
    ("promised", "expected", "change", "arrives"),
    [
        ("2026-11-20", "2026-11-26", "later", "2026-11-27"),
        (None, "2026-11-26", "dated", "2026-11-27"),
        ("2026-11-30", "2026-11-26", "sooner", "2026-11-27"),
        ("2026-11-20", None, "later", None),
        ("2026-11-26", "2026-11-26", None, "2026-11-27"),
        (None, None, None, None),
    ],
)
def test_a_new_day_is_told_for_what_it_is(
    promised: str | None, expected: str | None, change: str | None, arrives: str | None
) -> None:
    """CUT-01: a first day is no delay, what does not change is not told, and the arrival follows the dispatch."""
    one = shipment(state="instructed", dispatch_on=promised and day(promised), arrive_on=day("2026-11-21"))
    decision = decide(STAGE, instructed(news("delayed", expected_on=expected), shipments=(one,)))
    assert decision.shipments["SH-1"].arrive_on == (arrives and day(arrives))
    assert [(mail.context["change"], mail.context["shipment"]["arrive_on"]) for mail in decision.mails] == (
        [(change, arrives and day(arrives))] if change else []
    )


@pytest.mark.parametrize(("left_on", "arrives"), [("2026-11-20", "2026-11-25"), ("2026-11-24", "2026-11-25")])
def test_a_parcel_that_leaves_on_another_day_arrives_on_another(left_on: str, arrives: str) -> None:
    """As planned where it left as planned (here to a wish), else as long after as it travels (B.4.6)."""
    planned = shipment(state="instructed", dispatch_on=day("2026-11-20"), arrive_on=day("2026-11-25"))
    event = news("shipped", tracking_number=NUMBER, carrier="yamato", shipped_at=f"{left_on}T10:00:00+09:00")
    (mail,) = decide(STAGE, instructed(event, shipments=(planned,)), now=at("2026-11-24 18:00")).mails
    assert mail.context["parcel"]["arrive_on"] == day(arrives)
