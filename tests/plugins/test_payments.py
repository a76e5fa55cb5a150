"""A payment method and a gateway, each one file dropped into the folder of plug-ins and nothing else, on a real engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from pipelines.errors import Misconfigured
from pipelines.methods import METHODS
from pipelines.orders.plan import preview
from pipelines.plugins import FOLDER
from pipelines.shops import PACKAGED, ProfileErrors, load_shops
from tests.house.test_boot import COMPLETE, boot, refusal
from tests.payments.gateway_bench import Bench, Signed
from tests.payments.gateway_conformance import conformance_of
from tests.plugins import acme_pay
from tests.web.site import Site
from tests.world import World, a_line, document
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.payments import GATEWAYS
from workers.web.app import create_app

HERE = Path(__file__).parent
SECRETS = ("acme_new", "acme_old")
ACME = {"ACME_KEY": "ak_test", "ACME_NOTICE_SECRETS": ",".join(SECRETS)}
OUR_BANK = "見本銀行"  # reuse's account


@dataclass(frozen=True)
class Folder:
    """The folder of plug-ins and a shop whose profile names what is in it."""

    path: Path
    shops: Path

    def drop(self, name: str) -> None:
        shutil.copy(HERE / f"{name}.py", self.path)

    def profile(self, shop: str, **swaps: str) -> None:
        """The packaged profile of ``shop`` with some words changed."""
        text = (PACKAGED / f"{shop}.toml").read_text("utf-8")
        for old, new in swaps.items():
            assert old in text
            text = text.replace(old, new)
        (self.shops / f"{shop}.toml").write_text(text, "utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins_in: Callable[[Path | str], None]) -> Folder:
    made = Folder(tmp_path / "plugins", tmp_path / "shops")
    made.path.mkdir()
    made.shops.mkdir()
    for profile in PACKAGED.glob("*.toml"):
        shutil.copy(profile, made.shops)
    plugins_in(made.path)
    for name, value in ACME.items():
        monkeypatch.setenv(name, value)
    return made


@dataclass
class Acme:
    """A world whose shop reuse takes payments at stores through acme."""

    world: World
    site: Site
    provider: Any

    def __post_init__(self) -> None:
        self.tick()

    def tick(self) -> None:
        """Acme's clock shows what ours does."""
        self.provider.now = self.world.clock.now()

    def order(self, number: str = "R-1") -> None:
        self.world.take(document(number, a_line(), shop="reuse", payment={"method": "konbini"}))
        self.world.settle()

    def post(self, body: bytes, signature: str, gateway: str = "acme") -> httpx.Response:
        headers = {"x-acme-signature": signature, "content-type": "application/x-www-form-urlencoded"}
        path = f"/v1/webhooks/payments/{gateway}"
        return self.site.run(lambda: self.site.request("POST", path, key=None, content=body, headers=headers))

    def told(self, number: str = "R-1", **how: Any) -> httpx.Response:
        return self.post(*self.provider.notice(f"reuse/{number}", how.pop("secret", SECRETS[0]), **how))

    def pay(self, number: str = "R-1") -> None:
        """A minute later, at the till."""
        self.world.clock.advance(minutes=1)
        self.tick()
        self.provider.pay(f"reuse/{number}")

    def show(self, number: str = "R-1") -> dict[str, Any]:
        return self.world.show(number, "reuse")

    def state(self) -> tuple[str, str, str]:
        shown = self.show()
        return shown["state"], shown["condition"], shown["payment"]["state"]


@pytest.fixture
def acme(folder: Folder, engine: Engine, database_url: str, renderer: Renderer) -> Iterator[Acme]:
    folder.drop("acme_pay")
    folder.profile("reuse", **{'konbini = "sandbox"': 'konbini = "acme"'})
    shops = load_shops(folder.shops, INSTALLATION)
    gateway = GATEWAYS["acme"]
    adapter = gateway.build(gateway.settings(acme_key="k", acme_notice_secrets="s"))
    with World(engine, database_url, renderer, shops=shops, gateways={"acme": adapter}) as world:
        site = Site(world)
        yield Acme(world, site, sys.modules[type(adapter).__module__].PROVIDER)
        site.close()


def mails(world: World, template: str) -> list[str]:
    """Text and HTML of the mails of ``template``."""
    return [
        "".join(part.get_content() for kind in ("plain", "html") if (part := mail.get_body((kind,))) is not None)
        for mail in world.postbox.mails
        if mail["X-Shukka-Template"] == template
    ]


def test_a_store_is_paid_under_the_gateways_number_and_never_by_the_shops_account(acme: Acme) -> None:
    """PAY-08, B.6.5: what the customer must do is what the gateway that was asked has said."""
    acme.order()
    payment = acme.show()["payment"]
    assert (payment["gateway"], payment["state"], acme.show()["state"]) == ("acme", "pending", "awaiting_payment")
    (told,) = mails(acme.world, "payment_instructions")
    for words in ("370-0000001", "4321", "https://pay.acme.example/acme-1", "コンビニ払い", "2026年11月23日(月) 23:59"):
        assert words in told
    assert OUR_BANK not in told
    assert "お振込先" not in told
    assert payment["instructions"]["number"] == "370-0000001"

    acme.world.at("2026-11-22 10:00:00")
    (reminded,) = mails(acme.world, "payment_reminder")
    assert "370-0000001" in reminded
    assert OUR_BANK not in reminded


def test_its_notice_releases_the_goods_and_is_acknowledged_in_its_own_way(acme: Acme) -> None:
    acme.order()
    acme.pay()
    answer = acme.told()
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (
        200,
        b"0",
        "text/plain; charset=utf-8",
    )
    acme.world.settle()
    assert acme.state() == ("released", "running", "captured")
    assert len(mails(acme.world, "payment_received")) == 1
    assert acme.told().content == b"0"  # the same again is nothing
    acme.world.settle()
    assert len(mails(acme.world, "payment_received")) == 1
    assert acme.world.broken() == {}


def test_a_notice_that_says_nothing_is_a_reason_to_look(acme: Acme) -> None:
    acme.order()
    assert acme.told(says=False).status_code == 200
    acme.world.settle()
    assert acme.state() == ("awaiting_payment", "running", "pending")
    acme.pay()
    acme.told(says=False, at=datetime.now(UTC) - timedelta(seconds=5))
    acme.world.settle()
    assert acme.state() == ("released", "running", "captured")


def test_a_notice_that_is_lost_for_ever_is_not_missed(acme: Acme) -> None:
    """Before an unpaid order is cancelled its gateway is looked at (PAY-08)."""
    acme.order()
    acme.pay()
    acme.world.at("2026-11-24 06:00:00")
    assert acme.state() == ("authorized", "running", "captured")


def test_what_nobody_paid_is_cancelled_after_the_grace(acme: Acme) -> None:
    acme.order()
    acme.world.at("2026-11-24 05:59:59")
    assert acme.state() == ("awaiting_payment", "running", "pending")
    acme.world.at("2026-11-24 06:00:00")
    assert acme.state() == ("cancelled", "done", "expired")
    assert acme.world.broken() == {}


def test_money_that_comes_after_the_cancel_is_due_back(acme: Acme) -> None:
    """PAY-08: a store's money cannot go back the way it came, once it is too late for the order to stand again."""
    acme.order()
    acme.world.at("2026-11-24 06:00:00")
    acme.world.at("2026-12-02 06:00:00")
    acme.pay()
    acme.told()
    acme.world.settle()
    assert acme.state() == ("cancelled", "held", "captured")
    assert [hold["reason"] for hold in acme.show()["hold"]] == ["refund_due"]


@pytest.mark.parametrize(
    "forged",
    [
        lambda acme: acme.post(*acme.provider.notice("reuse/R-1", "somebody's")),
        lambda acme: acme.post(acme.provider.notice("reuse/R-1", SECRETS[0])[0] + b"&paid=1", "00"),
        lambda acme: acme.told(at=datetime.now(UTC) - timedelta(hours=1)),
        lambda acme: acme.post(*acme.provider.notice("reuse/R-1", SECRETS[0]), gateway="bank"),
        lambda acme: acme.post(*acme.provider.notice("reuse/R-1", SECRETS[0]), gateway="sandbox"),
        lambda acme: acme.post(*acme.provider.notice("reuse/R-1", SECRETS[0]), gateway="nobody"),
    ],
    ids=["another secret", "another body", "an old one", "to the bank", "to another gateway", "to nobody"],
)
def test_a_forged_notice_is_refused_and_nothing_of_it_is_kept(acme: Acme, forged: Any) -> None:
    acme.order()
    acme.pay()
    assert forged(acme).status_code == 401
    acme.world.settle()
    assert acme.state() == ("awaiting_payment", "running", "pending")
    assert acme.world.rows("SELECT 1 FROM inbox_event") == []


def test_either_secret_is_good_while_one_is_replaced(acme: Acme) -> None:
    acme.order()
    acme.pay()
    assert acme.told(secret=SECRETS[1]).status_code == 200


def test_a_gateway_has_no_say_in_a_payment_that_was_asked_of_another(acme: Acme) -> None:
    """And none in orders of shops that do not name it."""
    acme.world.take(document("R-2", a_line(sku="BAG-2"), shop="reuse"))  # by card
    acme.world.settle()
    acme.order()
    acme.provider.orders["reuse/R-2"] = "acme-1"
    acme.provider.pay("reuse/R-2")
    assert acme.told("R-2").status_code == 200
    acme.world.settle()
    assert acme.show("R-2")["payment"]["state"] == "authorized"
    assert [row.state for row in acme.world.rows("SELECT state FROM inbox_event")] == ["refused"]


def test_an_amount_that_is_not_ours_is_shown_to_a_human_with_both_sides(acme: Acme) -> None:
    acme.order()
    reference = acme.provider.orders["reuse/R-1"]
    slip = acme.provider.slips[reference]
    acme.provider.slips[reference] = type(slip)(**{**_fields(slip), "authorized": slip.authorized - 1})
    acme.pay()
    acme.told()
    acme.world.settle()
    (hold,) = acme.show()["hold"]
    assert (acme.state(), hold["reason"]) == (("awaiting_payment", "held", "needs_review"), "payment_differs")
    assert "9999 yen" in hold["says"]
    assert "our books say pending" in hold["says"]


def _fields(slip: Any) -> dict[str, Any]:
    return {name: getattr(slip, name) for name in slip.__dataclass_fields__}


def test_a_cancelled_order_that_waited_at_a_store_lets_its_slip_go(acme: Acme) -> None:
    acme.order()
    acme.world.tell(acme.world.ask("order.cancel", "R-1", "reuse", operator=True))
    acme.world.settle()
    assert acme.state() == ("cancelled", "done", "voided")


def test_the_conformance_suites_hold_for_a_gateway_that_was_dropped_in(folder: Folder) -> None:
    """They are collected below, on the file itself; here it is the same file that the folder gives."""
    folder.drop("acme_pay")
    assert GATEWAYS["acme"].capabilities == acme_pay.GATEWAY.capabilities


class TestAcme(conformance_of(acme_pay.GATEWAY)):  # type: ignore[misc]
    """Slips, look-ups and notices."""

    @pytest.fixture
    def bench(self) -> Bench:
        settings = acme_pay.Settings.model_validate({name.lower(): value for name, value in ACME.items()})
        adapter = acme_pay.GATEWAY.build(settings)
        acme_pay.PROVIDER.register("bench", "salon/B-1", 1_000, None)

        def notice() -> Signed:
            body, signature = acme_pay.PROVIDER.notice("salon/B-1", SECRETS[0])
            return Signed("salon/B-1", {"x-acme-signature": signature}, body, SECRETS[0])

        return Bench(gateway=acme_pay.GATEWAY, connect=lambda: adapter, notice=notice)


# A method with a deadline of its own.


@pytest.fixture
def postal(folder: Folder, engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    folder.drop("postal_transfer")
    added = '"card", "postal_transfer", '
    folder.profile("salon", **{'"card", ': added, "[payment]": '[payment]\ngateways.postal_transfer = "bank"'})
    with World(engine, database_url, renderer, shops=load_shops(folder.shops, INSTALLATION)) as world:
        yield world


BY_POST = {"method": "postal_transfer"}


def test_a_method_that_was_dropped_in_waits_for_its_money_and_is_paid(postal: World) -> None:
    postal.take(document("S-1", payment=BY_POST))
    postal.settle()
    assert postal.states() == {"S-1": ("awaiting_payment", "running")}
    (told,) = mails(postal, "payment_instructions")
    for words in ("郵便振替", "ゆうちょ銀行", "0012345", "2026年11月25日(水)"):
        assert words in told
    postal.tell(postal.deposit("S-1", 11_000))
    postal.settle()
    postal.ship_all("S-1")
    assert postal.states() == {"S-1": ("shipped", "done")}
    assert (postal.show()["payment"]["gateway"], postal.show()["payment"]["captured"]) == (None, 11_000)


def test_its_reminder_and_its_deadline_are_kept(postal: World) -> None:
    postal.take(document("S-1", payment=BY_POST))
    postal.settle()
    postal.at("2026-11-24 10:00:00")
    assert "payment_reminder" in postal.postbox.templates("salon/S-1")
    postal.at("2026-11-25 23:59:59")
    assert postal.states() == {"S-1": ("awaiting_payment", "running")}
    postal.at("2026-11-26 00:00:00")
    assert postal.states() == {"S-1": ("cancelled", "done")}
    assert postal.broken() == {}


def test_its_limit_and_its_words_are_those_of_its_file(postal: World) -> None:
    (answer,) = postal.submit(document("S-1", a_line(unit_price=100_000), payment=BY_POST))
    assert [(p.field, p.message) for p in answer.problems] == [
        ("payment.method", "The post office takes up to 100,000 yen; choose another method.")
    ]


def test_a_preview_and_the_published_schema_know_it(postal: World) -> None:
    planned = preview(document("S-1", payment=BY_POST), postal.shops)
    assert planned["payment"] == {
        "method": "postal_transfer",
        "gateway": None,
        "fee": 0,
        "release_when": "paid",
        "pay_by": "2026-11-25",
        "remind_at": "2026-11-24T10:00:00+09:00",
        "cancel_at": "2026-11-26T00:00:00+09:00",
    }
    assert planned["mails"] == ["order_accepted", "payment_instructions"]
    schema = create_app(postal.house).openapi()["components"]["schemas"]["PaymentDocument"]["properties"]["method"]
    assert schema["enum"] == list(METHODS)
    assert "postal_transfer" in schema["enum"]


# At boot.


def test_a_worker_wants_the_settings_that_the_file_declares(folder: Folder) -> None:
    """The variable is named, and with it the worker starts."""
    folder.drop("acme_pay")
    folder.profile("reuse", **{'konbini = "sandbox"': 'konbini = "acme"'})
    given = {**COMPLETE, FOLDER: str(folder.path), "SHOPS_DIR": str(folder.shops)}
    assert refusal(boot(given)) == "shukka worker: ACME_KEY: is missing; set it to the key of the acme console"
    started = boot({**given, **ACME})
    assert (started.returncode, started.stderr) == (0, "")


def test_a_gateway_that_cannot_do_what_a_method_needs_is_refused(folder: Folder) -> None:
    folder.drop("acme_pay")
    folder.profile("reuse", **{'konbini = "sandbox"': 'card = "acme"'})
    with pytest.raises(ProfileErrors, match="needs a gateway that authorizes and captures and voids; acme does not"):
        load_shops(folder.shops, INSTALLATION)


def test_a_name_that_is_taken_is_refused(folder: Folder) -> None:
    source = (HERE / "postal_transfer.py").read_text("utf-8").replace('"postal_transfer"', '"card"')
    (folder.path / "another_card.py").write_text(source, "utf-8")
    with pytest.raises(
        Misconfigured, match=r"the payment method 'card' is declared by pipelines\.methods\.card already"
    ):
        list(METHODS)


def test_both_are_found_through_entry_points_of_another_distribution(folder: Folder, tmp_path: Path) -> None:
    """As pip leaves it: modules, and the metadata that names them."""
    site = tmp_path / "site"
    (site / "acme_shukka-1.0.dist-info").mkdir(parents=True)
    shutil.copy(HERE / "acme_pay.py", site / "acme_shukka.py")
    shutil.copy(HERE / "postal_transfer.py", site / "postal_shukka.py")
    (site / "acme_shukka-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-shukka\nVersion: 1.0\n"
    )
    (site / "acme_shukka-1.0.dist-info" / "entry_points.txt").write_text(
        "[shukka.gateways]\nacme = acme_shukka:GATEWAY\n[shukka.methods]\npostal = postal_shukka\n"
    )
    folder.profile(
        "reuse",
        **{
            '"loan"]': '"loan", "postal_transfer"]',
            'konbini = "sandbox"': 'konbini = "acme", postal_transfer = "bank"',
        },
    )
    checked = subprocess.run(
        [sys.executable, "-m", "workers.cli.main", "shops", "check", str(folder.shops)],
        env={"PYTHONPATH": f"{site}:{HERE.parents[1]}"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked
    assert "reuse: " in checked.stdout
