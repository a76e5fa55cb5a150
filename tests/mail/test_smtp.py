"""What becomes of a mail, whatever the mail server does; with the bytes on the wire as the evidence."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Misconfigured, Unreachable
from pipelines.ports import Outcome, RenderedMail, Verdict
from tests.mail.raw_sink import CERTIFICATE, CUT, HANG, Sink
from workers.mail.smtp import SmtpPool, as_transmitted

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

SHORT = 0.5
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


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Runs a coroutine on either event loop that the service may have."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


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
def test_the_envelope_goes_over_the_wire_as_it_is(run: Run[list[Outcome]], recipient: str) -> None:
    sink = Sink()
    [outcome] = run(deliver(sink, mail(recipient)))
    assert outcome == Outcome(Verdict.OK, reference="2.0.0 Ok: queued as 1")
    assert sink.said(b"RCPT") == [b"RCPT TO:<" + recipient.encode() + b">"]
    assert sink.said(b"MAIL") == [b"MAIL FROM:<shop@salon.example> SIZE=30"]


def test_the_message_goes_over_the_wire_byte_by_byte(run: Run[list[Outcome]]) -> None:
    raw = "Subject: x\r\nTo: 髙橋 <a@example.jp>\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n".encode()
    sink = Sink()
    run(deliver(sink, mail(raw=raw)))
    [received] = sink.messages
    assert raw[:1] + received == raw.replace(b"\r\n.", b"\r\n..")
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
    assert as_transmitted(raw) == transmitted


@given(st.text(alphabet="a.\r\n").map(str.encode))
def test_no_message_can_hold_its_own_end(raw: bytes) -> None:
    lines = as_transmitted(raw).split(b"\r\n")
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
    run: Run[list[Outcome]], step: str, reply: str, verdict: Verdict, code: str
) -> None:
    refused, following = run(deliver(Sink({step: [reply]}), mail(), mail()))
    assert (refused.verdict, refused.code) == (verdict, code)
    assert refused.says.startswith(("The mail server", "No ", "A strange answer"))
    assert following.verdict is Verdict.OK


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
@pytest.mark.parametrize("silence", [CUT, HANG])
def test_silence_before_the_final_dot_means_surely_not_taken(run: Run[list[Outcome]], step: str, silence: str) -> None:
    sink = Sink({step: [silence]})
    [outcome] = run(deliver(sink, mail(raw=MORE_THAN_BUFFERS_HOLD if step == "BODY" else b""), timeout=SHORT))
    assert outcome.verdict is Verdict.RETRY
    assert sink.messages == []


@pytest.mark.parametrize(("silence", "code"), [(CUT, "lost"), (HANG, "timeout")])
def test_silence_after_the_final_dot_leaves_the_mail_in_doubt(run: Run[list[Outcome]], silence: str, code: str) -> None:
    sink = Sink({".": [silence]})
    [outcome] = run(deliver(sink, timeout=SHORT))
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, code)
    assert len(sink.messages) == 1


def test_a_mail_in_doubt_is_not_sent_again_over_another_connection(run: Run[list[Outcome]]) -> None:
    sink = Sink({".": ["250 ok", CUT]})
    first, second = run(deliver(sink, mail(), mail()))
    assert (first.verdict, second.verdict) == (Verdict.OK, Verdict.UNKNOWN)
    assert len(sink.messages) == 2
    assert sink.connections == 1


def test_nobody_listening_means_retry(run: Run[Outcome]) -> None:
    async def after_it_closed() -> Outcome:
        async with Sink() as sink:
            pass
        return await SmtpPool(sink.url, timeout=5).deliver(mail())

    outcome = run(after_it_closed())
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "connect")


def test_twenty_mails_need_one_connection(run: Run[list[Outcome]]) -> None:
    sink = Sink()
    outcomes = run(deliver(sink, *[mail()] * 20))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK] * 20
    assert sink.connections == 1
    assert len(sink.messages) == 20
    assert sink.commands[-1] == b"QUIT"


def test_a_refused_recipient_does_not_cost_the_connection(run: Run[list[Outcome]]) -> None:
    sink = Sink({"RCPT": ["550 no such user"]})
    run(deliver(sink, mail("gone@example.jp"), mail("here@example.jp")))
    assert sink.connections == 1
    assert [command.split(b" ")[0] for command in sink.commands] == (b"EHLO MAIL RCPT RSET MAIL RCPT DATA QUIT".split())


def test_a_connection_is_given_up_after_its_number_of_mails(run: Run[list[Outcome]]) -> None:
    sink = Sink()
    run(deliver(sink, *[mail()] * 5, mails_per_connection=2))
    assert sink.connections == 3


def test_a_connection_that_was_idle_too_long_is_not_trusted(run: Run[list[Outcome]]) -> None:
    sink = Sink()
    run(deliver(sink, *[mail()] * 3, max_idle=-1))
    assert sink.connections == 3
    assert len(sink.said(b"QUIT")) == 3


def test_a_connection_that_was_slow_once_carries_no_further_mail(run: Run[list[Outcome]]) -> None:
    """Behind a relay it is one recipient's domain that was slow: the next mail is for another."""
    sink = Sink()
    assert [one.verdict for one in run(deliver(sink, *[mail()] * 3, slow=-1))] == [Verdict.OK] * 3
    assert sink.connections == 3


@pytest.mark.parametrize("noticed", [True, False])
def test_a_kept_connection_the_server_closed_costs_nothing(run: Run[Outcome], noticed: bool) -> None:
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

    sink = Sink()
    assert run(after_the_server_hung_up(sink)).verdict is Verdict.OK
    assert sink.connections == 2
    assert len(sink.messages) == 2


@pytest.mark.parametrize("farewell", ["421 idle too long", CUT])
def test_a_server_that_takes_leave_at_the_next_mail_costs_nothing(run: Run[list[Outcome]], farewell: str) -> None:
    sink = Sink({"MAIL": ["250 ok", farewell]})
    outcomes = run(deliver(sink, mail(), mail()))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK, Verdict.OK]
    assert sink.connections == 2


def test_a_pool_sends_as_many_mails_at_once_as_it_has_connections(run: Run[list[Outcome]]) -> None:
    async def all_at_once(sink: Sink) -> list[Outcome]:
        async with sink:
            pool = SmtpPool(sink.url, size=8)
            outcomes = await asyncio.gather(*(pool.deliver(mail(f"{n}@example.jp")) for n in range(40)))
            await pool.aclose()
            return outcomes

    sink = Sink(seconds_a_mail=0.02)
    outcomes = run(all_at_once(sink))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK] * 40
    assert sink.connections == sink.most_at_once == 8
    assert sorted(sink.said(b"RCPT")) == sorted(f"RCPT TO:<{n}@example.jp>".encode() for n in range(40))


def test_a_mail_that_another_process_may_be_sending_by_now_keeps_its_final_dot(run: Run[list[Outcome]]) -> None:
    async def pause_before_the_dot(sink: Sink) -> list[Outcome]:
        async with sink:
            pool = SmtpPool(sink.url, timeout=5)
            outcomes = [await pool.deliver(mail(), held=lambda: False), await pool.deliver(mail())]
            await pool.aclose()
            return outcomes

    sink = Sink()
    late, sent = run(pause_before_the_dot(sink))
    assert (late.verdict, late.code, sent.verdict) == (Verdict.RETRY, "lease_ended", Verdict.OK)
    assert len(sink.messages) == 1


def test_a_cancelled_delivery_leaves_no_half_used_connection_behind(run: Run[Outcome]) -> None:
    async def cancel_one_then_send_another(sink: Sink) -> Outcome:
        async with sink:
            pool = SmtpPool(sink.url, size=1)
            await pool.deliver(mail())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pool.deliver(mail()), 0.1)
            outcome = await pool.deliver(mail())
            await pool.aclose()
            return outcome

    sink = Sink({"RCPT": ["250 ok", HANG]})
    assert run(cancel_one_then_send_another(sink)) == Outcome(Verdict.OK, reference="2.0.0 Ok: queued as 2")
    assert sink.connections == 2


@pytest.mark.parametrize(
    "address", ["", "no-at-sign", "a b@example.jp", "a@b>\r\nRCPT TO:<c@d.jp", "髙橋@example.jp", "a@b c"]
)
def test_an_envelope_that_could_break_the_dialogue_is_declined_unsent(run: Run[list[Outcome]], address: str) -> None:
    sink = Sink()
    [outcome] = run(deliver(sink, mail(address)))
    assert (outcome.verdict, outcome.code) == (Verdict.DECLINED, "address")
    assert sink.connections == 0


def test_a_mail_that_wants_no_bounces_has_the_null_sender(run: Run[list[Outcome]]) -> None:
    sink = Sink()
    run(deliver(sink, mail(sender="")))
    assert sink.said(b"MAIL") == [b"MAIL FROM:<> SIZE=30"]


def test_what_the_server_says_is_told_without_addresses(run: Run[list[Outcome]]) -> None:
    reply = '550 5.1.1 <takahashi@example.jp>: "a..b"@docomo.ne.jp is unknown' + " at all" * 100
    [outcome] = run(deliver(Sink({"RCPT": [reply]})))
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


def test_user_and_password_are_taken_from_the_url(run: Run[Outcome]) -> None:
    sink = Sink()
    assert run(deliver_with_login(sink)).verdict is Verdict.OK
    [login] = sink.said(b"AUTH")
    assert login == b"AUTH PLAIN AHNob3BAc2Fsb24uZXhhbXBsZQBwQHNzOncvw7Y="


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
def test_a_wrong_password_loses_no_mail_and_is_never_shown(
    run: Run[Outcome], script: dict[str, list[str]], code: str
) -> None:
    outcome = run(deliver_with_login(Sink(script), SHORT))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code)
    assert SECRET not in outcome.says


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_mails_go_out_over_tls(run: Run[list[Outcome]], scheme: str) -> None:
    async def over_tls(sink: Sink, trusted: ssl.SSLContext | None) -> list[Outcome]:
        async with sink:
            pool = SmtpPool(f"{scheme}://localhost:{sink.port}", tls=trusted, timeout=5)
            outcomes = [await pool.deliver(mail()), await pool.deliver(mail())]
            await pool.aclose()
            return outcomes

    script = {"EHLO": ["250-sink\r\n250 STARTTLS"]}
    sink = Sink(script, tls=scheme == "smtps")
    outcomes = run(over_tls(sink, ssl.create_default_context(cafile=str(CERTIFICATE))))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK, Verdict.OK]
    assert sink.connections == 1

    untrusted = run(over_tls(Sink(script, tls=scheme == "smtps"), None))
    assert [(outcome.verdict, outcome.code) for outcome in untrusted] == [(Verdict.RETRY, "connect")] * 2


def test_starttls_is_never_skipped(run: Run[Outcome]) -> None:
    async def without_starttls(sink: Sink) -> Outcome:
        async with sink:
            return await SmtpPool(f"smtp+starttls://127.0.0.1:{sink.port}", timeout=5).deliver(mail())

    sink = Sink()
    outcome = run(without_starttls(sink))
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


def test_readiness_is_the_server_s_answer_now(run: Run[None]) -> None:
    async def check_twice(sink: Sink) -> None:
        async with sink:
            pool = SmtpPool(sink.url, timeout=5)
            await pool.check()
            await pool.check()
            await pool.aclose()

    sink = Sink({"NOOP": ["250 ok", CUT]})
    run(check_twice(sink))
    assert sink.connections == 2


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"CONNECT": ["554 no service"] * 2}, "it answered 554"),
        ({"CONNECT": [HANG] * 2}, "did not answer in time"),
        ({"NOOP": [CUT] * 2}, "does not answer"),
        ({"AUTH": ["535 no"] * 2}, "answered 535 to the login; check user and password in SMTP_URL"),
    ],
)
def test_a_server_that_is_not_ready_is_named(run: Run[None], script: dict[str, list[str]], sentence: str) -> None:
    async def check(sink: Sink) -> None:
        async with sink:
            await SmtpPool(with_login(sink), timeout=SHORT).check()

    with pytest.raises(Unreachable, match=sentence):
        run(check(Sink(script)))
