"""The SMTP sink: what stands on the wire is what the journal says, and it fails the way real servers fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.header import Header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from tests.sandbox.world import Running, eventually, running
from workers.sandbox.faults import Faults
from workers.sandbox.journal import Journal, read
from workers.sandbox.sink import FAULTS, Sink
from workers.sandbox.smtp_server import CHUNKING, MAX_MAIL, PIPELINING, USUAL

SENDER = "orders@salon.example.jp"


def mail(subject: str = "ご注文を承りました", body: str = "髙橋様\r\n") -> bytes:
    message = EmailMessage()
    message["Message-ID"] = "<1@salon.example.jp>"
    message["X-Shukka-Template"] = "order_accepted"
    message["X-Shukka-Order"] = "salon/S-1"
    message["Subject"] = subject
    message.set_content(body)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class Talk:
    """A client that writes bytes as they are and reads whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> str:
        """The last line of the next reply; empty where the connection was cut."""
        while (line := (await self.reader.readline()).decode())[3:4] == "-":
            pass
        return line.strip()

    async def say(self, *lines: str | bytes) -> str:
        for line in lines:
            self.writer.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return await self.reply()

    async def send(self, raw: bytes = b"Subject: x\r\n\r\nhello", to: str = "a@example.jp") -> str:
        """The reply to the final dot, or the first refusal."""
        for line, expected in ((f"MAIL FROM:<{SENDER}>", "250"), (f"RCPT TO:<{to}>", "250"), ("DATA", "354")):
            reply = await self.say(line)
            if not reply.startswith(expected):
                return reply
        try:
            return await self.say(raw, b".")
        except ConnectionError:
            return ""


@asynccontextmanager
async def talking(
    path: Path,
    *,
    rejected: frozenset[str] = frozenset(),
    keep: Path | None = None,
    offers: Sequence[str] = USUAL,
    **faults: float,
) -> AsyncIterator[Talk]:
    switches = Faults(FAULTS)
    switches.set(faults)
    async with Journal(path) as journal:
        sink = Sink(journal, switches, rejected=rejected, keep=keep, offers=offers)
        server = await asyncio.get_running_loop().create_server(sink.connection, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        talk = Talk(reader, writer)
        assert (await talk.reply()).startswith("220 ")
        yield talk
        sink.closing = True
        writer.close()
        server.close()


def test_the_record_of_a_mail_tells_what_it_is_about(tmp_path: Path) -> None:
    with running("sink", tmp_path / "journal", "--http-port", "0") as sink:
        asyncio.run(
            aiosmtplib.send(mail(), sender=SENDER, recipients=["a@example.jp"], hostname="127.0.0.1", port=sink.port)
        )
        [record] = sink.records("mail")
        counters = httpx.get(f"http://127.0.0.1:{sink.ready['http_port']}/counters").json()
        assert sink.stop() == 0
    assert record == {
        "kind": "mail",
        "message_id": "<1@salon.example.jp>",
        "to": ["a@example.jp"],
        "template": "order_accepted",
        "order": "salon/S-1",
        "shipment": None,
        "subject": "ご注文を承りました",
        "bytes": record["bytes"],
    }
    assert counters == {"mails": 1}


def test_a_subject_folded_over_encoded_words_is_joined(tmp_path: Path) -> None:
    subject = "発送のお知らせ" * 12
    folded = Header(subject, "utf-8", maxlinelen=60).encode(linesep="\r\n").encode()

    async def scenario() -> None:
        async with talking(tmp_path / "journal") as talk:
            await talk.send(b"Subject: " + folded + b"\r\n\r\nhello")

    asyncio.run(scenario())
    assert [record["subject"] for record in read(tmp_path / "journal")] == [subject]


@pytest.mark.parametrize("address", ['"user..name"@docomo.ne.jp', "a_b__c@ezweb.ne.jp", "user..name@docomo.ne.jp"])
def test_an_address_is_recorded_as_it_stood_on_the_wire(tmp_path: Path, address: str) -> None:  # formats.md B.7.2
    async def scenario() -> None:
        async with talking(tmp_path / "journal") as talk:
            await talk.send(to=address)

    asyncio.run(scenario())
    assert [record["to"] for record in read(tmp_path / "journal")] == [[address]]


@pytest.mark.parametrize(
    ("wire", "meant"),
    [
        (b"..\r\n", b".\r\n"),
        (
            b"Subject: x\r\n\r\n..hidden\r\n...\r\nplain . dot\r\n",
            b"Subject: x\r\n\r\n.hidden\r\n..\r\nplain . dot\r\n",
        ),
        (b"", b""),
    ],
)
def test_dots_are_put_back(tmp_path: Path, wire: bytes, meant: bytes) -> None:
    async def scenario() -> None:
        async with talking(tmp_path / "journal", keep=tmp_path / "kept") as talk:
            for line in (f"MAIL FROM:<{SENDER}>", "RCPT TO:<a@example.jp>", "DATA"):
                await talk.say(line)
            talk.writer.write(wire + b".\r\n")
            assert (await talk.reply()).startswith("250 ")

    asyncio.run(scenario())
    assert (tmp_path / "kept" / "000001.eml").read_bytes() == meant


def test_mails_that_were_kept_outlive_a_restart(tmp_path: Path) -> None:
    """A later sink writes after what lies there, whatever else does: `shukka up` without SMTP_URL keeps its mails so."""

    async def scenario(text: str) -> None:
        async with talking(tmp_path / "journal", keep=tmp_path / "kept") as talk:
            for line in (f"MAIL FROM:<{SENDER}>", "RCPT TO:<a@example.jp>", "DATA"):
                await talk.say(line)
            talk.writer.write(f"{text}\r\n.\r\n".encode())
            assert (await talk.reply()).startswith("250 ")

    for text in ("first", "second"):
        asyncio.run(scenario(text))
    (tmp_path / "kept" / "000009.eml").write_bytes(b"moved here")
    (tmp_path / "kept" / "note.eml").write_bytes(b"of somebody")
    asyncio.run(scenario("third"))
    kept = {file.name: file.read_bytes().strip() for file in (tmp_path / "kept").iterdir()}
    assert [kept[name] for name in ("000001.eml", "000002.eml", "000010.eml")] == [b"first", b"second", b"third"]


def test_a_pipelined_session_is_answered_in_order(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with talking(tmp_path / "journal", latency=0.05) as talk:
            one = f"MAIL FROM:<{SENDER}> SIZE=9\r\nRCPT TO:<a@example.jp>\r\nDATA\r\n".encode()
            talk.writer.write(b"EHLO x\r\n" + one + b"Subject: 1\r\n\r\n1\r\n.\r\n" + one + b"2\r\n.\r\nQUIT\r\n")
            return [(await talk.reply())[:3] for _ in range(10)]

    assert asyncio.run(scenario()) == ["250", "250", "250", "354", "250", "250", "250", "354", "250", "221"]
    assert [record["subject"] for record in read(tmp_path / "journal")] == ["1", None]


def test_a_mail_may_come_in_chunks(tmp_path: Path) -> None:  # RFC 3030
    begin = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<a@example.jp>\r\n".encode()
    first, rest = b"Subject: x\r\n\r\n.\r\n", b"..\r\nBDAT 3\r\n.\r\n"
    together = begin + b"BDAT %d\r\n%bBDAT %d LAST\r\n%b" % (len(first), first, len(rest), rest)
    apart = begin + b"BDAT %d LAST\r\n%b" % (len(rest), rest) + b"BDAT 2 LAST\r\nxx" + b"BDAT 0 LAST\r\n"

    async def scenario() -> list[str]:
        async with talking(tmp_path / "journal", keep=tmp_path / "kept", offers=(CHUNKING,)) as talk:
            for byte in together:
                talk.writer.write(bytes([byte]))
                await asyncio.sleep(0)
            talk.writer.write(apart + b"BDAT x\r\n")
            return [(await talk.reply())[:3] for _ in range(11)]

    assert asyncio.run(scenario()) == ["250"] * 7 + ["503", "503", "501", ""]
    assert (tmp_path / "kept" / "000001.eml").read_bytes() == first + rest
    assert (tmp_path / "kept" / "000002.eml").read_bytes() == rest


@pytest.mark.parametrize("offers", [(), (PIPELINING,), (PIPELINING, CHUNKING)])
def test_a_sink_offers_what_it_is_told(tmp_path: Path, offers: Sequence[str]) -> None:
    options = [option for offer in offers or ("",) for option in ("--offer", offer)]

    async def offered(port: int) -> set[str]:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port)
        async with client:
            await client.ehlo()
            return {one for one in (PIPELINING, CHUNKING) if client.supports_extension(one)}

    with running("sink", tmp_path / "journal", *options) as sink:
        assert asyncio.run(offered(sink.port)) == set(offers)


def test_a_mail_may_arrive_byte_by_byte(tmp_path: Path) -> None:
    async def scenario() -> str:
        async with talking(tmp_path / "journal") as talk:
            session = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<a@example.jp>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n"
            for byte in session.encode():
                talk.writer.write(bytes([byte]))
                await talk.writer.drain()
                await asyncio.sleep(0)
            return [await talk.reply() for _ in range(4)][-1]

    assert asyncio.run(scenario()).startswith("250 ")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["RCPT TO:<a@example.jp>"], "503"),
        (["DATA"], "503"),
        (["MAIL FROM:<a@b>", "DATA"], "503"),
        (["MAIL FROM:<a@b>", "MAIL FROM:<a@b>"], "503"),
        (["MAIL FROM:a@b"], "501"),
        (["MAIL FROM:<>"], "250"),
        (["MAIL FROM:<a@b>", "RCPT TO:<>"], "501"),
        (["MAIL FROM:<a@b>", "RCPT TO:<a@b>", "RSET", "DATA"], "503"),
        (["VRFY a"], "500"),
        (["noop"], "250"),
        (["HELO x"], "250"),
        (["x" * 5000], "500"),
    ],
)
def test_commands_out_of_order_or_malformed(tmp_path: Path, lines: list[str], code: str) -> None:
    async def scenario() -> str:
        async with talking(tmp_path / "journal") as talk:
            return [await talk.say(line) for line in lines][-1]

    assert asyncio.run(scenario())[:3] == code


def test_a_mail_over_the_size_is_refused_and_the_connection_goes_on(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with talking(tmp_path / "journal") as talk:
            return [(await talk.send(b"x" * (MAX_MAIL + 1)))[:3], (await talk.send())[:3]]

    assert asyncio.run(scenario()) == ["552", "250"]


@pytest.mark.parametrize(
    ("fault", "reply", "taken"),
    [
        ({}, "250", 1),
        ({"refuse_rate": 1.0}, "451", 0),
        ({"cut_before_rate": 1.0}, "", 0),
        ({"cut_after_rate": 1.0}, "", 1),
        ({"latency": 0.05}, "250", 1),
    ],
)
def test_faults(tmp_path: Path, fault: dict[str, Any], reply: str, taken: int) -> None:
    async def scenario() -> str:
        async with talking(tmp_path / "journal", **fault) as talk:
            return await talk.send()

    assert asyncio.run(scenario())[:3] == reply
    assert [record["kind"] for record in read(tmp_path / "journal")].count("mail") == taken


def test_who_goes_without_quit_after_a_final_dot_leaves_a_mail_in_doubt(tmp_path: Path) -> None:
    async def leave(port: int, number: int, *last_words: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        talk = Talk(reader, writer)
        await talk.reply()
        await talk.send(b"Message-ID: <%d@x>\r\n\r\nhello" % number)
        if last_words:
            await talk.say(*last_words)
        writer.close()

    async def scenario(sink: Running) -> None:
        await leave(sink.port, 1)
        await leave(sink.port, 2, "QUIT")
        await leave(sink.port, 3)
        await eventually(lambda: len(sink.records("cut")) >= 2)

    with running("sink", tmp_path / "journal") as sink:
        asyncio.run(scenario(sink))
        assert {record["message_id"] for record in sink.records("cut")} == {"<1@x>", "<3@x>"}


def test_a_rejected_address_is_a_550_and_others_are_taken(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with talking(tmp_path / "journal", rejected=frozenset({"gone@example.jp"})) as talk:
            gone = await talk.send(to="gone@example.jp")
            await talk.say("RSET")
            return [gone[:3], (await talk.send())[:3]]

    assert asyncio.run(scenario()) == ["550", "250"]


def test_every_mail_that_got_its_250_survives_kill_9(tmp_path: Path) -> None:
    async def flood(port: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        talk = Talk(reader, writer)
        await talk.reply()
        taken = 0
        while taken < 50:
            assert (await talk.send()).startswith("250")
            taken += 1
        return taken

    async def all_of_them(port: int) -> list[int]:
        return await asyncio.gather(*(flood(port) for _ in range(4)))

    with running("sink", tmp_path / "journal") as sink:
        taken = sum(asyncio.run(all_of_them(sink.port)))
        sink.kill()
    assert len(sink.records("mail")) == taken


def test_deferred_are_always_the_same_recipients_and_the_others_never(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Journal(tmp_path / "journal") as journal:
            switches = Faults(FAULTS)
            switches.set({"defer_rate": 0.5})
            sink = Sink(journal, switches)
            people = [f"p{number}@example.jp" for number in range(50)]
            first = [sink.screen(one) for one in people]
            assert {reply[:3] for reply in first} == {b"250", b"451"}
            assert [sink.screen(one) for one in people] == first
            assert sink.counters["deferred"] == 2 * sum(reply.startswith(b"451") for reply in first)

    asyncio.run(scenario())


def test_a_greylisted_recipient_is_taken_once_it_has_waited(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Journal(tmp_path / "journal") as journal:
            switches = Faults(FAULTS)
            sink = Sink(journal, switches)
            switches.set({"greylist": 60.0})
            assert sink.screen("a@example.jp").startswith(b"451")
            assert sink.screen("a@example.jp").startswith(b"451")
            switches.set({"greylist": 1e-9})
            assert sink.screen("a@example.jp").startswith(b"250")
            assert sink.counters["greylisted"] == 2

    asyncio.run(scenario())
