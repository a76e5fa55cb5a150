"""What becomes of a mail, whatever the mail server does; with the bytes on the wire as the evidence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ports import Outcome, Verdict
from tests.mail.line import ON_A_PLAIN_LINE, SHORT, Line, deliver, mail
from tests.mail.raw_sink import CUT, HANG, Sink
from workers.mail.lines import dots_doubled, with_line_ends
from workers.mail.smtp import SmtpPool

MORE_THAN_BUFFERS_HOLD = b"Subject: x\r\n\r\n" + b"x" * 20_000_000


def _skip_unless(applies: bool) -> None:
    """A message in a chunk is not announced by DATA."""
    if not applies:
        pytest.skip("this line has no such step")


@pytest.mark.parametrize(
    "recipient",
    [
        "takahashi@example.jp",
        "a_b__c@ezweb.ne.jp",
        '"user..name"@docomo.ne.jp',
        '".user."@ezweb.ne.jp',
        r'"a\"b\\c"@example.jp',
        '"a b"@example.jp',
        '"a@b"@example.jp',
    ],
)
def test_the_envelope_goes_over_the_wire_as_it_is(line: Line, recipient: str) -> None:
    sink = line.sink()
    [outcome] = line.run(deliver(sink, mail(recipient)))
    assert outcome == Outcome(Verdict.OK, reference="2.0.0 Ok: queued as 1")
    assert sink.said(b"RCPT") == [b"RCPT TO:<" + recipient.encode() + b">"]
    assert sink.said(b"MAIL") == [b"MAIL FROM:<shop@salon.example> SIZE=30"]


def test_the_message_goes_over_the_wire_byte_by_byte(line: Line) -> None:
    raw = "Subject: x\r\nTo: 髙橋 <a@example.jp>\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n".encode()
    sink = line.sink()
    line.run(deliver(sink, mail(raw=raw)))
    [received] = sink.messages
    assert raw[:1] + received == (raw if line.is_chunked else raw.replace(b"\r\n.", b"\r\n.."))
    assert sink.said(b"MAIL")[0].endswith(b" BODY=8BITMIME")


@pytest.mark.parametrize(
    ("raw", "transmitted"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a", b"a\r\n"),
        (b"a\nb\rc\r\n", b"a\r\nb\r\nc\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r.\r\nb", b"a\r\n..\r\nb\r\n"),
        (b".", b"..\r\n"),
        (b"a\r\n\r\n", b"a\r\n\r\n"),
    ],
)
def test_every_line_ends_in_crlf_and_leading_dots_are_doubled(raw: bytes, transmitted: bytes) -> None:
    assert dots_doubled(with_line_ends(raw)) == transmitted


@given(st.text(alphabet="a.\r\n").map(str.encode))
def test_no_message_can_hold_its_own_end(raw: bytes) -> None:
    lines = dots_doubled(with_line_ends(raw)).split(b"\r\n")
    assert lines[-1] == b""
    assert b"." not in lines
    assert not any(b"\r" in line or b"\n" in line for line in lines)


REPLIES = [
    # step, the server's reply, verdict, code (the answer to the final dot is a step like any other)
    ("CONNECT", "421 too busy", Verdict.RETRY, "connect"),
    ("CONNECT", "554 no service", Verdict.RETRY, "connect"),
    ("EHLO", "550 go away", Verdict.RETRY, "connect"),
    ("MAIL", "451 later", Verdict.RETRY, "451"),
    ("MAIL", "553 not your address", Verdict.DECLINED, "553"),
    ("MAIL", "530 authentication required", Verdict.RETRY, "auth"),
    ("RCPT", "450 greylisted", Verdict.RETRY, "450"),
    ("RCPT", "550 no such user", Verdict.DECLINED, "550"),
    ("RCPT", "354 what?", Verdict.RETRY, "354"),
    ("DATA", "452 disk full", Verdict.RETRY, "452"),
    ("DATA", "554 no valid recipients", Verdict.DECLINED, "554"),
    ("DATA", "no SMTP at all", Verdict.RETRY, "protocol"),
    (".", "451 later", Verdict.RETRY, "451"),
    (".", "421 shutting down", Verdict.RETRY, "421"),
    (".", "552 too large", Verdict.DECLINED, "552"),
    (".", "354 go on", Verdict.UNKNOWN, "protocol"),
    (".", "no SMTP at all", Verdict.UNKNOWN, "protocol"),
]


@pytest.mark.parametrize(("step", "reply", "verdict", "code"), REPLIES)
def test_a_reply_settles_what_became_of_the_mail_and_the_next_one_goes_through(
    line: Line, step: str, reply: str, verdict: Verdict, code: str
) -> None:
    _skip_unless(step in ("CONNECT", "EHLO", *line.steps))
    refused, following = line.run(deliver(line.sink({step: [reply]}), mail(), mail()))
    assert (refused.verdict, refused.code) == (verdict, code)
    assert refused.says.startswith(("The mail server", "No ", "A strange answer"))
    assert following.verdict is Verdict.OK


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
@pytest.mark.parametrize("silence", [CUT, HANG])
def test_silence_before_the_final_dot_means_surely_not_taken(line: Line, step: str, silence: str) -> None:
    _skip_unless(step in ("CONNECT", "EHLO", *line.steps))
    sink = line.sink({step: [silence]})
    [outcome] = line.run(deliver(sink, mail(raw=MORE_THAN_BUFFERS_HOLD if step == "BODY" else b""), timeout=SHORT))
    assert outcome.verdict is Verdict.RETRY
    assert sink.messages == []


@pytest.mark.parametrize(("silence", "code"), [(CUT, "lost"), (HANG, "timeout")])
def test_silence_after_the_final_dot_leaves_the_mail_in_doubt(line: Line, silence: str, code: str) -> None:
    sink = line.sink({".": [silence]})
    [outcome] = line.run(deliver(sink, taking=SHORT))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, code)
    assert len(sink.messages) == 1


def test_a_server_has_longer_to_take_a_message_than_to_answer_a_command(line: Line) -> None:
    """RFC 5321, 4.5.3.2.6: one that looks through a mail for half a minute got it again, and again, and never as sent. What comes after it
    is waited for no longer than before."""
    sink = line.sink({"RCPT": ["250 ok", HANG, HANG]}, seconds_a_mail=3 * SHORT)
    began = time.monotonic()
    first, second = line.run(deliver(sink, mail(), mail(), timeout=SHORT, taking=30))
    assert first.verdict is Verdict.OK
    assert (second.verdict, second.code) == (Verdict.RETRY, "timeout")
    assert len(sink.messages) == 1
    assert time.monotonic() - began < 10


def test_a_mail_in_doubt_is_not_sent_again_over_another_connection(line: Line) -> None:
    sink = line.sink({".": ["250 ok", CUT]})
    first, second = line.run(deliver(sink, mail(), mail()))
    assert (first.verdict, second.verdict) == (Verdict.OK, Verdict.UNKNOWN)
    assert len(sink.messages) == 2
    assert sink.connections == 1


@ON_A_PLAIN_LINE
def test_nobody_listening_means_retry(line: Line) -> None:
    async def after_it_closed() -> Outcome:
        async with line.sink() as sink:
            pass
        return await SmtpPool(sink.url, timeout=5).deliver(mail())

    outcome = line.run(after_it_closed())
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "connect")


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ("MAIL", (Verdict.RETRY, "lost")),
        ("RCPT", (Verdict.RETRY, "lost")),
        ("DATA", (Verdict.RETRY, "lost")),
        (".", (Verdict.UNKNOWN, "lost")),
    ],
)
def test_what_is_lost_between_two_replies_is_as_doubtful_as_without_extensions(
    line: Line, step: str, outcome: tuple[Verdict, str]
) -> None:
    """Commands that went together are answered one by one: only a lost answer to the whole message leaves a mail in doubt."""
    _skip_unless(step in line.steps)
    sink = line.sink({step: [CUT]})
    [found] = line.run(deliver(sink))
    assert (found.verdict, found.code) == outcome
    assert len(sink.messages) == (step == ".")


def test_a_refusal_stands_though_the_connection_is_lost_before_the_other_answers(line: Line) -> None:
    sink = line.sink({"RCPT": ["550 no such user"], "DATA": [CUT], "RSET": [CUT]})
    [outcome] = line.run(deliver(sink))
    assert (outcome.verdict, outcome.code) == (Verdict.DECLINED, "550")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("552 too large", (Verdict.DECLINED, "552")),
        ("421 shutting down", (Verdict.RETRY, "421")),
        ("250 thanks", (Verdict.RETRY, "protocol")),
    ],
)
def test_a_server_that_answers_before_it_has_the_whole_message_has_not_taken_it(
    line: Line, reply: str, outcome: tuple[Verdict, str]
) -> None:
    sink = line.sink({"BODY": [reply]})
    refused, sent = line.run(deliver(sink, mail(raw=MORE_THAN_BUFFERS_HOLD), mail()))
    assert ((refused.verdict, refused.code), sent.verdict) == (outcome, Verdict.OK)


def test_a_reply_that_nobody_asked_for_ends_the_connection(line: Line) -> None:
    """What follows would be taken for the answer to something else."""
    sink = line.sink({".": ["250 ok\r\n250 and what you sent next, too"]})
    outcomes = line.run(deliver(sink, mail(), mail()))
    assert [one.verdict for one in outcomes] == [Verdict.OK, Verdict.OK]
    assert sink.connections == 2


@pytest.mark.parametrize(
    ("offers", "verdict"),
    [
        ((), Verdict.RETRY),
        (("PIPELINING",), Verdict.OK),
        (("CHUNKING",), Verdict.RETRY),
        (("PIPELINING", "CHUNKING"), Verdict.OK),
    ],
)
def test_commands_go_together_only_where_the_server_offers_it(offers: Sequence[str], verdict: Verdict) -> None:
    """The replies come once the last command of the group is there: who waits for one in between waits in vain."""
    last = ["RCPT", "250 ok\r\n250 ok"] if "CHUNKING" in offers else ["DATA", "250 ok\r\n250 ok\r\n354 go on"]
    sink = Sink({"MAIL": [""], "RCPT": [""], last[0]: [last[1]]}, offers=offers)
    with asyncio.Runner() as runner:
        [outcome] = runner.run(deliver(sink, timeout=SHORT))
    assert outcome.verdict is verdict


def test_a_mail_that_another_process_may_be_sending_by_now_keeps_its_final_dot(line: Line) -> None:
    async def pause_before_the_dot(sink: Sink) -> list[Outcome]:
        async with sink:
            pool = SmtpPool(sink.url, timeout=5)
            outcomes = [await pool.deliver(mail(), held=lambda: False), await pool.deliver(mail())]
            await pool.aclose()
            return outcomes

    sink = line.sink()
    late, sent = line.run(pause_before_the_dot(sink))
    assert (late.verdict, late.code, sent.verdict) == (Verdict.RETRY, "lease_ended", Verdict.OK)
    assert len(sink.messages) == 1


@ON_A_PLAIN_LINE
@pytest.mark.parametrize(
    "address", ["", "no-at-sign", "a b@example.jp", "a@b>\r\nRCPT TO:<c@d.jp", "髙橋@example.jp", "a@b c"]
)
def test_an_envelope_that_could_break_the_dialogue_is_declined_unsent(line: Line, address: str) -> None:
    sink = line.sink()
    [outcome] = line.run(deliver(sink, mail(address)))
    assert (outcome.verdict, outcome.code) == (Verdict.DECLINED, "address")
    assert sink.connections == 0


def test_a_mail_that_wants_no_bounces_has_the_null_sender(line: Line) -> None:
    sink = line.sink()
    line.run(deliver(sink, mail(sender="")))
    assert sink.said(b"MAIL") == [b"MAIL FROM:<> SIZE=30"]


@ON_A_PLAIN_LINE
def test_what_the_server_says_is_told_without_addresses(line: Line) -> None:
    reply = '550 5.1.1 <takahashi@example.jp>: "a..b"@docomo.ne.jp is unknown' + " at all" * 100
    [outcome] = line.run(deliver(line.sink({"RCPT": [reply]})))
    assert outcome.says.startswith(
        "The mail server answered 550 to RCPT: 5.1.1 <(address)>: (address) is unknown at all"
    )
    assert len(outcome.says) < 300
