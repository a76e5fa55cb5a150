"""The way into a mail server: its URL, the login, TLS, and whether it is ready."""

from __future__ import annotations

import ssl

import pytest

from pipelines.errors import Misconfigured, Unreachable
from pipelines.ports import Outcome, Verdict
from tests.mail.line import ON_A_PLAIN_LINE, SHORT, Line, mail
from tests.mail.raw_sink import CERTIFICATE, CUT, HANG, Sink
from workers.mail.smtp import SmtpPool

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
