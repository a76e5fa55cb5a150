"""What becomes of a mail, whatever the mail server does; with the bytes on the wire as the evidence."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Misconfigured, Unreachable
from pipelines.ports import Outcome, RenderedMail, Verdict
from tests.mail.raw_sink import CERTIFICATE, CUT, HANG, Sink
from workers.mail.lines import dots_doubled, with_line_ends
from workers.mail.smtp import SmtpPool

T = TypeVar("T")

SHORT = 0.2
MORE_THAN_BUFFERS_HOLD = b"Subject: x\r\n\r\n" + b"x" * 20_000_000


def mail(to: str = "takahashi@example.jp", *, sender: str = "shop@salon.example", raw: bytes = b"") -> RenderedMail:
    return RenderedMail(
        message_id="<1@salon.example>",
        template="order_accepted",
        envelope_from=sender,
        envelope_to=to,
        subject="ご注文",
        raw=raw or b"Subject: order\r\n\r\nThank you.\r\n",
    )


class Line:
    """Runs coroutines on an event loop that the service may have, before mail servers that offer the same extensions."""

    def __init__(self, runner: asyncio.Runner, offers: Sequence[str]) -> None:
        self._runner = runner
        self.offers = offers

    @property
    def steps(self) -> Sequence[str]:
        """The steps of one mail, up to the end of its message."""
        return ("MAIL", "RCPT", "BODY", ".") if self.is_chunked else ("MAIL", "RCPT", "DATA", "BODY", ".")

    @property
    def is_chunked(self) -> bool:
        return "CHUNKING" in self.offers

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def sink(self, script: Mapping[str, Sequence[str]] | None = None, **options: Any) -> Sink:
        return Sink(script or {}, offers=self.offers, **options)


LINES = {
    "plain": (asyncio.new_event_loop, ()),
    "plain, uvloop": (uvloop.new_event_loop, ()),
    "PIPELINING": (asyncio.new_event_loop, ("PIPELINING",)),
    "PIPELINING and CHUNKING": (asyncio.new_event_loop, ("PIPELINING", "CHUNKING")),
    "PIPELINING and CHUNKING, uvloop": (uvloop.new_event_loop, ("PIPELINING", "CHUNKING")),
}


@pytest.fixture(params=LINES)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """What becomes of a mail is the same on each (RFC 5321, 2920, 3030)."""
    loop, offers = LINES[request.param]
    with asyncio.Runner(loop_factory=loop) as runner:
        yield Line(runner, offers)


def _skip_unless(applies: bool) -> None:
    """A message in a chunk is not announced by DATA."""
    if not applies:
        pytest.skip("this line has no such step")


#: What comes before the first mail, or instead of it, is the same whatever the server offers.
ON_A_PLAIN_LINE = pytest.mark.parametrize("line", ["plain"], indirect=True)


async def deliver(sink: Sink, *mails: RenderedMail, timeout: float = 5, **options: Any) -> list[Outcome]:
    """The outcomes of ``mails``, one after the other over one pool."""
    async with sink:
        pool = SmtpPool(options.pop("url", None) or sink.url, timeout=timeout, **options)
        outcomes = [await pool.deliver(one) for one in mails or (mail(),)]
        await pool.aclose()
        return outcomes


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
    [outcome] = line.run(deliver(sink, timeout=SHORT))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, code)
    assert len(sink.messages) == 1


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


SECRET = "p@ss:w/ö"
SECRET_IN_URL = "p%40ss%3Aw%2F%C3%B6"


def with_login(sink: Sink) -> str:
    return f"smtp://shop%40salon.example:{SECRET_IN_URL}@127.0.0.1:{sink.port}"


async def deliver_with_login(sink: Sink, timeout: float = 5) -> Outcome:
    async with sink:
        pool = SmtpPool(with_login(sink), timeout=timeout)
        outcome = await pool.deliver(mail())
        await pool.aclose()
        return outcome


@ON_A_PLAIN_LINE
def test_user_and_password_are_taken_from_the_url(line: Line) -> None:
    sink = line.sink()
    assert line.run(deliver_with_login(sink)).verdict is Verdict.OK
    [login] = sink.said(b"AUTH")
    assert login == b"AUTH PLAIN AHNob3BAc2Fsb24uZXhhbXBsZQBwQHNzOncvw7Y="


@ON_A_PLAIN_LINE
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ({"AUTH": ["535 bad credentials p@ss:w/ö"]}, "auth"),
        ({"AUTH": ["454 not now"]}, "auth"),
        ({"EHLO": ["250 no extensions"]}, "auth"),
        ({"EHLO": ["250-sink\r\n250 AUTH GSSAPI"]}, "auth"),
        ({"AUTH": [CUT]}, "connect"),
        ({"AUTH": [HANG]}, "connect"),
    ],
)
def test_a_wrong_password_loses_no_mail_and_is_never_shown(line: Line, script: dict[str, list[str]], code: str) -> None:
    outcome = line.run(deliver_with_login(line.sink(script), SHORT))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code)
    assert SECRET not in outcome.says


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_mails_go_out_over_tls(line: Line, scheme: str) -> None:
    async def over_tls(sink: Sink, trusted: ssl.SSLContext | None) -> list[Outcome]:
        async with sink:
            pool = SmtpPool(f"{scheme}://localhost:{sink.port}", tls=trusted, timeout=5)
            outcomes = [await pool.deliver(mail()), await pool.deliver(mail())]
            await pool.aclose()
            return outcomes

    script = {"EHLO": ["250-sink\r\n250 STARTTLS"]}
    sink = line.sink(script, tls=scheme == "smtps")
    outcomes = line.run(over_tls(sink, ssl.create_default_context(cafile=str(CERTIFICATE))))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK, Verdict.OK]
    assert sink.connections == 1

    untrusted = line.run(over_tls(line.sink(script, tls=scheme == "smtps"), None))
    assert [(outcome.verdict, outcome.code) for outcome in untrusted] == [(Verdict.RETRY, "connect")] * 2


@ON_A_PLAIN_LINE
def test_starttls_is_never_skipped(line: Line) -> None:
    async def without_starttls(sink: Sink) -> Outcome:
        async with sink:
            return await SmtpPool(f"smtp+starttls://127.0.0.1:{sink.port}", timeout=5).deliver(mail())

    sink = line.sink()
    outcome = line.run(without_starttls(sink))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "connect")
    assert sink.said(b"MAIL") == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:25",
        "http://localhost",
        "smtp://",
        "smtp://shop:p/ss@localhost:25",
        "smtp://shop:p#ss@localhost:25",
        "smtp://shop:pass@localhost:99999",
        "smtp://shop:pass@[::1:25",
    ],
)
def test_a_wrong_url_is_refused_at_once_without_repeating_it(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"^SMTP_URL: it must ") as refusal:
        SmtpPool(url)
    assert "p/ss" not in str(refusal.value)
    assert "p#ss" not in str(refusal.value)


def test_a_pool_never_shows_its_password() -> None:
    pool = SmtpPool(f"smtps://shop:{SECRET_IN_URL}@mail.example")
    assert repr(pool) == "SmtpPool(mail.example:465)"
    assert SECRET not in repr(vars(pool))


def test_readiness_is_the_server_s_answer_now(line: Line) -> None:
    async def check_twice(sink: Sink) -> None:
        async with sink:
            pool = SmtpPool(sink.url, timeout=5)
            await pool.check()
            await pool.check()
            await pool.aclose()

    sink = line.sink({"NOOP": ["250 ok", CUT]})
    line.run(check_twice(sink))
    assert sink.connections == 2


@ON_A_PLAIN_LINE
@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"CONNECT": ["554 no service"] * 2}, "it answered 554"),
        ({"CONNECT": [HANG] * 2}, "did not answer in time"),
        ({"NOOP": [CUT] * 2}, "does not answer"),
        ({"AUTH": ["535 no"] * 2}, "answered 535 to the login; check user and password in SMTP_URL"),
    ],
)
def test_a_server_that_is_not_ready_is_named(line: Line, script: dict[str, list[str]], sentence: str) -> None:
    async def check(sink: Sink) -> None:
        async with sink:
            await SmtpPool(with_login(sink), timeout=SHORT).check()

    with pytest.raises(Unreachable, match=sentence):
        line.run(check(line.sink(script)))
