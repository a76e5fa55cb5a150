"""What connections to a mail server are kept, given up and shared for."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.ports import Outcome, Verdict
from tests.mail.line import ON_A_PLAIN_LINE, Line, deliver, mail
from tests.mail.raw_sink import CUT, HANG, Sink
from workers.mail.smtp import SmtpPool


def test_twenty_mails_need_one_connection(line: Line) -> None:
    sink = line.sink()
    outcomes = line.run(deliver(sink, *[mail()] * 20))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK] * 20
    assert sink.connections == 1
    assert len(sink.messages) == 20
    assert sink.commands[-1] == b"QUIT"


def test_a_refused_recipient_does_not_cost_the_connection(line: Line) -> None:
    sink = line.sink({"RCPT": ["550 no such user"]})
    line.run(deliver(sink, mail("gone@example.jp"), mail("here@example.jp")))
    assert sink.connections == 1
    refused = (b"MAIL RCPT DATA RSET" if line.offers and not line.is_chunked else b"MAIL RCPT RSET").split()
    taken = (b"MAIL RCPT BDAT" if line.is_chunked else b"MAIL RCPT DATA").split()
    assert [command.split(b" ")[0] for command in sink.commands] == [b"EHLO", *refused, *taken, b"QUIT"]
    assert (len(sink.messages), sink.messages_for_nobody) == (1, [])


def test_a_server_that_wants_a_message_for_nobody_gets_none(line: Line) -> None:
    """RFC 2920, 3.1: 354 to the DATA that went with a recipient who was refused; a dot alone ends it, and the connection goes on."""
    sink = line.sink({"RCPT": ["550 no such user"], "DATA": ["354 go on"]})
    refused, sent = line.run(deliver(sink, mail("gone@example.jp"), mail("here@example.jp")))
    assert ((refused.verdict, refused.code), sent.verdict) == ((Verdict.DECLINED, "550"), Verdict.OK)
    assert (sink.connections, len(sink.messages)) == (1, 1)
    assert sink.messages_for_nobody == ([b""] if line.offers and not line.is_chunked else [])


def test_a_server_that_wants_a_message_from_a_refused_sender_gets_nothing_more(line: Line) -> None:
    """It may know of the recipient: not even an empty mail may come of that."""
    sink = line.sink({"MAIL": ["451 later"], "DATA": ["354 go on"]})
    refused, sent = line.run(deliver(sink, mail(), mail()))
    assert ((refused.verdict, refused.code), sent.verdict) == ((Verdict.RETRY, "451"), Verdict.OK)
    assert (len(sink.messages), sink.messages_for_nobody) == (1, [])


def test_a_connection_is_given_up_after_its_number_of_mails(line: Line) -> None:
    sink = line.sink()
    line.run(deliver(sink, *[mail()] * 5, mails_per_connection=2))
    assert sink.connections == 3


@ON_A_PLAIN_LINE
def test_a_connection_that_was_idle_too_long_is_not_trusted(line: Line) -> None:
    sink = line.sink()
    line.run(deliver(sink, *[mail()] * 3, max_idle=-1))
    assert sink.connections == 3
    assert len(sink.said(b"QUIT")) == 3


@ON_A_PLAIN_LINE
def test_a_connection_that_was_slow_once_carries_no_further_mail(line: Line) -> None:
    """Behind a relay it is one recipient's domain that was slow: the next mail is for another."""
    sink = line.sink()
    assert [one.verdict for one in line.run(deliver(sink, *[mail()] * 3, slow=-1))] == [Verdict.OK] * 3
    assert sink.connections == 3


@pytest.mark.parametrize("noticed", [True, False])
def test_a_kept_connection_the_server_closed_costs_nothing(line: Line, noticed: bool) -> None:
    async def after_the_server_hung_up(sink: Sink) -> Outcome:
        async with sink:
            pool = SmtpPool(sink.url, timeout=5)
            await pool.deliver(mail())
            sink.hang_up()
            if noticed:
                await asyncio.sleep(0.05)
            outcome = await pool.deliver(mail())
            await pool.aclose()
            return outcome

    sink = line.sink()
    assert line.run(after_the_server_hung_up(sink)).verdict is Verdict.OK
    assert sink.connections == 2
    assert len(sink.messages) == 2


@pytest.mark.parametrize("farewell", ["421 idle too long", CUT])
def test_a_server_that_takes_leave_at_the_next_mail_costs_nothing(line: Line, farewell: str) -> None:
    sink = line.sink({"MAIL": ["250 ok", farewell]})
    outcomes = line.run(deliver(sink, mail(), mail()))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK, Verdict.OK]
    assert sink.connections == 2


def test_a_pool_sends_as_many_mails_at_once_as_it_has_connections(line: Line) -> None:
    async def all_at_once(sink: Sink) -> list[Outcome]:
        async with sink:
            pool = SmtpPool(sink.url, size=8)
            outcomes = await asyncio.gather(*(pool.deliver(mail(f"{n}@example.jp")) for n in range(40)))
            await pool.aclose()
            return outcomes

    sink = line.sink(seconds_a_mail=0.02)
    outcomes = line.run(all_at_once(sink))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK] * 40
    assert sink.connections == sink.most_at_once == 8
    assert sorted(sink.said(b"RCPT")) == sorted(f"RCPT TO:<{n}@example.jp>".encode() for n in range(40))


def test_a_cancelled_delivery_leaves_no_half_used_connection_behind(line: Line) -> None:
    async def cancel_one_then_send_another(sink: Sink) -> Outcome:
        async with sink:
            pool = SmtpPool(sink.url, size=1)
            await pool.deliver(mail())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pool.deliver(mail()), 0.1)
            outcome = await pool.deliver(mail())
            await pool.aclose()
            return outcome

    sink = line.sink({"RCPT": ["250 ok", HANG]})
    assert line.run(cancel_one_then_send_another(sink)) == Outcome(Verdict.OK, reference="2.0.0 Ok: queued as 2")
    assert sink.connections == 2
