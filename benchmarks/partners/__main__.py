"""``python -m benchmarks.partners``: a dripping, a dead and a hanging supplier, gateway and mail domain, and what they cost the others.

One service on embedded engines takes orders at a steady rate, twice the same number: first all of them of sound shops,
suppliers and mail domains; then every other one runs into trouble with its gateway, its supplier or its recipient's domain.
The same sound orders are measured both times: from taken to authorized, from authorized to instructed, and until their first mail is at
the mail server.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from benchmarks.partners.outside import SOUND, TROUBLES, Outside
from models.database import OPERATOR, connect
from models.migrations import upgrade
from pipelines.shops import load_shops
from workers.clock import TOKYO, SettableClock
from workers.demo.world import Attended
from workers.enrolment import create_client
from workers.process.embedded import EmbeddedEngines
from workers.process.service import Service, free_port
from workers.process.supervisor import Supervisor
from workers.settings import Settings

OPENS: Final = datetime(2026, 11, 19, 9, 0, tzinfo=TOKYO)
#: Sound suppliers and mail domains.
MANY: Final = 12
_PROFILE: Final = """
name = "{key}"
mail_from = "orders@{key}.example"
operator_mail = "operations@{key}.example"
[payment]
methods.local = ["card"]
gateways = {{ card = "{gateway}" }}
"""
_PLUGIN: Final = '''
"""The sandbox's protocol, spoken to a gateway in trouble."""

from pydantic import BaseModel, Field, SecretStr

from pipelines.gateway import Gateway
from workers.payments.sandbox import SandboxGateway
from workers.payments.sandbox import Settings as Sandbox


class Settings(BaseModel):
    """Where it is said to listen."""

    gateway_{name}_url: str = Field(description="set it to the address of the gateway")


class Troubled(SandboxGateway):
    """The sandbox's adapter, at another address."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(Sandbox(sandbox_gateway_url=settings.gateway_{name}_url, sandbox_gateway_key=SecretStr("k")))


GATEWAY = Gateway("{name}", Settings, Troubled, test_mode=lambda settings: True)
'''
_WAITS: Final = """
SELECT o.number, t.entity, t.to_state, extract(epoch FROM min(t.at) - o.accepted_at)::float8
FROM shop_order o JOIN transition t ON t.order_id = o.id
WHERE o.shop = 'sound' AND (t.entity, t.to_state) IN (('order', 'authorized'), ('shipment', 'instructed'))
GROUP BY 1, 2, 3, o.accepted_at"""


def main() -> int:
    """Both rounds with the ratios of medians and p95; 1 if the others were slowed down by more than a fifth."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.partners")
    options.add_argument("--orders", type=int, default=300, help="orders that are measured, in each round")
    options.add_argument("--rate", type=float, default=10.0, help="of them a second; as many others come between them")
    given = options.parse_args()
    console = Console()
    with Outside() as outside, installed(outside) as (service, engine, key):
        post = Storefront(service.url, key)
        post.send([_order(f"W-{n}", SOUND, SOUND, SOUND, n) for n in range(40)], given.rate)  # warms up
        rounds = {
            "all sound": [_order(f"B-{n}", SOUND, SOUND, SOUND, n) for n in range(given.orders)],
            "every other in trouble": [_troubled(n) for n in range(given.orders)],
        }
        found = {}
        for name, others in rounds.items():
            mine = [_order(f"{name[0].upper()}-{n}", SOUND, SOUND, SOUND, n) for n in range(given.orders)]
            post.send([one for pair in zip(others, mine, strict=True) for one in pair], 2 * given.rate)
            found[name] = _waits(engine, outside, [one["number"] for one in mine])
    return _told(console, found)


def _told(console: Console, found: Mapping[str, Mapping[str, Sequence[float]]]) -> int:
    table = Table("wait of sound orders", "round", "median ms", "p95 ms", "longest ms", box=None)
    worst = 0.0
    for wait in next(iter(found.values())):
        figures = []
        for name, waits in found.items():
            median, p95 = statistics.median(waits[wait]), statistics.quantiles(waits[wait], n=20)[-1]
            figures.append((median, p95))
            row = (1000 * value for value in (median, p95, max(waits[wait])))
            table.add_row(wait, name, *(f"{value:.0f}" for value in row))
        ratios = [after / before for before, after in zip(*figures, strict=True)]
        table.add_row("", "ratio", *(f"{ratio:.2f}" for ratio in ratios))
        worst = max(worst, *ratios)
    console.print(table)
    return int(worst > 1.2)


def _waits(engine: Engine, outside: Outside, numbers: Sequence[str]) -> dict[str, list[float]]:
    """Seconds of each wait of the orders ``numbers``, once none of them waits any more."""
    until = time.monotonic() + 60
    while True:
        with engine.connect() as connection:
            found = {(number, entity): wait for number, entity, _, wait in connection.execute(text(_WAITS))}
            since = dict(connection.execute(text("SELECT number, accepted_at FROM shop_order")).all())
        ends = [(n, entity) in found for n in numbers for entity in ("order", "shipment")]
        if all(ends) and all(f"{SOUND}/{n}" in outside.mails for n in numbers):
            break
        if time.monotonic() > until:
            raise TimeoutError(
                f"{len(ends) - sum(ends)} of {len(ends)} waits of sound orders have not ended in a minute"
            )
        time.sleep(0.2)
    return {
        "taken to authorized": [found[n, "order"] for n in numbers],
        "authorized to instructed": [found[n, "shipment"] - found[n, "order"] for n in numbers],
        "taken to mail": [outside.mails[f"{SOUND}/{n}"] - _real(since[n]) for n in numbers],
    }


_ANCHOR: Final = time.time() + 10.0


def _real(at: datetime) -> float:
    """A moment of the Clock, which runs as fast as real time, in real seconds since the epoch."""
    return _ANCHOR + (at - OPENS).total_seconds()


class Storefront:
    """Posts orders at a steady rate."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=30)

    def send(self, orders: Sequence[Mapping[str, Any]], rate: float) -> None:
        """Post ``orders``, ``rate`` a second. Raises httpx.HTTPStatusError for one that is not taken."""
        began = time.monotonic()
        for n, order in enumerate(orders):
            time.sleep(max(0.0, began + n / rate - time.monotonic()))
            self._client.post("/v1/orders", json=order).raise_for_status()


def _troubled(n: int) -> dict[str, Any]:
    """The ``n``-th order that runs into trouble: each partner in turn, with each trouble in turn."""
    trouble = TROUBLES[n // 3 % 3]
    shop, supplier, domain = ((trouble if n % 3 == which else SOUND) for which in range(3))
    return _order(f"T-{n}", shop, supplier, domain, n)


def _order(number: str, shop: str, supplier: str, domain: str, n: int) -> dict[str, Any]:
    line = {
        "line": "1", "sku": f"SKU-{n}", "name": "見本", "quantity": 1, "unit_price": 3000, "supplier": _name(supplier, n),
        "availability": "in_stock",
    }  # fmt: skip
    address = {
        "name": "見本 花子", "postal_code": "1500001", "region": "東京都", "city": "渋谷区", "line1": "神宮前1-2-3",
        "phone": "0312345678",
    }  # fmt: skip
    return {
        "shop": shop,
        "number": number,
        "placed_at": OPENS.isoformat(),
        "customer": {
            "id": f"c-{number}",
            "name": "見本 花子",
            "email": f"c{n}@{_name(domain, n)}.example",
            "locale": "ja",
        },
        "ship_to": address,
        "lines": [line],
        "payment": {"method": "card", "token": "tok_ok"},
    }


def _name(kind: str, n: int) -> str:
    return f"{SOUND}-{n % MANY}" if kind == SOUND else kind


@contextmanager
def installed(outside: Outside) -> Iterator[tuple[Service, Engine, str]]:
    """A service with its shops, gateways and suppliers, the database to look on, and a storefront's key for all shops."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shukka-bench-")))
        root.chmod(0o711)
        for folder in ("shops", "plugins"):
            (root / folder).mkdir()
        for name in (SOUND, *TROUBLES):
            gateway = "sandbox" if name == SOUND else name
            (root / "shops" / f"{name}.toml").write_text(_PROFILE.format(key=name, gateway=gateway))
        for name in TROUBLES:
            (root / "plugins" / f"{name}.py").write_text(_PLUGIN.format(name=name))
        settings = {f"GATEWAY_{name.upper()}_URL": outside.url(name) for name in TROUBLES}
        engines = EmbeddedEngines(root / "data")
        urls = stack.enter_context(engines)
        engine = connect(urls.database_url or "", OPERATOR, application="shukka-bench")
        stack.callback(engine.dispose)
        upgrade(engine)
        names = (SOUND, *TROUBLES)
        for kind, n in [*((SOUND, n) for n in range(MANY)), *((one, 0) for one in TROUBLES)]:
            create_client(engine, "supplier", _name(kind, n), known_shops=names, url=outside.url(kind))
        key = create_client(engine, "storefront", "store", shops=names, known_shops=names).key
        clock = SettableClock(OPENS, 1.0, _ANCHOR)
        service = Service(
            Settings(
                database_url=urls.database_url, redis_url=urls.redis_url, shops_dir=root / "shops",
                smtp_url=f"smtp://127.0.0.1:{outside.ports['smtp']}", shukka_data=root / "data",
                shukka_clock=clock.start.isoformat(), shukka_clock_anchor=clock.anchor,
            ),
            load_shops(root / "shops"),
            root / "data",
            urls.database_url or "",
            urls.redis_url or "",
            free_port(),
            extra={
                "SHOPS_DIR": str(root / "shops"), "SHUKKA_PLUGINS": str(root / "plugins"), **settings,
                "SMTP_URL": f"smtp://127.0.0.1:{outside.ports['smtp']}", "SHUKKA_ALLOW_PRIVATE_TARGETS": "1",
            },
        )  # fmt: skip
        processes = Attended(Supervisor(service.children(), engines, report=lambda line: None))
        processes.start()
        stack.callback(processes.stop)
        yield service, engine, key


if __name__ == "__main__":
    raise SystemExit(main())
