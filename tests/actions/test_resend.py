"""A mail once more: the same mail, recognisable as a copy, with a fate of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actions.orders import released
from tests.web.site import Site, fields
from tests.world import World, document


def again(world: World, mail: int, **body: Any) -> str:
    world.tell(world.ask("mail.resend", "S-1", mail=mail, operator=True, **body))
    world.settle()
    return str(world.value("SELECT state FROM inbox_event ORDER BY id DESC LIMIT 1"))


@pytest.mark.parametrize("to", [None, "takahashi@new.example"])
def test_a_mail_is_sent_again(world: World, to: str | None) -> None:
    """RFC 5322, 3.6.6: the bytes it had and the Message-ID it had, headed by what makes it a copy."""
    released(world)
    first = world.show()["mails"][0]
    original = world.postbox.mails[0]
    sent = len(world.postbox.taken)
    assert again(world, first["id"], to=to) == "applied"
    assert len(world.postbox.taken) == sent + 1
    copy, went_to = world.postbox.mails[-1], to or first["to"]
    assert world.postbox.recipients[-1] == went_to
    assert (copy["X-Shukka-Copy"], copy["Resent-To"]) == ("yes", went_to)
    for name in ("Message-ID", "Subject", "To", "X-Shukka-Template", "X-Shukka-Order"):
        assert copy[name] == original[name]
    assert copy["Resent-Message-ID"] not in (None, copy["Message-ID"])
    assert copy.get_body(("plain",)).get_content() == original.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    shown = world.show()["mails"][-1]
    assert (shown["template"], shown["copy_of"], shown["to"], shown["state"]) == (
        first["template"],
        first["id"],
        went_to,
        "sent",
    )
    assert world.broken() == {}


def test_a_mail_that_was_given_up_goes_to_the_right_address(world: World) -> None:
    """A slip in the address: the first mail stays as it ended, the copy arrives."""
    released(world)
    first = world.show()["mails"][0]["id"]
    world.execute("UPDATE mail SET state = 'failed', code = '550' WHERE id = :id", id=first)
    assert again(world, first, to="taka@example.jp") == "applied"
    states = [
        (one["id"] == first, one["state"]) for one in world.show()["mails"] if first in (one["id"], one["copy_of"])
    ]
    assert states == [(True, "failed"), (False, "sent")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"mail": 999_999}, "mail"), ({"to": "no address"}, "to"), ({"to": "a@b.example\r\nBcc: x@y.example"}, "to")],
)
def test_what_cannot_be_sent_is_refused(site: Site, wrong: dict[str, Any], field: str) -> None:
    site.order(document("S-1"))
    site.world.settle()
    asked = {"mail": site.world.show()["mails"][0]["id"], **wrong}
    assert fields(site.post("/v1/orders/salon/S-1/mails:resend", asked, key=site.operator)) == [field]


def test_another_orders_mail_is_none_of_this_one(world: World) -> None:
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.settle()
    other = world.show("S-2")["mails"][0]["id"]
    assert again(world, other) == "refused"
