"""A service with shops, gateways, suppliers and a storefront of its own, as processes on embedded engines; some of them in trouble."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import Engine

from benchmarks.partners.outside import SOUND, TROUBLES, Outside
from models.database import OPERATOR, connect
from models.migrations import upgrade
from pipelines.plugins import FOLDER, REGISTRIES
from pipelines.shops import load_shops
from workers.clock import TOKYO, SettableClock
from workers.demo.world import Attended
from workers.enrolment import create_client
from workers.installation import INSTALLATION
from workers.process.embedded import EmbeddedEngines
from workers.process.service import Service, free_port
from workers.process.supervisor import Supervisor
from workers.settings import Settings

OPENS: Final = datetime(2026, 11, 19, 9, 0, tzinfo=TOKYO)
#: Sound suppliers and mail domains.
MANY: Final = 12
NOTHING_MORE: Final[Mapping[str, str]] = {}
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


class Storefront:
    """Posts orders at a steady rate."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._client = self.session()

    def session(self) -> httpx.Client:
        """A connection of one's own."""
        return httpx.Client(base_url=self._url, headers={"authorization": f"Bearer {self._key}"}, timeout=30)

    def send(self, orders: Sequence[Mapping[str, Any]], rate: float) -> None:
        """Post ``orders``, ``rate`` a second; each must be taken."""
        began = time.monotonic()
        for n, order in enumerate(orders):
            time.sleep(max(0.0, began + n / rate - time.monotonic()))
            answer = self._client.post("/v1/orders", json=order)
            assert answer.status_code == 202, answer.text


def order(
    number: str, n: int, shop: str = SOUND, supplier: str = SOUND, domain: str = SOUND, customer: str | None = None
) -> dict[str, Any]:
    """An order of one line; ``shop`` (whose gateway), ``supplier`` and ``domain`` (of the customer's mail) are sound or one of
    ``TROUBLES``. Every order has a ``customer`` of its own unless one is named."""
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
        "locale": "ja",
        "customer": {
            "id": customer or f"c-{number}",
            "name": "見本 花子",
            "email": f"{customer or f'c{n}'}@{_name(domain, n)}.example",
        },
        "ship_to": address,
        "lines": [line],
        "payment": {"method": "card", "token": "tok_ok"},
    }


def _name(kind: str, n: int) -> str:
    return f"{SOUND}-{n % MANY}" if kind == SOUND else kind


@dataclass(frozen=True)
class Installed:
    """A running service: ``engine`` looks on, ``storefront`` posts; its Clock runs as fast as real time."""

    service: Service
    engines: EmbeddedEngines
    processes: Attended
    engine: Engine
    storefront: Storefront
    anchor: float
    secrets: Mapping[str, str]
    opens: datetime = OPENS

    def now(self) -> datetime:
        """The moment of its Clock."""
        return self.opens + timedelta(seconds=time.time() - self.anchor)

    def real(self, at: datetime) -> float:
        """A moment of the Clock in real seconds since the epoch."""
        return self.anchor + (at - self.opens).total_seconds()


@dataclass(frozen=True)
class Ground:
    """What a service stands on: engines, profiles, and clients with the storefront's ``key`` and the suppliers' ``secrets``."""

    root: Path
    engines: EmbeddedEngines
    engine: Engine
    database: str
    broker: str
    key: str
    secrets: Mapping[str, str]

    @property
    def profiles(self) -> Path:
        """The folder of the shops' profiles."""
        return self.root / "shops"


@contextmanager
def installed(outside: Outside, redis: Callable[[str], str] = str, tells: bool = False) -> Iterator[Installed]:
    """The service with its shops, gateways and suppliers. ``redis``: by which way its processes reach the broker; ``tells``: whether
    the storefront is told of every change."""
    with grounded(outside, redis, tells) as ground, served(ground, outside) as here:
        yield here


@contextmanager
def grounded(outside: Outside, redis: Callable[[str], str] = str, tells: bool = False) -> Iterator[Ground]:
    """All but the processes, as for ``installed``."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shukka-bench-")))
        root.chmod(0o711)
        _write_profiles(root)
        stack.enter_context(_plugged_in(root / "plugins"))
        engines = EmbeddedEngines(root / "data")
        urls = stack.enter_context(engines)
        database, broker = urls.database_url or "", redis(urls.redis_url or "")
        engine = connect(database, OPERATOR, application="shukka-bench")
        stack.callback(engine.dispose)
        upgrade(engine)
        key, secrets = _enrol(engine, outside, tells)
        yield Ground(root, engines, engine, database, broker, key, secrets)


@contextmanager
def served(
    ground: Ground,
    outside: Outside,
    *,
    opens: datetime = OPENS,
    processes: int = 2,
    only: Collection[str] = (),
    environment: Mapping[str, str] = NOTHING_MORE,
) -> Iterator[Installed]:
    """The processes, on a Clock that shows ``opens`` in ten seconds: ``processes`` of the worker; ``only`` those named (web, worker, clock,
    gateway), if any are."""
    clock = SettableClock(opens, 1.0, time.time() + 10.0)
    smtp = f"smtp://127.0.0.1:{outside.ports['smtp']}"
    settings = Settings(
        database_url=ground.database,
        redis_url=ground.broker,
        shops_dir=ground.profiles,
        smtp_url=smtp,
        shukka_data=ground.root / "data",
        shukka_clock=clock.start.isoformat(),
        shukka_clock_anchor=clock.anchor,
    )
    extra = {
        "SHOPS_DIR": str(ground.profiles),
        "SMTP_URL": smtp,
        "SHUKKA_ALLOW_PRIVATE_TARGETS": "1",
        **{f"GATEWAY_{name.upper()}_URL": outside.url(name) for name in TROUBLES},
        **environment,
    }
    shops = load_shops(ground.profiles, INSTALLATION)
    data = ground.root / "data"
    service = Service(
        settings, shops, data, ground.database, ground.broker, free_port(), processes=processes, extra=extra
    )
    children = [child for child in service.children() if not only or child.name in only]
    attended = Attended(Supervisor(children, ground.engines, report=lambda line: None))
    try:
        attended.start()
        storefront = Storefront(service.url, ground.key)
        yield Installed(
            service, ground.engines, attended, ground.engine, storefront, clock.anchor, ground.secrets, clock.start
        )
    finally:
        attended.stop()


@contextmanager
def _plugged_in(folder: Path) -> Iterator[None]:
    """Its gateways are there for this process too, which reads the profiles, until the block ends."""
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(folder)
    _look_again()
    try:
        yield
    finally:
        if before is None:
            del os.environ[FOLDER]
        else:
            os.environ[FOLDER] = before
        _look_again()


def _look_again() -> None:
    for registry in REGISTRIES:
        registry.forget()


def _write_profiles(root: Path) -> None:
    """A shop and a gateway for each trouble, and a sound one."""
    for folder in ("shops", "plugins"):
        (root / folder).mkdir()
    for name in (SOUND, *TROUBLES):
        gateway = "sandbox" if name == SOUND else name
        (root / "shops" / f"{name}.toml").write_text(_PROFILE.format(key=name, gateway=gateway))
    for name in TROUBLES:
        (root / "plugins" / f"{name}.py").write_text(_PLUGIN.format(name=name))


def _enrol(engine: Engine, outside: Outside, tells: bool) -> tuple[str, Mapping[str, str]]:
    """Register the suppliers, and a storefront for all shops; its key, and the suppliers' secrets."""
    shops = (SOUND, *TROUBLES)
    suppliers = {
        _name(kind, n): create_client(engine, "supplier", _name(kind, n), known_shops=shops, url=outside.url(kind))
        for kind, n in [*((SOUND, n) for n in range(MANY)), *((one, 0) for one in TROUBLES)]
    }
    told = outside.url(SOUND) if tells else None
    storefront = create_client(engine, "storefront", "store", shops=shops, known_shops=shops, url=told)
    return storefront.key, {name: one.webhook_secret for name, one in suppliers.items()}
