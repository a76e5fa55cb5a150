"""A received message read as a report: delivery reports (RFC 3464), complaints (RFC 5965), automatic answers (RFC 3834), and the
plain texts that older servers send back.

Whatever comes in is answered: nothing here raises for a message, however broken. What is read of one is bounded in size, in parts
and in depth; nothing in it is believed, only looked for (``pipelines.bounces.receiving`` says what has to match).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from quopri import decodestring
from typing import Final

from pipelines.bounces.fields import blocks, read_bytes, words
from pipelines.bounces.free_text import failures, original_in
from pipelines.bounces.reasons import bounced, complained, plain
from pipelines.bounces.report import Finding, Kind, Original, Report

LONGEST: Final = 1_048_576
"""Bytes of a message that are read; what comes after them is left out."""
_MOST_PARTS: Final = 60
_MOST_RECIPIENTS: Final = 100
_MOST_IDS: Final = 20
_NESTING: Final = re.compile(rb"(?i)(?:multipart|message)/")
#: What no address has and bytes in another encoding, or broken ones, are read as: controls, private use, the replacement character.
_GARBLED: Final = re.compile("[\x00-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,250}>")
_RETURNED: Final = frozenset(
    {"message/rfc822", "message/rfc822-headers", "text/rfc822-headers", "message/global", "message/global-headers"}
)
_DELIVERY: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_FEEDBACK: Final = "message/feedback-report"
_ANSWERS: Final = re.compile(
    r"out of (?:the )?office|auto-?(?:matic )?(?:reply|response|reply:)|vacation|away from|autoreply|不在|自動応答|自動返信|自動送信|休暇",
    re.I,
)
_DAEMON: Final = re.compile(
    r"mailer-?daemon|postmaster|mail delivery|mail administrator|mail system|maildelivery|\bmaild\b|bounce|メール配信",
    re.I,
)
_RETURNED_SUBJECT: Final = re.compile(
    r"undeliver|returned mail|failure notice|delivery (?:status|failure|report)|mail (?:system )?error|配信不能|配信エラー|送信エラー|送信できません"
    r"|エラーメール|届けられません|届きません",
    re.I,
)


def read(raw: bytes) -> Report:
    """What ``raw``, a whole message, reports; without findings it is no report. An address of which a byte cannot be read is none.
    Never raises."""
    told = _reported(raw[:LONGEST])
    findings = (replace(one, address="") if _GARBLED.search(one.address) else one for one in told.findings)
    return replace(told, findings=tuple(findings))


def _reported(raw: bytes) -> Report:
    if len(_NESTING.findall(raw)) > _MOST_PARTS:  # nested to harm: read as one text
        head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
        return _of_text(_Read(next(blocks(read_bytes(head, "")), {}), [("text/plain", read_bytes(body, ""))]))
    try:
        parsed = message_from_bytes(raw)
        message = _Read({name.lower(): str(value) for name, value in reversed(parsed.items())}, list(_parts(parsed)))
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # the parser's, of a message that is none
        return Report(Original(), ())
    for content_type, text in message.parts:
        if content_type == _FEEDBACK:
            return _complaint(message, text)
    return _delivery(message) or _of_text(message)


class _Read:
    """A message as it was read: header fields by name in small letters, and its parts as (type, text)."""

    def __init__(self, headers: Mapping[str, str], parts: Sequence[tuple[str, str]]) -> None:
        self.headers = headers
        self.parts = parts

    @property
    def text(self) -> str:
        """What people are meant to read; what was returned is not in it."""
        plain_ones = [text for kind, text in self.parts if kind == "text/plain"]
        others = [_without_tags(text) for kind, text in self.parts if kind == "text/html"]
        return "\n\n".join(plain_ones or others)

    def header(self, name: str) -> str:
        """A header's value with its encoded words read, "" where there is none."""
        return words(self.headers.get(name, ""))

    @property
    def original(self) -> Original:
        """The mail that the message is about."""
        returned = [next(blocks(text), {}) for kind, text in self.parts if kind in _RETURNED]
        about = original_in(self.text) if not returned else {}
        for one in returned:
            about = {**one, **about}
        given = " ".join(
            (
                about.get("message-id", ""),
                about.get("resent-message-id", ""),
                *(self.headers.get(name, "") for name in ("x-original-message-id", "in-reply-to", "references")),
            )
        )
        ids = dict.fromkeys(_MESSAGE_ID.findall(given[:20_000]))
        return Original(list(ids)[:_MOST_IDS], about.get("x-shukka-order", ""), about.get("x-shukka-template", ""))


def _parts(message: Message, depth: int = 0) -> Iterator[tuple[str, str]]:
    """(type, text) of every part that is looked at; a returned message is one part, its headers."""
    kind = message.get_content_type()
    if kind in _DELIVERY or kind == _FEEDBACK or kind in _RETURNED:
        yield kind, _fields_of(message)
    elif message.is_multipart():
        for part in message.get_payload():
            if depth < _MOST_PARTS and isinstance(part, Message):
                yield from _parts(part, depth + 1)
    elif message.get_content_maintype() == "text":
        yield kind, _text_of(message)
    elif message.get_content_maintype() == "multipart":  # its boundary is nowhere: one text
        yield "text/plain", _text_of(message)


def _fields_of(message: Message) -> str:
    """The fields in a part of type message/..., encoded or not; of a returned message those of its head."""
    payload = message.get_payload()
    if not isinstance(payload, list):
        return _text_of(message)
    told = []
    for block in (one for one in payload if isinstance(one, Message)):
        head = "\n".join(f"{name}: {value}" for name, value in block.items())
        inner = block.get_payload()
        told.append(head if head else inner if isinstance(inner, str) else "")
    return _decoded("\n\n".join(told), str(message.get("content-transfer-encoding", "")))


def _decoded(text: str, encoding: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    if encoding.strip().lower() == "base64" and re.fullmatch(r"[A-Za-z0-9+/=\s]*", text):
        try:
            return read_bytes(b64decode(data), "")
        except (binascii.Error, ValueError):
            return text
    if encoding.strip().lower() == "quoted-printable":
        data = decodestring(data)
    return read_bytes(data, "")


def _text_of(message: Message) -> str:
    payload = message.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = message.get_param("charset", "")
    return read_bytes(payload, charset if isinstance(charset, str) else "")


def _without_tags(html: str) -> str:
    return re.sub(r"<(?![^<>\s@]{1,128}@)[^<>]{0,2000}>", " ", html.replace("&lt;", "<").replace("&gt;", ">"))


def _complaint(message: _Read, text: str) -> Report:
    found = next(blocks(text), {})
    told = re.split(r"[,\s]+", found.get("original-rcpt-to", ""))
    addresses = [_address(one) for one in told[:_MOST_RECIPIENTS] if one] or [""]
    return Report(message.original, [complained(one, found.get("feedback-type", "")) for one in addresses])


def _delivery(message: _Read) -> Report | None:
    """What the delivery-status parts say; of a message whose parts cannot be told apart, what looks like one in its text."""
    told = [text for kind, text in message.parts if kind in _DELIVERY]
    told = told or [text for _, text in message.parts if re.search(r"(?mi)^final-recipient:", text)]
    found = [one for text in told for one in blocks(text) if "final-recipient" in one or "original-recipient" in one]
    if not found:
        return None
    alone, text = len(found) == 1, message.text
    findings = [_recipient(one, text if alone else _around(text, _named(one))) for one in found[:_MOST_RECIPIENTS]]
    return Report(message.original, findings)


def _named(told: Mapping[str, str]) -> str:
    """To whom we sent, before whom it was forwarded to."""
    original = _address(told.get("original-recipient", ""))
    return original if "@" in original else _address(told.get("final-recipient", ""))


def _recipient(told: Mapping[str, str], around: str) -> Finding:
    address = _named(told)
    found = re.search(r"[245]\.\d{1,3}\.\d{1,3}", told.get("status", ""))
    status = found[0] if found else ""
    action = re.sub(r"[^a-z].*", "", told.get("action", "").strip().lower())
    kinds = {
        "failed": Kind.BOUNCE,
        "delayed": Kind.DELAY,
        "delivered": Kind.DELIVERED,
        "relayed": Kind.RELAYED,
        "expanded": Kind.DELIVERED,
    }
    by_status = {"5": Kind.BOUNCE, "2": Kind.DELIVERED}.get(status.partition(".")[0], Kind.DELAY)
    kind = kinds.get(action, by_status)
    if kind in (Kind.DELIVERED, Kind.RELAYED):
        return plain(address, kind, status)
    said = re.sub(r"^[A-Za-z0-9-]{1,20};\s*", "", words(told.get("diagnostic-code", "")))
    return bounced(address, kind, status, said, around)


def _address(told: str) -> str:
    """The address of ``rfc822; <name@example.jp>``."""
    return told.partition(";")[2].strip(" \t<>") if ";" in told else told.strip(" \t<>")


def _around(text: str, address: str) -> str:
    """What the text says of one of several recipients."""
    said = [part for part in re.split(r"\n\s*\n", text) if address and address.lower() in part.lower()]
    return "\n".join(said)


def _of_text(message: _Read) -> Report:
    """A message that has no part for machines: from a mail system a failure in words, else an automatic answer, else no report."""
    original = message.original
    subject, sender = message.header("subject"), message.header("from")
    failed = [one.strip() for one in message.header("x-failed-recipients").split(",") if "@" in one]
    if failed or _DAEMON.search(sender) or _RETURNED_SUBJECT.search(subject):
        own = parseaddr(message.header("to"))[1]
        found = failures(f"{subject}\n\n{message.text}", failed, own)[:_MOST_RECIPIENTS]
        if found:
            return Report(original, found)
    automatic = message.header("auto-submitted").strip().lower()
    if (automatic and not automatic.startswith(("no", "auto-generated"))) or _is_answer(message, subject):
        return Report(original, [plain(parseaddr(sender)[1], Kind.AUTO_REPLY)])
    return Report(original, ())


def _is_answer(message: _Read, subject: str) -> bool:
    marks = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply")
    return any(name in message.headers for name in marks) or _ANSWERS.search(subject) is not None
