"""The bytes of a mail: whatever goes in, the standard library's parser reads the same back, and no line is too long.

That holds for the mail as it goes over the wire and, lines apart, for the mail as it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mail.reading import parse
from workers.mail import message
from workers.mail.lines import Lines, with_line_ends

LONG_NAME = "株式会社とても長い名前の美容室グループ東海支社名古屋栄本店ヘアカラー事業部第一課仕入担当"
NAMES = [
    "髙橋 﨑子",
    "Taro Yamada",
    'Smith, John "Jack"',
    "back\\slash",
    "👩‍💻 サロン 🎀",
    "An organisation with a name that is a good deal longer than a line of a mail may ever be",
    "=?utf-8?b?44GC?=",
    "",
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def kept(*headers: str, text: str = "text", html: str = "<p>html</p>") -> bytes:
    return message.assemble(headers, text=text, html=html, boundary="=_b")


def mail(*headers: str, text: str = "text", html: str = "<p>html</p>") -> bytes:
    return message.encoded(kept(*headers, text=text, html=html))


@pytest.mark.parametrize("name", NAMES)
def test_a_display_name_is_read_back(name: str) -> None:
    mailbox = parse(mail(message.mailbox("To", name, "taro@example.jp")))["To"].addresses[0]
    assert (mailbox.display_name, mailbox.addr_spec) == (name, "taro@example.jp")


@pytest.mark.parametrize("name", [LONG_NAME, LONG_NAME * 4, "long ASCII " * 50, "👩‍💻" * 20])
def test_a_display_name_longer_than_an_encoded_word_is_read_back(name: str) -> None:
    """RFC 2047 6.2: space between adjacent encoded words counts for nothing. The address parser of CPython 3.11 keeps
    it, so the older decoder, which follows the RFC, reads here."""
    header = message.mailbox("To", name, "taro@example.jp").removeprefix("To: ")
    display, address = parseaddr(str(make_header(decode_header(header))))
    assert (display, address) == (name.strip(), "taro@example.jp")


@pytest.mark.parametrize("subject", [*NAMES, "x" * 300, "【サロン】" + "発送のお知らせ" * 30, "mixed 混在 " * 20])
def test_a_subject_is_read_back(subject: str) -> None:
    assert parse(mail(message.unstructured("Subject", subject)))["Subject"] == subject.strip()


@given(ANY_TEXT)
def test_any_subject_is_read_back_without_its_controls(subject: str) -> None:
    assert parse(mail(message.unstructured("Subject", subject)))["Subject"] == message.clean(subject)


@given(ANY_TEXT)
def test_no_text_can_add_a_header(text: str) -> None:
    parsed = parse(mail(message.unstructured("Subject", text), message.mailbox("To", text, "taro@example.jp")))
    assert parsed.keys() == ["Subject", "To", "MIME-Version", "Content-Type"]


@pytest.mark.parametrize("separator", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_a_line_break_of_any_kind_becomes_a_space(separator: str) -> None:
    assert message.unstructured("Subject", f"a{separator}Bcc: x@example.jp") == "Subject: a Bcc: x@example.jp"


@pytest.mark.parametrize(
    "address", ["a@b\r\nBcc: x@y", "a b@c.example", "a@b>,<x@y", "a@b@c", "山田@example.jp", "a@exa mple.jp", ""]
)
def test_an_address_that_would_break_out_of_its_header_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a mail header"):
        message.mailbox("To", "Taro", address)


def test_a_quoted_local_part_keeps_its_quotes_beside_a_name() -> None:
    """B.7.2: the EmailMessage API loses them."""
    header = message.mailbox("To", "山田", '"user..name"@docomo.ne.jp')
    assert header.endswith('<"user..name"@docomo.ne.jp>')
    assert parse(mail(header))["To"].addresses[0].username == "user..name"


@given(text=ANY_TEXT, html=ANY_TEXT)
def test_bodies_are_read_back_line_by_line(text: str, html: str) -> None:
    for raw in (mail("Subject: s", text=text, html=html), kept("Subject: s", text=text, html=html)):
        parsed = parse(raw)
        for kind, sent in (("plain", text), ("html", html)):
            part = parsed.get_body((kind,))
            assert part is not None
            received = part.get_payload(decode=True)
            assert isinstance(received, bytes)
            lines = re.split("\r\n|\r|\n", sent.rstrip())
            assert received.decode() == "\r\n".join(lines) + "\r\n"


@given(name=ANY_TEXT, text=ANY_TEXT)
def test_every_line_ends_with_crlf_and_none_is_too_long(name: str, text: str) -> None:
    """RFC 5322: 998; RFC 2045 and 2047: 76 where a line holds encoded content."""
    raw = mail(message.unstructured("Subject", name), message.mailbox("To", name, "taro@example.jp"), text=text)
    lines = raw.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert all(len(line) <= (998 if line.startswith(b"To: ") and b"=?utf-8?" not in line else 76) for line in lines)


@given(name=ANY_TEXT, text=ANY_TEXT)
def test_the_wire_needs_no_8bit_server_and_encoding_twice_changes_nothing(name: str, text: str) -> None:
    raw = mail(message.unstructured("Subject", name), text=text)
    assert raw.isascii()
    assert message.encoded(raw) == raw


@pytest.mark.parametrize(
    "attack",
    [
        "\r\n--=_b--\r\n",
        "\r\n--=_b\r\nContent-Type: text/html\r\n\r\n<script>",
        "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        '\r\nContent-Type: multipart/alternative; boundary="x"\r\n\r\n--x\r\n',
    ],
)
@pytest.mark.parametrize("make", [kept, mail])
def test_no_body_can_end_its_part_or_begin_another(make: Callable[..., bytes], attack: str) -> None:
    """The boundary is made of what a customer may know; one that stands in a body is not used."""
    parsed = parse(make("Subject: s", text=f"before{attack}after", html=f"<p>{attack}</p>"))
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    part = parsed.get_body(("plain",))
    assert part is not None
    assert part.get_payload(decode=True) == f"before{attack}after\r\n".encode()


def test_what_is_no_mail_of_ours_is_left_alone() -> None:
    assert message.encoded(b"Subject: order\r\n\r\nThank you.\r\n") == b"Subject: order\r\n\r\nThank you.\r\n"


_BEGUN = b'Subject: x\r\nContent-Type: multipart/alternative; boundary="=_b"\r\n\r\n'


@given(
    st.text(alphabet="a.\r\n").map(str.encode),
    st.text(alphabet="a.\r\n").map(str.encode),
    st.sampled_from([b"8bit", b"7bit"]),
)
def test_what_is_called_lines_has_no_other_line_ends(head: bytes, body: bytes, encoding: bytes) -> None:
    """Whatever is kept: nothing in it can end the message early, and nobody looks again (SMTP smuggling)."""
    part = b"\r\n--=_b\r\nX: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (head, encoding, body)
    wire = message.encoded(head + _BEGUN + part + part + b"\r\n--=_b--" + head)
    assert isinstance(wire, Lines)
    assert with_line_ends(bytes(wire)) == wire


def test_no_line_of_a_mail_is_longer_than_78_columns() -> None:
    """RFC 5322 2.1.1, with the longest boundary there is; what was stored before still finds its parts."""
    mail = message.assemble(["Subject: x"], text="本文" * 200, html="<p>本文</p>" * 200, boundary="=_" + "f" * 64)
    wire = message.encoded(mail)
    assert max(map(len, wire.split(b"\r\n"))) <= 78
    before = mail.replace(b"alternative;\r\n boundary", b"alternative; boundary")
    assert message.encoded(before).count(b"base64") == wire.count(b"base64") == 2
