"""A gateway of its own, ``acme``: payment slips for stores, with settings, a notice format and an acknowledgement like nobody
else's. The provider behind it lives in this file too, so that a test can walk up to the till."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode

from pydantic import BaseModel, Field, SecretStr

from models.states import PaymentState
from pipelines.gateway import (
    STANDS,
    Acknowledgement,
    Answer,
    BuyerMust,
    BuyerStep,
    Gateway,
    Notice,
    Payer,
    Snapshot,
)
from pipelines.ports import Verdict
from workers.http.signing import SignatureRefused

TOLERANCE = 300


class Settings(BaseModel):
    """What acme wants of the environment."""

    acme_key: SecretStr = Field(description="set it to the key of the acme console")
    acme_notice_secrets: SecretStr = Field(description="set it to the notice secrets of the acme console, with a comma")


@dataclass
class Provider:
    """Acme itself: slips by reference, answers by key, and the time by its own clock."""

    now: datetime = datetime(2026, 11, 20, tzinfo=UTC)
    slips: dict[str, Snapshot] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def register(self, key: str, order: str, amount: int, until: datetime | None) -> Answer:
        if key not in self.answers:
            reference = f"acme-{len(self.slips) + 1}"
            number = f"370-{len(self.slips) + 1:07d}"
            url = f"https://pay.acme.example/{reference}"
            must = BuyerMust(BuyerStep.PAY_AT_STORE, url=url, number=number, confirmation="4321", until=until)
            self.slips[reference] = Snapshot(reference, PaymentState.PENDING, amount, 0, 0, self.now, until, must)
            self.orders[order] = reference
            self.answers[key] = Answer(Verdict.OK, self.slips[reference])
        return self.answers[key]

    def pay(self, order: str) -> Snapshot:
        """The customer pays at the till."""
        reference = self.orders[order]
        slip = self.slips[reference]
        paid = replace(slip, state=PaymentState.CAPTURED, captured=slip.authorized, as_of=self.now, buyer=None)
        self.slips[reference] = paid
        return paid

    def notice(self, order: str, secret: str, *, says: bool = True, at: datetime | None = None) -> tuple[bytes, str]:
        """The body and signature of what acme posts about an order; with ``says`` how the payment stands."""
        slip = self.slips[self.orders[order]]
        told = {"ref": slip.reference, "order": order, "t": str(int((at or datetime.now(UTC)).timestamp()))}
        if says:
            told |= {"status": slip.state, "amount": str(slip.authorized), "paid": str(slip.captured)}
            told |= {"at": slip.as_of.isoformat()}
        body = urlencode(told).encode()
        return body, sign(secret, body)


PROVIDER = Provider()


class AcmeGateway:
    """Registers slips and looks them up."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.acme_key

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        return PROVIDER.register(key, order, amount, until)

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        if key is not None:
            return PROVIDER.answers.get(key)
        known = PROVIDER.slips.get(reference or PROVIDER.orders.get(order, ""))
        return Answer(Verdict.OK, replace(known, as_of=max(known.as_of, PROVIDER.now))) if known else None

    async def aclose(self) -> None:
        return None


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """``X-Acme-Signature``: hex HMAC-SHA256 of a form."""
    given = headers.get("x-acme-signature", "")
    if True not in [hmac.compare_digest(given, sign(secret, body)) for secret in secrets]:
        raise SignatureRefused("X-Acme-Signature does not match the body.")
    told = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
    if abs(int(now.timestamp()) - int(told["t"])) > TOLERANCE:
        raise SignatureRefused("The notice is too old.")
    shop, _, number = told["order"].partition("/")
    stands = None
    if "status" in told:
        at, amount, paid = datetime.fromisoformat(told["at"]), int(told["amount"]), int(told["paid"])
        stands = Snapshot(told["ref"], PaymentState(told["status"]), amount, paid, 0, at)
    return [Notice(f"{told['ref']}:{told.get('status', told['t'])}", STANDS, (shop, number), told["ref"], stands)]


def acknowledge(notices: Sequence[Notice], is_new: bool) -> Acknowledgement:
    """One character, and nothing else."""
    return Acknowledgement(200, b"0")


GATEWAY = Gateway(
    "acme",
    Settings,
    AcmeGateway,
    least=1,
    read_notices=read_notices,
    secrets=lambda settings: settings.acme_notice_secrets.get_secret_value().split(","),
    acknowledge=acknowledge,
)
