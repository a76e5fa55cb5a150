"""A gateway that does not answer: within ten minutes somebody sees it, and whichever way out is taken, the money is known in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipelines.gateway import Answer
from pipelines.ports import Verdict
from tests.engine.test_effects import asking
from tests.outside import Gateway
from tests.web.site import Site
from tests.world import document


@dataclass
class Silent(Gateway):
    """It holds the money and its answer is lost; until it is ``back`` a look has no answer either."""

    faults: list[str] = field(default_factory=lambda: ["lost"])
    back: bool = False
    says: Verdict = Verdict.RETRY

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        if self.back:
            return await super().lookup(order=order, key=key, reference=reference)
        return Answer(self.says, code="unreachable")


def waiting(site: Site) -> list[dict[str, Any]]:
    """What an operator is shown."""
    found: list[dict[str, Any]] = site.get("/v1/review", key=site.operator).json()["items"]
    return found


def acts(site: Site, action: str, kind: str = "payment") -> int:
    """The one thing of ``kind`` that waits is answered by ``action``; the status of that."""
    (item,) = (one for one in waiting(site) if one["kind"] == kind)
    assert action in [one["action"] for one in item["choices"]]
    asked = {"items": [{"kind": item["kind"], "key": item["key"]}], "action": action}
    (result,) = site.post("/v1/review:act", asked, key=site.operator).json()["results"]
    site.world.settle()
    return int(result["status"])


def nobody_answers(site: Site) -> Silent:
    """An authorization whose answer was lost eleven minutes ago, and which pauses for an hour."""
    silent = Silent(site.world.clock)
    site.world.loop = site.world.performing(*asking(silent))
    site.world.take(document("S-1"))
    site.world.settle()
    assert waiting(site) == [], "ten minutes are nothing"
    eleven_minutes_later(site)
    return silent


def eleven_minutes_later(site: Site) -> None:
    site.world.execute("UPDATE effect SET recorded_at = recorded_at - interval '11 minutes'")
    site.world.execute("UPDATE effect_lease SET due_at = now() + interval '1 hour' WHERE kind LIKE 'payment.%'")


def asked_at_once(site: Site, silent: Silent) -> None:
    """The choice of the queue: first in vain, then with an answer."""
    assert acts(site, "retry") == 200
    (item,) = waiting(site)
    assert item["tried"] == "It was tried 2 times, 1 without a known outcome."
    silent.back = True
    eleven_minutes_later(site)
    assert acts(site, "retry") == 200


def by_itself(site: Site, silent: Silent) -> None:
    """The pause ends, and nobody did anything."""
    silent.back = True
    site.world.hurry()
    site.world.settle()


def cancelled(site: Site, silent: Silent) -> None:
    """The order is cancelled meanwhile: what turns out to be held is released."""
    asked = site.post("/v1/orders/salon/S-1/cancel", {"reason": "too slow"}, key=site.operator)
    assert asked.status_code == 202
    site.world.settle()
    assert [one["kind"] for one in waiting(site)] == ["payment"], "nobody knows yet whether money is held"
    by_itself(site, silent)


#: What is done -> how the order and its payment stand, and what the gateway holds and released.
WAYS: list[tuple[Callable[[Site, Silent], None], str, str, bool]] = [
    (asked_at_once, "released", "authorized", False),
    (by_itself, "released", "authorized", False),
    (cancelled, "cancelled", "voided", True),
]


@pytest.mark.parametrize(("way", "state", "payment", "is_void"), WAYS, ids=[way.__name__ for way, *_ in WAYS])
def test_each_way_out_ends_in_what_is_known(
    site: Site, way: Callable[[Site, Silent], None], state: str, payment: str, is_void: bool
) -> None:
    silent = nobody_answers(site)
    (item,) = waiting(site)
    assert (item["kind"], item["order"], item["says"]) == (
        "payment",
        "S-1",
        "sandbox does not answer payment.authorize",
    )
    assert item["tried"] == "It was tried 1 times, 1 without a known outcome."
    assert "dashboard" in item["way_out"]
    way(site, silent)
    assert waiting(site) == []
    shown = site.world.show("S-1")
    assert (shown["state"], shown["payment"]["state"]) == (state, payment)
    (card,) = silent.cards.values()
    assert (card.voided, card.captured) == (is_void, 0)
    assert site.world.broken() == {}


def tried_again(site: Site, silent: Silent) -> None:
    """``shukka retry``, once the gateway is back."""
    silent.back = True
    assert acts(site, "retry", "effect") == 200


def let_go(site: Site, silent: Silent) -> None:
    """A look is no answer while nobody knows of the money: a release says so, once the order is cancelled it ends the hold."""
    refused = site.post("/v1/orders/salon/S-1/release", key=site.operator)
    assert (refused.status_code, refused.json()["ways_out"]) == (409, ["cancel"])
    assert "shukka retry" in refused.json()["detail"]
    assert acts(site, "cancel", "hold") == 202
    assert acts(site, "release", "hold") == 202
    silent.cards["auth_1"].voided = True  # in the gateway's dashboard
    assert [one["kind"] for one in waiting(site) if one["kind"] != "circuit"] == ["effect"], "it can still be asked"


def given_up(site: Site, silent: Silent) -> None:
    """The order is cancelled; the operator looked it up, and then asks once more."""
    assert acts(site, "cancel", "hold") == 202
    silent.back = True
    assert acts(site, "retry", "effect") == 200


#: The same for what nobody would say for so long that the order is held (``payment_unknown``).
OF_THE_HOLD: list[tuple[Callable[[Site, Silent], None], str, str, bool]] = [
    (tried_again, "released", "authorized", False),
    (let_go, "cancelled", "voided", True),
    (given_up, "cancelled", "voided", True),
]


@pytest.mark.parametrize(
    ("way", "state", "payment", "is_void"), OF_THE_HOLD, ids=[way.__name__ for way, *_ in OF_THE_HOLD]
)
def test_each_way_out_of_its_hold_too(
    site: Site, way: Callable[[Site, Silent], None], state: str, payment: str, is_void: bool
) -> None:
    silent = nobody_answers(site)
    silent.says = Verdict.UNKNOWN
    for _ in range(20):
        site.world.hurry()
        site.world.perform("payment.authorize")
    site.world.settle()
    assert [one["reason"] for one in waiting(site) if one["kind"] == "hold"] == ["payment_unknown"]
    way(site, silent)
    shown = site.world.show("S-1")
    assert (shown["state"], shown["payment"]["state"]) == (state, payment)
    assert not [one for one in waiting(site) if one["kind"] in ("hold", "payment")]
    (card,) = silent.cards.values()
    assert (card.voided, card.captured) == (is_void, 0)
    assert site.world.broken() == {}
