"""A received message is read for what it reports: every sample as its file says, and nothing breaks the reader."""

from __future__ import annotations

import json
import re
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.bounces.message import LONGEST, read
from pipelines.bounces.reasons import bounced, reason_of, without_addresses
from pipelines.bounces.report import Action, Kind, Reason
from tests.bounces import samples


@pytest.mark.parametrize("name", samples.NAMES)
def test_a_sample_says_what_its_file_expects(name: str) -> None:
    assert json.loads(json.dumps(read(samples.raw(name)).to_json())) == samples.expected(name)


def test_samples_cover_every_reason_and_kind() -> None:
    told = [one for name in samples.NAMES for one in samples.expected(name)["recipients"]]
    assert {one["reason"] for one in told if one["kind"] in ("bounce", "delay")} == set(Reason)
    assert {one["kind"] for one in told} == set(Kind)
    assert {one["action"] for one in told} == set(Action)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (
            "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in local recipient table",
            Reason.NO_SUCH_USER,
        ),
        ("550-5.1.1 The email account that you tried to reach does not exist", Reason.NO_SUCH_USER),
        ("550 #5.1.0 Address rejected.", Reason.NO_SUCH_USER),
        ("550 5.2.1 The email account that you tried to reach is disabled", Reason.NO_SUCH_USER),
        ("550 Requested action not taken: mailbox unavailable", Reason.NO_SUCH_USER),
        (
            "Host or domain name not found. Name service error for name=gmial.com type=MX: Host not found",
            Reason.NO_SUCH_HOST,
        ),
        ("550 5.1.2 Bad destination system: no such domain", Reason.NO_SUCH_HOST),
        ("452 4.2.2 The email account that you tried to reach is over quota", Reason.MAILBOX_FULL),
        ("メールボックスの容量を超えています", Reason.MAILBOX_FULL),
        ("450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted", Reason.THROTTLED),
        ("452 4.5.3 Too many recipients", Reason.THROTTLED),
        ("552 5.3.4 Message too big for system", Reason.TOO_LARGE),
        (
            "550 5.7.26 This message does not have authentication information or fails to pass DMARC",
            Reason.SENDER_PROBLEM,
        ),
        ("450 4.1.8 <x@y.example>: Sender address rejected: Domain not found", Reason.SENDER_PROBLEM),
        ("554 5.7.1 <a@b.example>: Relay access denied", Reason.SENDER_PROBLEM),
        ("550 5.7.1 Our system has detected that this message is likely unsolicited mail. blocked", Reason.BLOCKED),
        ("迷惑メールと判定されたため受信を拒否しました", Reason.BLOCKED),
        ("Operation timed out; delivery time expired", Reason.UNREACHABLE),
        ("550 no", Reason.UNDEFINED),
        ("", Reason.UNDEFINED),
    ],
)
def test_a_servers_sentence_has_its_reason(says: str, reason: Reason) -> None:
    assert reason_of(says) is reason


@pytest.mark.parametrize(
    "reason_says", ["550 : User unknown", "550 Unknown user a@docomo.ne.jp (in reply to end of DATA)"]
)
def test_a_carriers_unknown_user_may_be_its_users_filter(reason_says: str) -> None:
    """Only at carriers: elsewhere the word counts."""
    carrier = bounced("a@docomo.ne.jp", Kind.BOUNCE, "5.0.0", reason_says)
    elsewhere = bounced("a@example.jp", Kind.BOUNCE, "5.0.0", reason_says)
    assert (carrier.reason, carrier.hard, carrier.action) == (Reason.FILTERED, False, Action.HOLD_AND_ASK)
    assert (elsewhere.reason, elsewhere.hard) == (Reason.NO_SUCH_USER, True)


def test_what_is_kept_of_a_sentence_names_nobody() -> None:
    says = '550 5.1.1 <taro@example.jp>: "old..style."@docomo.ne.jp\r\n unknown'
    assert without_addresses(says) == "550 5.1.1 <...>: <...> unknown"


def test_ids_are_told_the_surest_first() -> None:
    """A copy's own id comes after the mail's; both may be the one we know it by."""
    assert read(samples.raw("55_resent_copy")).original.message_ids == [samples.MESSAGE_ID, "<copy@salon.example.jp>"]


def addresses_in(raw: bytes) -> str:
    """All text in a message in which an address could stand, decoded or not."""
    return raw.decode("latin-1").lower()


@given(name=st.sampled_from(samples.NAMES), cut=st.integers(0, 3_000))
def test_a_message_cut_off_anywhere_accuses_nobody_else(name: str, cut: int) -> None:
    whole = {one.address for one in read(samples.raw(name)).findings}
    for one in read(samples.raw(name)[:cut]).findings:
        assert any(one.address in known for known in whole) or one.address.lower() in addresses_in(samples.raw(name))


@given(name=st.sampled_from(samples.NAMES), at=st.integers(0, 3_000), bit=st.integers(0, 7))
@example(name="49_relayed", at=465, bit=7)
@example(name="47_out_of_office_outlook", at=13, bit=7)
@example(name="50_exim_warning", at=455, bit=7)
def test_a_flipped_bit_makes_up_no_address(name: str, at: int, bit: int) -> None:
    """Whoever is suppressed stands in the message as it came."""
    raw = bytearray(samples.raw(name))
    raw[at % len(raw)] ^= 1 << bit
    if b"base64" in bytes(raw) or b"quoted-printable" in bytes(raw) or b"=?" in bytes(raw).split(b"message/rfc822")[0]:
        read(bytes(raw))  # what is encoded does not show; that nothing raises is all there is to see
        return
    for one in read(bytes(raw)).findings:
        assert one.address.lower() in addresses_in(bytes(raw))


@given(st.binary(max_size=2_000))
def test_no_bytes_raise(raw: bytes) -> None:
    read(raw)


@given(st.lists(st.sampled_from(["Content-Type: multipart/report; boundary=b", "--b", "--b--", "", "Final-Recipient: rfc822; a@b.example",
    "Content-Type: message/delivery-status", "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "Subject: =?x?q?=zz?=",
    "From: MAILER-DAEMON@x.example", "Content-Type: text/plain; charset=no-such", "\x1b$B", "=?utf-8?b?!!!?=", " folded"]), max_size=40))  # fmt: skip
def test_no_order_of_parts_raises(lines: list[str]) -> None:
    read("\r\n".join(lines).encode("latin-1"))


def test_nesting_ends() -> None:
    """A thousand messages within messages are one text."""
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000))
    assert read(deep).findings == ()
    assert read(b"Content-Type: message/rfc822\r\n\r\n" * 20_000).findings == ()


def test_size_ends() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "MAILER-DAEMON@x.example", "failure notice"
    message.set_content("<a@example.org>:\nno mailbox here\n\n" + "x@y " * LONGEST)
    assert [one.address for one in read(message.as_bytes()).findings] == ["a@example.org"]


def test_many_recipients_end() -> None:
    block = "Final-Recipient: rfc822; a{n}@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    raw = "Content-Type: message/delivery-status\r\n\r\n" + "".join(block.format(n=n) for n in range(3_000))
    assert len(read(raw.encode()).findings) == 100


def test_time_is_in_proportion() -> None:
    """No pattern takes a time out of proportion to the text: what would, would not end here."""
    for filler in (
        "a" * 200_000,
        "<" * 200_000,
        "@" * 200_000,
        "a@" * 100_000,
        "mailbox " * 20_000,
        "(?" * 50_000,
        "\n" * 200_000,
        '"' * 200_000,
    ):
        read(f"From: MAILER-DAEMON@x.example\r\nSubject: failure notice\r\n\r\n{filler}".encode())


def test_no_address_is_found_in_what_is_no_report() -> None:
    assert not re.search("@", json.dumps(read(b"From: a@b.example\r\n\r\nhello x@y.example").to_json()))
