"""How mails are kept: whatever was packed once is read for ever, and a mail is small enough to stay in its row."""

from __future__ import annotations

import asyncio
import math
from hashlib import sha256
from importlib.resources import files

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from models.mail_packing import UnknownDictionary, pack, shipped, unpack
from models.store.mails import QueuedMailRow
from pipelines.ports import Outcome, Verdict
from templates_mail import LOCALES
from tests.outside import Postbox
from tests.world import FRIDAY_MORNING
from workers.effects import mail
from workers.effects.effect import Job, Lease
from workers.mail import message
from workers.mail.dictionary import train
from workers.mail.rendering import CONTRACT_MAILS, Renderer
from workers.mail.samples import sample

RENDERER = Renderer("orders@salon.example", "mail.salon.example")
#: PostgreSQL moves a value that makes its row longer than this out of the table, in pieces.
LONGEST_ROW = 2000
#: A dictionary that packed a mail is needed, byte for byte, as long as the mail is kept: lines are only ever added here.
SHIPPED = {
    40001: "489606d26b7434e9e9230b45c3648b537c716ad88ccd27813fdfeefe26bd0760",
    40002: "688ab42789dafa828d3a07f260c8c1b14bd98704034e4fcc46fe6787dc1836bd",
}


def deliver(packed: bytes) -> tuple[Outcome, Postbox]:
    """What becomes of a stored mail whose turn it is, and what arrived."""
    postbox = Postbox()
    addresses = ("orders@salon.example", "takahashi@example.jp")
    row = QueuedMailRow(
        1, "<1@salon.example>", *addresses, packed, at=FRIDAY_MORNING, order_id=1, copy_of=None, suppressed=None
    )
    job = Job(id=1, kind="mail.send", token=1, attempts=1, row=row, lease=Lease(math.inf))
    return asyncio.run(_perform(job, postbox)), postbox


async def _perform(job: Job[QueuedMailRow], postbox: Postbox) -> Outcome:
    return await mail.performing(postbox.deliver)(job)


@given(st.lists(st.binary()))
def test_what_was_packed_is_unpacked(messages: list[bytes]) -> None:
    assert [unpack(packed) for packed in pack(messages)] == messages


def test_another_build_of_zstd_packs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some builds pack one message at a time only."""
    messages = [b"Subject: order\r\n\r\nThank you.\r\n", b"x"]
    packed = pack(messages)
    monkeypatch.setattr(zstandard, "backend_features", frozenset())
    assert pack(messages) == packed


@pytest.mark.parametrize(("template", "locale"), [(name, locale) for name in CONTRACT_MAILS for locale in LOCALES])
def test_a_mail_stays_in_its_row(template: str, locale: str) -> None:
    """If the templates have moved so far that this fails, it is time for another dictionary (docs/mails.md)."""
    raw = RENDERER.render(sample(template, locale), shop="salon", number="S-1001").raw
    assert len(pack([raw])[0]) < LONGEST_ROW * 0.9


def test_a_shipped_dictionary_never_changes_nor_goes() -> None:
    folder = files("models") / "mail_dictionaries"
    assert shipped() == SHIPPED.keys()
    for name, digest in SHIPPED.items():
        data = (folder / f"{name}.zstd-dictionary").read_bytes()
        assert (zstandard.ZstdCompressionDict(data).dict_id(), sha256(data).hexdigest()) == (name, digest)


def test_a_mail_goes_out_the_same_however_it_was_stored() -> None:
    """Before the first dictionary they were stored in base64."""
    kept = RENDERER.render(sample("order_held", "ja"), shop="salon", number="S-1001").raw
    wire = message.encoded(kept)
    for stored in (pack([kept])[0], zstandard.compress(wire)):
        outcome, postbox = deliver(stored)
        assert outcome.verdict == Verdict.OK
        assert postbox.taken == [wire]


def test_a_mail_of_a_newer_version_is_left_to_its_processes() -> None:
    newer = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(train(49999)))
    packed = newer.compress(b"From a newer version\r\n" * 100)
    with pytest.raises(UnknownDictionary, match=r"dictionary 49999 .* update it"):
        unpack(packed)

    outcome, postbox = deliver(packed)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "dictionary")
    assert postbox.taken == []


def test_a_damaged_row_is_told() -> None:
    with pytest.raises(zstandard.ZstdError):
        unpack(pack([b"Subject: order\r\n\r\nThank you.\r\n"])[0][:-4])
