"""The mailbox of reports: each message kept before it is marked as seen, whatever happens in between."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from email import message_from_bytes
from threading import Thread

import pytest
from sqlalchemy import text

from models.store.review import Which
from pipelines.errors import Misconfigured, Unreachable
from pipelines.review.queue import waiting
from tests.bounces import samples
from tests.bounces.imap import ImapServer
from tests.mail.raw_sink import CERTIFICATE
from tests.world import World, document
from workers.bounces.mailbox import Mailbox
from workers.pacemaker import bounces

TO = "takahashi@example.jp"


@pytest.fixture
def server(world: World) -> Iterator[ImapServer]:
    """A mailbox with a bounce of S-1's first mail, an automatic answer, and a letter that is no report."""
    world.take(document("S-1"))
    world.settle()
    about = str(message_from_bytes(world.postbox.taken[0])["Message-ID"])
    server = ImapServer(
        [
            samples.about("01_postfix_user_unknown", about, TO, "nobody@example.jp"),
            samples.raw("13_out_of_office"),
            samples.raw("48_a_customers_answer"),
        ]
    )
    yield server
    server.close()


def look(world: World, server: ImapServer, password: str = "p%20w") -> None:
    """What the clock does once a minute."""
    url = f"imap://bounces:{password}@127.0.0.1:{server.port}/INBOX"
    settings = world.house.settings.model_copy(update={"shukka_bounces_url": url})
    world.clock.advance(minutes=1)
    bounces(replace(world.house, settings=settings)).look()


def kept(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM inbox_event WHERE source = 'mail:mailbox' ORDER BY id")]


def test_what_lies_there_is_taken_once_and_marked(world: World, server: ImapServer) -> None:
    look(world, server)
    assert world.show()["mails"][0]["state"] == "bounced"
    assert sorted(kept(world)) == ["applied", "ignored", "ignored"]
    assert server.seen == {1, 2, 3}
    look(world, server)
    assert len(kept(world)) == 3


def test_nothing_is_marked_that_was_not_kept(world: World, server: ImapServer) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox_event RENAME TO away"))
    look(world, server)
    assert server.seen == set()
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO inbox_event"))
        connection.execute(text("UPDATE job SET leased_until = NULL"))
    look(world, server)
    assert server.seen == {1, 2, 3}
    assert len(kept(world)) == 3


def test_what_was_kept_and_not_marked_is_known_the_next_time(world: World, server: ImapServer) -> None:
    server.refuses = "UID STORE"
    look(world, server)
    assert (len(kept(world)), server.seen) == (3, set())
    server.refuses = ""
    world.execute("UPDATE job SET leased_until = NULL")
    look(world, server)
    assert (len(kept(world)), server.seen) == (3, {1, 2, 3})
    assert world.value("SELECT count(*) FROM mail_bounce") == 1


@pytest.mark.parametrize("refuses", ["LOGIN", "SELECT", "UID SEARCH", "UID FETCH"])
def test_a_server_that_says_no_is_asked_again_later(world: World, server: ImapServer, refuses: str) -> None:
    server.refuses = refuses
    look(world, server)
    assert kept(world) == []
    with world.engine.connect() as connection:
        seen = [one.which for one in waiting(connection, world.clock.now(), Which("job"))]
    assert seen == ([] if refuses == "UID FETCH" else ["bounces"]), "a message alone may be the fault of that message"
    server.refuses = ""
    world.execute("UPDATE job SET leased_until = NULL")
    look(world, server)
    assert len(kept(world)) == 3


def test_what_keeps_the_mailbox_shut_is_said(world: World, server: ImapServer) -> None:
    """Without user and password; "error at imaplib.py:1035" told nobody which of the settings is wrong."""

    def said() -> str:
        world.execute("UPDATE job SET leased_until = NULL")
        return str(world.value("SELECT error FROM job WHERE name = 'bounces'"))

    place = f"127.0.0.1:{server.port}"
    look(world, server, password="wrong")
    assert said() == f"Unreachable: {place} refuses the login; check user and password in SHUKKA_BOUNCES_URL"
    server.refuses = "SELECT"
    look(world, server)
    assert said() == f"Unreachable: {place} does not open the folder that SHUKKA_BOUNCES_URL names"
    server.refuses = "UID SEARCH"
    look(world, server)
    assert said() == f"Unreachable: {place} refuses to tell what lies there, or to mark it"
    server.close()
    look(world, server)
    assert said() == f"Unreachable: {place} cannot be reached: Connection refused"


def test_a_certificate_that_is_not_trusted_opens_no_mailbox() -> None:
    """What is told is OpenSSL's word for it; neither user nor password was sent."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            line, _ = listening.accept()
            with suppress(OSError), tls.wrap_socket(line, server_side=True):
                pass

        Thread(target=serve, daemon=True).start()
        mailbox = Mailbox.read(f"imaps://bounces:secret@localhost:{listening.getsockname()[1]}")
        with pytest.raises(Unreachable, match="its certificate is not trusted: self-signed"), mailbox.opened():
            pass


def test_one_message_that_the_server_does_not_give_keeps_no_other_waiting(world: World, server: ImapServer) -> None:
    server.refuses = "UID FETCH 2"
    look(world, server)
    assert world.show()["mails"][0]["state"] == "bounced"
    assert (len(kept(world)), server.seen) == (2, {1, 3})
    server.refuses = ""
    look(world, server)
    assert (len(kept(world)), server.seen) == (3, {1, 2, 3})


def test_a_server_that_is_away_keeps_nobody_waiting(world: World, server: ImapServer) -> None:
    server.close()
    look(world, server)
    assert kept(world) == []


def test_without_a_mailbox_nothing_is_looked_for(world: World) -> None:
    assert bounces(world.house).look() == []


@pytest.mark.parametrize("url", ["http://a:b@host", "imaps://host", "imaps://", "imaps://a:b@host:port", "swordfish"])
def test_what_names_no_mailbox_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match="SHUKKA_BOUNCES_URL") as refused:
        Mailbox.read(url)
    assert "b@" not in str(refused.value)


def test_where_the_mailbox_is() -> None:
    assert Mailbox.read("imaps://a%40b:c%2Fd@host/Reports%20in") == Mailbox(
        True, "host", 993, "a@b", "c/d", "Reports in"
    )
    assert Mailbox.read("imap://u:p@host:1143") == Mailbox(False, "host", 1143, "u", "p", "INBOX")
