"""``shukka client ...``: keys and secrets are shown once, replaced with a grace time, revoked; addresses are checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cli.console import in_process
from tests.world import World
from workers.cli.main import main
from workers.web.clients import hash_key

Client = Callable[..., tuple[int, str, str]]


@pytest.fixture
def client(database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Client:
    """``shukka client`` with these arguments: (exit code, output, errors)."""
    return lambda *arguments: in_process(capsys, monkeypatch, "client", *arguments)


def test_a_client_is_told_its_secrets_once(database: World, client: Client) -> None:
    create = ["create", "storefront", "shop", "--shop", "salon"]
    code, out, _ = client(*create)
    assert code == 0
    assert "shk_" in out
    assert "whsec_" in out
    code, out, err = client(*create)
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert database.value("SELECT count(*) FROM client") == 1
    key = database.value("SELECT key_hash FROM client")
    assert len(bytes(key)) == 32


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["robot", "x"], "KIND: "),
        (["supplier", "a/b"], "NAME: "),
        (["supplier", "a\nb"], "NAME: "),
        (["storefront", "x", "--shop", "nowhere"], "--shop: nowhere is unknown"),
        (["supplier", "x", "--url", "ftp://x"], "--url: The URL must begin with https://"),
        (["supplier", "x", "--url", "https://"], "--url: The URL names no host"),
        (["storefront", "x", "--url", "https://shop.example:99999/"], "--url: The URL is malformed"),
        (["supplier", "x", "--mail", "dock"], "--mail: The mail address has no '@'"),
        (["storefront", "x", "--mail", "dock@maker.example"], "--mail: nothing is mailed to a storefront"),
        (["gateway", "bank", "--url", "https://bank.example/"], "--url: nothing is posted to a gateway"),
    ],
)
def test_a_client_that_cannot_be_is_refused(client: Client, arguments: list[str], says: str) -> None:
    code, out, err = client("create", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def told(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    """The document that ``shukka client ... --json`` prints."""
    monkeypatch.setattr(sys, "argv", ["shukka", "client", *arguments, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return json.loads(capsysbinary.readouterr().out)


def test_a_clients_secrets_as_json(
    database: World, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = told(capfdbinary, monkeypatch, "create", "supplier", "maker-a")
    assert set(made) == {"kind", "name", "key", "webhook_secret"}


def test_a_rotation_says_until_when_the_old_key_counts(
    database: World, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is the Clock's, and is kept."""
    monkeypatch.setenv("SHUKKA_CLOCK", "2026-11-20T09:00:00+09:00")
    before = told(capfdbinary, monkeypatch, "create", "supplier", "maker-a")
    after = told(capfdbinary, monkeypatch, "rotate", "maker-a", "--grace", "48")
    until = datetime.fromisoformat(after["old_until"])
    assert timedelta(0) <= until - datetime.fromisoformat("2026-11-22T09:00:00+09:00") < timedelta(minutes=1)
    (row,) = database.rows("SELECT key_hash, old_key_hash, old_until, webhook_secrets FROM client")
    assert (bytes(row.key_hash), bytes(row.old_key_hash)) == (hash_key(after["key"]), hash_key(before["key"]))
    assert row.old_until == until
    assert row.webhook_secrets == [after["webhook_secret"], before["webhook_secret"]]
    again = told(capfdbinary, monkeypatch, "rotate", "maker-a")
    assert database.value("SELECT webhook_secrets FROM client") == [again["webhook_secret"], after["webhook_secret"]]


def test_a_rotation_and_its_grace_in_words(client: Client) -> None:
    client("create", "operator", "night-shift")
    code, out, _ = client("rotate", "night-shift", "--grace", "0")
    assert (code, "shk_" in out, "The ones before count no longer." in out) == (0, True, True)
    code, out, _ = client("rotate", "night-shift")
    assert (code, "The ones before count until 20" in out, "JST" in out) == (0, True, True)
    assert client("rotate", "night-shift", "--grace", "721")[0] == 2


def test_a_list_shows_neither_keys_nor_secrets(client: Client) -> None:
    assert client("list")[1].startswith("no client yet")
    made = client("create", "supplier", "maker-a", "--mail", "dock@maker.example", "--shop", "salon")[1]
    client("create", "operator", "gone")
    client("revoke", "gone")
    code, out, _ = client("list")
    assert (code, "gone" in out) == (0, False)
    assert all(word in out for word in ("supplier", "maker-a", "salon", "dock@maker.example"))
    assert "gone" in client("list", "--revoked")[1]
    secrets = [word for word in made.split() if word.startswith(("shk_", "whsec_"))]
    assert len(secrets) == 2
    assert not any(secret in out for secret in secrets)


def test_a_revoked_name_can_be_given_again(database: World, client: Client) -> None:
    """The new client is another one: nothing that the old one knew opens its door."""
    client("create", "storefront", "shop")
    assert client("revoke", "shop")[:2] == (0, "storefront shop is revoked\n")
    assert client("create", "storefront", "shop")[0] == 0
    assert database.value("SELECT count(DISTINCT key_hash) FROM client WHERE name = 'shop'") == 2
    assert database.value("SELECT count(*) FROM client WHERE revoked_at IS NULL") == 1
    client("revoke", "shop")
    assert client("create", "storefront", "shop")[0] == 0


@pytest.mark.parametrize("verb", ["rotate", "revoke", "set"])
def test_whose_name_it_is_must_be_clear(client: Client, verb: str) -> None:
    options = ["--url", "https://partner.example/"] if verb == "set" else []
    code, _, err = client(verb, "nobody", *options)
    assert (code, "there is no client named nobody" in err) == (2, True)
    client("create", "storefront", "both")
    client("create", "supplier", "both")
    code, _, err = client(verb, "both", *options)
    assert (code, "--kind: both is the name of a storefront and a supplier" in err) == (2, True)
    assert client(verb, "both", "--kind", "supplier", *options)[0] == 0


def test_where_a_client_is_reached_can_be_changed(database: World, client: Client) -> None:
    client("create", "supplier", "maker-a", "--mail", "dock@maker.example")
    code, out, _ = client("set", "maker-a", "--url", "https://wms.example/shukka")
    assert (code, out) == (0, "supplier maker-a: URL https://wms.example/shukka, mail dock@maker.example\n")
    assert client("set", "maker-a", "--mail", "")[0] == 0
    (row,) = database.rows("SELECT url, mail FROM client")
    assert tuple(row) == ("https://wms.example/shukka", None)
    for wrong, says in (
        (["--url", "wms"], "--url: The URL must begin with"),
        (["--mail", "a@b@c"], "--mail: The mail address has more than one '@'"),
        ([], "say what to set"),
    ):
        code, _, err = client("set", "maker-a", *wrong)
        assert (code, says in err) == (2, True)


def test_a_target_that_will_be_refused_is_said_to_be_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = client("create", "storefront", "shop", "--url", "http://127.0.0.1:9/")
    assert (code, "is not on the public internet. Nothing is posted there" in err) == (0, True)
    monkeypatch.setenv("SHUKKA_ALLOW_PRIVATE_TARGETS", "yes")
    assert client("create", "storefront", "inside", "--url", "http://127.0.0.1:9/")[2] == ""


def test_a_client_may_be_given_limits_of_its_own(database: World, client: Client) -> None:
    client("create", "storefront", "shop", "--json")
    client("create", "supplier", "maker", "--json")
    code, out, _ = client("set", "shop", "--orders-per-minute", "600", "--burst-seconds", "5")
    assert (code, out) == (0, "storefront shop: 600 orders a minute, 5 s at once\n")
    listed = {one["name"]: one for one in json.loads(client("list", "--json")[1])}
    assert (listed["shop"]["orders_per_minute"], listed["shop"]["requests_per_minute"]) == (600, None)
    assert "600 orders a minute" in client("set", "shop", "--requests-per-minute", "1200")[1]
    none = ["--requests-per-minute", "0", "--orders-per-minute", "0", "--burst-seconds", "0"]
    code, out, _ = client("set", "shop", *none)
    assert (code, out) == (0, "storefront shop: limits as every client\n")
    code, _, err = client("set", "maker", "--orders-per-minute", "5")
    assert (code, "a supplier sends no orders" in err) == (2, True)
