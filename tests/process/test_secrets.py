"""What other users of the machine can see of us: command lines and files."""

from __future__ import annotations

import json
import smtplib
import stat
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

from pipelines.shops import load_shops
from workers.installation import INSTALLATION
from workers.process.service import Service
from workers.settings import Settings


def test_no_command_line_names_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ps` shows command lines to everybody, an environment to its own user alone."""
    for name in ("SANDBOX_GATEWAY_URL", "SANDBOX_GATEWAY_KEY"):
        monkeypatch.delenv(name, raising=False)
    database, redis = "postgresql://shukka:geheim@db/shukka", "redis://:geheim@redis"
    service = Service(Settings(), load_shops(None, INSTALLATION), tmp_path, database, redis, port=1)
    key = service.extra["SANDBOX_GATEWAY_KEY"]
    children = service.children()
    assert any(child.env["SANDBOX_GATEWAY_KEY"] == key for child in children if child.env)
    shown = "\n".join(" ".join(map(str, child.argv)) for child in children)
    assert "geheim" not in shown
    assert key not in shown


@pytest.mark.journey
def test_kept_mails_and_journals_are_their_users_own(tmp_path: Path) -> None:
    journal, mails = tmp_path / "journal.jsonl", tmp_path / "mails"
    argv = [
        sys.executable,
        "-m",
        "workers.sandbox.sink",
        "--journal",
        str(journal),
        "--port",
        "0",
        "--keep",
        str(mails),
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, umask=0o022) as sink:
        assert sink.stdout is not None
        port = json.loads(sink.stdout.readline())["port"]
        message = EmailMessage()
        message["From"], message["To"], message["Message-ID"] = (
            "a@shukka.example",
            "b@shop.example",
            "<1@shukka.example>",
        )
        with smtplib.SMTP("127.0.0.1", port) as connection:
            connection.send_message(message)
        sink.terminate()
    kept = list(mails.iterdir())
    assert kept
    for path in (journal, *kept):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(mails.stat().st_mode) == 0o700
