"""A mail that did not arrive is told where people look: on its order, in what waits for a human; and its address gets no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes

import pytest
from sqlalchemy.exc import OperationalError

from models.store import bounces, mails, suppressions
from models.store.suppressions import ReleasedRow, StandingRow
from pipelines.bounces.message import read
from pipelines.bounces.receiving import Told, receive
from pipelines.engine.run import DueMail, queue_mails
from pipelines.review.queue import waiting
from tests.bounces import samples
from tests.world import World, document
from workers.mail.samples import sample

TO = "takahashi@example.jp"
UNKNOWN = ("01_postfix_user_unknown", "nobody@example.jp")
FULL = ("40_status_without_sentence", "x@example.com")
FILTERED = ("03_docomo_filtered_after_data", "hanako-example@docomo.ne.jp")
DELAYED = ("09_delayed_warning", "slow@example.com")
COMPLAINT = ("12_complaint_arf", "angry@example.com")
ANSWER = ("13_out_of_office", "tanaka@example.co.jp")


@pytest.fixture
def sent(world: World) -> World:
    """A house that accepted S-1 and told its customer so."""
    world.take(document("S-1"))
    world.settle()
    assert [one["state"] for one in world.show()["mails"]][:1] == ["sent"]
    return world


def message_id(world: World, template: str = "order_accepted") -> str:
    return str(
        next(
            m["Message-ID"] for m in map(message_from_bytes, world.postbox.taken) if m["X-Shukka-Template"] == template
        )
    )


def hear(
    world: World, sample: tuple[str, str], event_id: str = "r-1", *, about: str | None = None, to: str = TO
) -> list[bool]:
    """A report as ``sample``, about S-1's first mail to its customer unless the test says otherwise."""
    name, was = sample
    raw = samples.about(name, about or message_id(world), to, was).replace(b"salon/S-1001", b"salon/none")
    return receive(world.engine, world.clock, [Told("mail:message", event_id, read(raw))])


def first_mail(world: World) -> dict[str, object]:
    mail: dict[str, object] = world.show()["mails"][0]
    return mail


def attention(world: World, what: str) -> list[str]:
    with world.engine.connect() as connection:
        return [one.says("en") for one in waiting(connection, world.clock.now()) if one.label("en") == what]


def standing(world: World) -> list[StandingRow]:
    with world.engine.connect() as connection:
        return suppressions.standing(connection, None)


def release(world: World, address: str = TO, shops: Sequence[str] | None = None) -> list[ReleasedRow]:
    with world.engine.begin() as connection:
        return suppressions.release(connection, shops, "operations", address=address)


def due(world: World, template: str = "rank_up", order_id: int | None = None, number: str = "") -> None:
    """A mail to the customer is queued and sent, or kept back."""
    intent = sample(template, "ja")
    with world.engine.begin() as connection:
        faults = queue_mails(
            connection,
            world.house.renderer,
            [DueMail("salon", replace(intent, to=TO, subject_key=f"{template}-{world.clock.now()}"), number, order_id)],
            world.clock.now(),
        )
    assert faults == [None]
    world.settle()


def test_a_hard_bounce_is_told_on_the_order(sent: World) -> None:
    assert hear(sent, UNKNOWN) == [True]
    mail = first_mail(sent)
    assert mail["state"] == "bounced"
    assert mail["report"] == {
        "kind": "bounce",
        "reason": "no_such_user",
        "status": "5.1.1",
        "says": "550 5.1.1 <...>: Recipient address rejected: User unknown in virtual mailbox table",
        "at": "2026-11-20T09:00:00+09:00",
    }
    (move,) = [one for one in sent.show()["timeline"] if one["entity"] == "mail"]
    assert (move["from"], move["to"]) == ("order_accepted", "bounce")
    assert move["cause"].startswith("no_such_user 5.1.1")
    assert attention(sent, "mail bounced") == ["salon/S-1: order_accepted did not arrive (no_such_user)"]
    assert sent.broken() == {}


def test_the_same_report_twice_does_nothing(sent: World) -> None:
    assert hear(sent, UNKNOWN) == [True]
    assert hear(sent, UNKNOWN) == [False]
    assert sent.value("SELECT count(*) FROM mail_bounce") == 1


def test_the_same_report_twice_at_once_counts_once(sent: World) -> None:
    report = Told("mail:message", "r-1", read(samples.about(UNKNOWN[0], message_id(sent), TO, UNKNOWN[1])))
    assert receive(sent.engine, sent.clock, [report, report]) == [True, False]
    assert sent.value("SELECT count(*) FROM mail_bounce") == 1


def test_a_suppressed_address_gets_no_more_and_a_human_sees_it(sent: World) -> None:
    hear(sent, UNKNOWN)
    before = len(sent.postbox.taken)
    sent.ship_all("S-1")
    assert [m for m in sent.postbox.recipients[before:] if m == TO] == []
    kept_back = {one["template"]: one for one in sent.show()["mails"] if one["state"] == "suppressed"}
    assert "shipment_shipped" in kept_back
    assert kept_back["shipment_shipped"]["report"]["reason"] == "no_such_user"
    (says,) = attention(sent, "mail bounced")
    assert "shipment_shipped" in says
    assert "order_accepted" in says
    (stands,) = standing(sent)
    assert (stands.shop, stands.address, stands.scope, stands.ends_at) == ("salon", TO, "all", None)
    assert stands.kept_back == len(kept_back)
    assert sent.broken() == {}


def test_a_mail_that_waits_already_is_kept_back_too(world: World) -> None:
    """What counts is the moment of sending, not that of queueing."""
    world.take(document("S-1"))
    world.settle()
    world.take(document("S-2"))
    world.decide()
    hear(world, UNKNOWN)
    world.settle()
    assert {one["state"] for one in world.show("S-2")["mails"] if one["to"] == TO} == {"suppressed"}


def test_the_domain_may_be_in_capitals_and_the_local_part_may_not(sent: World) -> None:
    hear(sent, UNKNOWN)
    with sent.engine.connect() as connection:
        assert suppressions.release(connection, None, "x", address="Takahashi@example.jp") == []
    assert len(release(sent, "takahashi@EXAMPLE.jp")) == 1


def test_a_release_lets_mails_go_again_and_what_was_kept_back_can_be_sent(sent: World) -> None:
    hear(sent, UNKNOWN)
    sent.ship_all("S-1")
    assert [one.shop for one in release(sent)] == ["salon"]
    assert release(sent) == []
    assert standing(sent) == []
    assert attention(sent, "mail bounced") == []
    ids = [one["id"] for one in sent.show()["mails"] if one["state"] in ("suppressed", "bounced")]
    with sent.engine.begin() as connection:
        mails.try_again(connection, ids)
    sent.settle()
    assert {one["state"] for one in sent.show()["mails"] if one["to"] == TO} == {"sent"}
    assert sent.broken() == {}


def test_an_operator_of_another_shop_releases_nothing(sent: World) -> None:
    hear(sent, UNKNOWN)
    assert release(sent, shops=["clinic"]) == []
    assert len(standing(sent)) == 1


def test_another_shop_still_writes_to_the_address(sent: World) -> None:
    hear(sent, UNKNOWN)
    sent.take(document("A-1", shop="clinic"))
    sent.settle()
    assert {one["state"] for one in sent.show("A-1", "clinic")["mails"] if one["to"] == TO} == {"sent"}


def test_seen_to_is_seen_to_and_the_address_stays_suppressed(sent: World) -> None:
    hear(sent, UNKNOWN)
    number = sent.value("SELECT id FROM mail_bounce")
    with sent.engine.begin() as connection:
        assert bounces.dismiss(connection, number, "operations") == [number]
        assert bounces.dismiss(connection, number, "operations") == []
    assert attention(sent, "mail bounced") == []
    assert len(standing(sent)) == 1


def test_a_full_mailbox_is_tried_twice_more_then_left_for_two_weeks(sent: World) -> None:
    hear(sent, FULL, "r-1")
    assert first_mail(sent)["state"] == "queued"
    assert sent.perform() == 0, "not before its time"
    sent.hurry()
    sent.settle()
    assert first_mail(sent)["state"] == "sent"
    assert sent.postbox.taken[-1].count(message_id(sent).encode()) >= 1, "under its own Message-ID"
    hear(sent, FULL, "r-2")
    sent.hurry()
    sent.settle()
    hear(sent, FULL, "r-3")
    assert first_mail(sent)["state"] == "bounced"
    (stands,) = standing(sent)
    assert stands.reason == "mailbox_full"
    assert stands.ends_at is not None
    sent.execute("UPDATE mail_suppression SET ends_at = now()")
    assert standing(sent) == []
    sent.ship_all("S-1")
    assert sent.show()["mails"][-1]["state"] == "sent"


def test_a_failure_that_two_doors_tell_is_one(sent: World) -> None:
    """SES mails its reports to the envelope sender beside what it posts: the second telling took one of the two times that a mail is sent
    again."""
    for door in ("r-1", "r-2"):
        hear(sent, FULL, f"mailbox:{door}")
        assert hear(sent, FULL, f"webhook:{door}") == [True], "it is kept, and has no consequence"
        assert first_mail(sent)["state"] == "queued"
        sent.hurry()
        sent.settle()
    assert sent.value("SELECT count(*) FROM mail_bounce") == 2
    told = [Told("mail:message", f"r-3:{n}", read(samples.about(FULL[0], message_id(sent), TO, FULL[1]))) for n in "ab"]
    receive(sent.engine, sent.clock, told)
    assert first_mail(sent)["state"] == "bounced"
    assert sent.value("SELECT count(*) FROM mail_bounce") == 3


def test_failures_of_long_ago_do_not_count(sent: World) -> None:
    hear(sent, FULL, "r-1")
    sent.hurry()
    sent.settle()
    hear(sent, FULL, "r-2")
    sent.hurry()
    sent.settle()
    sent.execute("UPDATE mail_bounce SET recorded_at = now() - interval '15 days'")
    hear(sent, FULL, "r-3")
    assert first_mail(sent)["state"] == "queued"
    assert standing(sent) == []


def test_a_carriers_filter_suppresses_nobody(sent: World) -> None:
    """The address is no carrier's here: the carrier's sentence of sample 03 then means what it says."""
    sent.execute("UPDATE mail SET envelope_to = 'taro@docomo.ne.jp'")
    hear(sent, FILTERED, to="taro@docomo.ne.jp")
    assert first_mail(sent)["state"] == "bounced"
    assert standing(sent) == []
    assert attention(sent, "mail bounced") == ["salon/S-1: order_accepted did not arrive (filtered)"]


@pytest.mark.parametrize("sample", [DELAYED, ANSWER], ids=["delay", "answer"])
def test_what_is_no_failure_changes_nothing(sent: World, sample: tuple[str, str]) -> None:
    hear(sent, sample)
    assert first_mail(sent)["state"] == "sent"
    assert standing(sent) == []
    assert attention(sent, "mail bounced") == []


def test_a_delay_is_told_on_the_order(sent: World) -> None:
    hear(sent, DELAYED)
    assert first_mail(sent)["report"]["kind"] == "delay"  # type: ignore[index]


def test_a_complaint_stops_what_advertises_and_nothing_else(sent: World) -> None:
    hear(sent, COMPLAINT)
    (stands,) = standing(sent)
    assert (stands.scope, stands.reason) == ("advertising", "abuse")
    due(sent)
    assert sent.value("SELECT state FROM mail WHERE template = 'rank_up'") == "suppressed"
    sent.ship_all("S-1")
    assert sent.show()["mails"][-1]["state"] == "sent"
    assert attention(sent, "mail bounced") == []


def test_a_hard_bounce_after_a_complaint_stops_all(sent: World) -> None:
    hear(sent, COMPLAINT, "r-1")
    hear(sent, UNKNOWN, "r-2")
    hear(sent, COMPLAINT, "r-3")
    (stands,) = standing(sent)
    assert (stands.scope, stands.reason) == ("all", "no_such_user")


def full_mailbox(world: World, first: int) -> None:
    """The mailbox is full three times on end, by reports from the ``first`` on."""
    for number in range(first, first + 3):
        hear(world, FULL, f"r-{number}")
        world.hurry()
        world.settle()


@pytest.mark.parametrize("is_first", [True, False], ids=["complained first", "complained afterwards"])
def test_a_full_mailbox_of_who_complained_has_the_mails_of_its_orders_after_two_weeks(
    sent: World, is_first: bool
) -> None:
    """CON-02: those go out whatever the customer wishes; what advertises does not, until somebody lets go of the address."""
    if is_first:
        hear(sent, COMPLAINT, "r-0")
    full_mailbox(sent, 1)
    if not is_first:
        hear(sent, COMPLAINT, "r-4")
    (stands,) = standing(sent)
    assert (stands.scope, stands.reason, stands.ends_at is not None) == ("all", "mailbox_full", True)

    sent.execute("UPDATE mail_suppression SET ends_at = now()")
    due(sent)
    sent.ship_all("S-1")
    assert sent.show()["mails"][-1]["state"] == "sent"
    assert sent.value("SELECT state FROM mail WHERE template = 'rank_up'") == "suppressed"
    (stands,) = standing(sent)
    assert (stands.scope, stands.ends_at) == ("advertising", None)
    assert len(release(sent)) == 1
    assert standing(sent) == []


def test_a_complaint_about_a_mailbox_that_was_full_long_ago_stops_what_advertises_alone(sent: World) -> None:
    full_mailbox(sent, 1)
    sent.execute("UPDATE mail_suppression SET ends_at = now()")
    hear(sent, COMPLAINT, "r-4")
    (stands,) = standing(sent)
    assert (stands.scope, stands.reason, stands.ends_at) == ("advertising", "abuse", None)
    sent.ship_all("S-1")
    assert sent.show()["mails"][-1]["state"] == "sent"


def test_a_forged_report_is_quarantined_and_touches_nothing(sent: World) -> None:
    """Who knows an address knows no Message-ID."""
    assert hear(sent, UNKNOWN, about="<guessed@mail.shukka.example>") == [True]
    assert first_mail(sent)["state"] == "sent"
    assert standing(sent) == []
    (says,) = attention(sent, "event quarantined")
    assert "no mail of ours has that Message-ID and recipient" in says
    body = sent.value("SELECT body FROM inbox_event WHERE type = 'mail.reported'")
    assert body["recipients"][0]["address"] == "t***@example.jp"


def test_our_message_id_with_another_recipient_touches_nothing(sent: World) -> None:
    hear(sent, UNKNOWN, to="somebody.else@example.jp")
    assert first_mail(sent)["state"] == "sent"
    assert len(attention(sent, "event quarantined")) == 1


def test_a_server_may_name_the_recipient_as_it_was_in_the_command(world: World) -> None:
    """RFC 3461, 4: ``+`` is ``+2B`` there; such a report was of nobody."""
    world.take(document("S-1", customer="M-2"))
    world.settle()
    to = str(world.value("SELECT envelope_to FROM mail LIMIT 1"))
    assert "+" in to
    hear(world, UNKNOWN, to=to.replace("+", "+2B"))
    assert first_mail(world)["state"] == "bounced"


def test_without_our_message_id_order_and_template_stand_for_it(sent: World) -> None:
    """A provider that gives a Message-ID of its own returns our other headers."""
    raw = samples.raw(UNKNOWN[0]).replace(b"nobody@example.jp", TO.encode()).replace(b"S-1001", b"S-1")
    receive(sent.engine, sent.clock, [Told("mail:message", "r-1", read(raw))])
    assert first_mail(sent)["state"] == "bounced"


@pytest.mark.parametrize("number", ["注文-1", "50%", "A%41"])
def test_our_own_header_tells_the_order_whatever_its_number_is_written_in(world: World, number: str) -> None:
    """The header has a number that is not plain ASCII percent-encoded."""
    world.take(document(number))
    world.settle()
    told = str(message_from_bytes(world.postbox.taken[0])["X-Shukka-Order"])
    raw = samples.raw(UNKNOWN[0]).replace(b"nobody@example.jp", TO.encode()).replace(b"salon/S-1001", told.encode())
    receive(world.engine, world.clock, [Told("mail:message", "r-1", read(raw))])
    assert world.show(number)["mails"][0]["state"] == "bounced"


def test_a_copys_bounce_is_of_the_copy(sent: World) -> None:
    """`mails:resend` sends a mail under its old Message-ID and a new Resent-Message-ID; the recipient tells which bounced."""
    with sent.engine.begin() as connection:
        (mail,) = bounces.by_message_id(connection, [message_id(sent)])
        mails.copy(
            connection, [mails.MailCopyRow(mail.id, "<copy@mail.shukka.example>", "new@example.jp", sent.clock.now())]
        )
    sent.settle()
    raw = samples.about("55_resent_copy", message_id(sent), "new@example.jp", "a@example.org")
    raw = raw.replace(b"<copy@salon.example.jp>", b"<copy@mail.shukka.example>")
    receive(sent.engine, sent.clock, [Told("mail:message", "r-1", read(raw))])
    states = {one["to"]: one["state"] for one in sent.show()["mails"]}
    assert (states[TO], states["new@example.jp"]) == ("sent", "bounced")


def test_one_that_cannot_be_kept_takes_no_neighbour_with_it(sent: World) -> None:
    sent.refuse("mail_bounce", when="NEW.kind = 'delay'")
    good, bad = (read(samples.about(name, message_id(sent), TO, was)) for name, was in (UNKNOWN, DELAYED))
    told = [Told("mail:message", "r-1", good), Told("mail:message", "r-2", bad)]
    assert receive(sent.engine, sent.clock, told) == [True, True]
    assert first_mail(sent)["state"] == "bounced"
    (says,) = attention(sent, "event quarantined")
    assert "cannot be stored" in says


def test_where_others_were_in_the_way_a_report_is_not_kept(sent: World) -> None:
    """Whoever brought it brings it again; its neighbour is kept."""
    sent.refuse("mail_bounce", "57014", "NEW.kind = 'delay'")
    good, bad = (read(samples.about(name, message_id(sent), TO, was)) for name, was in (UNKNOWN, DELAYED))
    told = [Told("mail:message", "r-1", bad), Told("mail:message", "r-2", good)]
    with pytest.raises(OperationalError):
        receive(sent.engine, sent.clock, told)
    assert first_mail(sent)["state"] == "bounced"
    sent.refuse_no_more("mail_bounce")
    assert receive(sent.engine, sent.clock, told) == [True, False]


def test_no_address_stands_beside_the_mail(sent: World) -> None:
    """So that erasing a person's mails leaves none (docs/customers.md)."""
    hear(sent, UNKNOWN)
    sent.ship_all("S-1")
    for table in ("mail_bounce", "mail_suppression", "inbox_event"):
        kept = sent.value(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")
        assert TO not in kept
    sent.execute("UPDATE mail SET envelope_to = '', packed = NULL")
    assert [one.address for one in standing(sent)] == [""]


@pytest.mark.parametrize(
    ("said", "state", "suppressed", "waits"),
    [
        ("550 5.1.1 (address): User unknown", "bounced", True, ["mail bounced"]),
        ("552 5.2.2 Mailbox full", "queued", False, []),
        ("554 5.7.1 Relay access denied", "failed", False, ["mail"]),
    ],
    ids=["no such user", "full", "our own fault"],
)
def test_a_recipient_that_is_refused_when_the_mail_is_handed_over_is_as_one_that_bounced(
    world: World, said: str, state: str, suppressed: bool, waits: list[str]
) -> None:
    """What is known before the mail is taken needs no report: the same consequences, once. What may be our own fault stays to be tried
    again."""
    world.postbox.refused[TO] = said
    world.take(document("S-1"))
    world.decide()
    world.perform("mail.send")
    mails = world.rows("SELECT state FROM mail WHERE template = 'order_accepted'")
    assert [one.state for one in mails] == [state]
    assert bool(world.value("SELECT count(*) FROM mail_suppression")) == suppressed
    assert world.value("SELECT count(*) FROM mail_bounce WHERE kind = 'bounce'") == (state != "failed")
    with world.engine.connect() as connection:
        found = [one.label("en") for one in waiting(connection, world.clock.now())]
    assert [one for one in found if one.startswith("mail")] == waits
    world.settle()
    assert world.broken() == {}
