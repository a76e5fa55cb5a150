"""Whatever a gateway says of a payment, in whatever order and however often: the books come to rest, and what needs a look has had it.

What the gateway answered is read again at every look at the order, and KOMOJU, PayPay and GMO name one moment for all they say until the
payment moves (gateways.md 3.3, 5.3): a look without news changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.states import HoldReason
from pipelines.engine.decision import Decision
from pipelines.engine.facts import EffectFacts, EventFacts
from pipelines.engine.stage import Stage
from pipelines.gateway import STANDS, Snapshot
from pipelines.orders.actions.release import ACTION as RELEASE
from pipelines.stages import attend, settle
from tests.stages.build import NOW, but, decide, effect, effects, facts, moves, payment, snapshot, stands

TOTAL = 1_000
DOUBT = snapshot("needs_review", TOTAL)


class Life:
    """An order paid by card, authorized at ``NOW``, with what becomes of it."""

    def __init__(self, state: str = "shipped", **asked: str) -> None:
        """``asked``: further effects by their key, with their kind, which are under way, each over its share."""
        self._numbers = count(1)
        known = {"authorize": effect("payment.authorize", "authorize", "done", stands("authorized", TOTAL))}
        share = TOTAL // max(1, list(asked.values()).count("capture"))
        under_way = {key: effect(f"payment.{kind}", key, "pending", amount=share) for key, kind in asked.items()}
        paid = payment("authorized", TOTAL)
        self.known = facts(state=state, payment=paid, grand_total=TOTAL, effects=known | under_way)

    def look(self, stage: Stage = settle.STAGE, *events: EventFacts) -> Decision:
        """The stage looks at the order, and what it decides is kept."""
        known = but(self.known, events=events)
        made = decide(stage, known)
        closed = {one.id for one in made.closed_holds}
        opened = [replace(one.hold, id=next(self._numbers)) for one in made.opened_holds]
        asked = {
            one.key: EffectFacts(one.key, one.kind, one.shipment, one.payload, "pending", None) for one in made.effects
        }
        self.known = but(
            known,
            events=(),
            payment=made.payment.after(known.payment) if made.payment else known.payment,
            holds=(*(one for one in known.holds if one.id not in closed), *opened),
            effects=dict(known.effects) | {key: one for key, one in asked.items() if key not in known.effects},
            condition=made.condition or known.condition,
            state=made.order_state or known.state,
        )
        return made

    def told(self, says: Snapshot) -> None:
        """A notice that the payment stands so."""
        number = next(self._numbers)
        body = {"snapshot": says.to_json()}
        self.look(settle.STAGE, EventFacts(number, "gateway:sandbox", f"n-{number}", STANDS, None, body, NOW))

    def answered(self, key: str, says: Snapshot | None) -> None:
        """What became of an effect; None: nobody knows."""
        ended = (
            {"state": "done", "outcome": {"data": {"snapshot": says.to_json()}}} if says else {"state": "needs_review"}
        )
        known = self.known.effects
        self.known = but(self.known, effects={**known, key: known[key]._replace(**ended)})
        self.look()

    def release(self) -> None:
        number = next(self._numbers)
        self.look(attend.STAGE, EventFacts(number, "op", f"r-{number}", RELEASE.wakes, None, {}, NOW))

    def under_way(self) -> list[str]:
        return [one.key for one in self.known.effects.values() if one.state == "pending"]

    def stands(self) -> tuple[str, list[HoldReason]]:
        return str(self.known.payment.state), [hold.reason for hold in self.known.holds]

    def rests(self) -> bool:
        """Whether two more looks change nothing after the first of them."""
        self.look()
        again = self.look()
        return not (again.moves or again.opened_holds or again.closed_holds or again.effects)


WORDS = [
    snapshot(state, TOTAL, captured, refunded, when=NOW + timedelta(minutes=minutes))
    for minutes in (0, 1)
    for state, captured, refunded in (
        ("authorized", 0, 0),
        ("captured", TOTAL, 0),
        ("partly_refunded", TOTAL, 100),
        ("refunded", TOTAL, TOTAL),
        ("needs_review", 0, 0),
        ("needs_review", TOTAL, 0),
        ("voided", 0, 0),
    )
]
BESIDE = [replace(one, reference="pay2") for one in WORDS]
STEPS = st.one_of(
    st.tuples(st.just("told"), st.sampled_from([*WORDS, *BESIDE])),
    st.tuples(st.just("answered"), st.one_of(st.none(), st.sampled_from([*WORDS, *BESIDE]))),
    st.tuples(st.just("release"), st.none()),
)


@settings(max_examples=200, deadline=None)
@example("shipped", [("answered", DOUBT)])
@example("released", [("told", DOUBT), ("release", None), ("answered", None)])
@given(st.sampled_from(["released", "shipped", "cancelled"]), st.lists(STEPS, max_size=8))
def test_whatever_is_said_in_whatever_order_comes_to_rest(state: str, steps: list[tuple[str, Any]]) -> None:
    life = Life(state, capture="capture") if state != "cancelled" else Life(state, void="void")
    for step, says in steps:
        if step == "told":
            life.told(says)
        elif step == "answered" and life.under_way():
            life.answered(life.under_way()[0], says)
        elif step == "release" and life.known.holds:
            life.release()
        assert life.rests(), (step, says, life.stands())


def test_what_was_answered_before_a_doubt_does_not_end_it() -> None:
    """The authorization's own answer was read again, and goods whose payment is disputed left (gateways.md 3.3)."""
    life = Life("released")
    life.told(DOUBT)
    assert life.stands() == ("needs_review", ["payment_differs"])
    assert moves(life.look()) == []
    assert life.stands() == ("needs_review", ["payment_differs"])


def test_an_answer_in_doubt_holds_its_order_once() -> None:
    """Each look ended the hold and began another: the timeline, storefronts and who is called to it heard of each."""
    life = Life(capture="capture")
    life.answered("capture", DOUBT)
    (hold,) = life.known.holds
    made = life.look()
    assert (moves(made), [one.id for one in life.known.holds]) == ([], [hold.id])


@pytest.mark.parametrize("says", [DOUBT, None])
def test_what_was_released_stays_so_while_the_gateway_is_asked_and_where_it_says_the_same(
    says: Snapshot | None,
) -> None:
    life = Life(capture="capture")
    life.answered("capture", DOUBT)
    life.release()
    life.look()
    assert life.stands() == ("needs_review", [])
    (look,) = life.under_way()
    life.answered(look, says)
    assert (life.rests(), life.stands()) == (True, ("needs_review", []))


def test_a_released_doubt_ends_with_what_the_look_up_says_and_an_older_look_up_ends_no_new_one() -> None:
    """Its moment is that of the doubt: nothing else tells that it is newer."""
    life = Life(capture="capture")
    life.answered("capture", DOUBT)
    life.release()
    (look,) = life.under_way()
    life.answered(look, snapshot("captured", TOTAL, TOTAL))
    assert (life.rests(), life.stands()) == (True, ("captured", []))
    life.told(snapshot("needs_review", TOTAL, TOTAL))
    assert (life.rests(), life.stands()) == (True, ("needs_review", ["payment_differs"]))


def test_a_notice_that_ends_a_doubt_is_not_undone_by_the_answer_in_doubt() -> None:
    """The gateway is asked once more, so that its last word is known as that."""
    life = Life(capture="capture")
    life.answered("capture", snapshot("needs_review", TOTAL, TOTAL))
    life.told(snapshot("captured", TOTAL, TOTAL))
    assert (life.rests(), life.stands()) == (True, ("captured", []))
    (look,) = life.under_way()
    life.answered(look, snapshot("captured", TOTAL, TOTAL))
    assert (life.rests(), life.stands()) == (True, ("captured", []))


def test_who_saw_to_a_second_payment_is_not_called_to_it_again() -> None:
    """A look-up's answer that spoke of it was read again at each look, and no release ended the hold (B.6.7)."""
    life = Life(capture="capture", look="lookup")
    life.answered("capture", snapshot("captured", TOTAL, TOTAL))
    second = snapshot("captured", TOTAL, TOTAL, when=NOW + timedelta(minutes=1), reference="pay2")
    life.told(second)
    assert life.stands() == ("captured", [HoldReason.UNEXPECTED_DEPOSIT])
    life.answered("look", second)
    life.release()
    assert (life.rests(), life.stands()) == (True, ("captured", []))


def test_a_part_that_was_not_captured_after_all_is_somebodys() -> None:
    """SPL-04: of several captures the last was in doubt, and is not done; the first hid it, and nobody asked for its money again."""
    life = Life(first="capture", second="capture")
    life.answered("first", snapshot("authorized", TOTAL, 500))
    life.answered("second", snapshot("needs_review", TOTAL, 500))
    life.release()
    (look,) = life.under_way()
    life.answered(look, snapshot("authorized", TOTAL, 500))
    assert (life.rests(), life.stands()) == (True, ("authorized", ["capture_failed"]))


@pytest.mark.parametrize("ended", ["declined", "needs_review"])
def test_a_slip_of_which_nobody_knows_whether_it_was_taken_back_is_looked_up(ended: str) -> None:
    """CAN-03, PAY-08: it may be paid, and its notice lost."""
    void = effect("payment.void", "void", ended, {"code": "not_shown"})
    known = facts(state="cancelled", payment=payment("pending", TOTAL, gateway="sandbox"), effects={"void": void})
    assert [kind for kind, _ in effects(decide(settle.STAGE, known))] == ["payment.lookup"]
