"""A payment gateway (決済代行): what one may be asked, and the one form in which everything it says comes back.

Answers, notices and look-ups all end in a ``Snapshot``: how a payment stands, never what changed. Twice, late or out of
order it says the same. Amounts are yen. Every mutating call carries a key under which the adapter makes it happen once,
however often it is repeated. Adapters never raise for what the network does; they answer RETRY where surely nothing was
done ("refused to talk": refused, unknown host, 429, no byte written) and UNKNOWN where it may have been.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, runtime_checkable

from models.states import PaymentState
from pipelines.ports import Verdict

if TYPE_CHECKING:
    from pydantic import BaseModel

DEPOSIT: Final = "deposit.received"
"""Type of a notice of money that came to the shop's own account: an amount, not how a payment stands."""
STANDS: Final = "payment.notice"
"""Type of a notice of a payment: it carries the snapshot, or is only a reason to look."""


SHIFTED, MERCHANT = "shifted", "merchant"
"""Who bears a disputed card payment: the issuer, since 3-D Secure was passed or tried, or the shop."""


class CodeClass(StrEnum):
    """Who acts on a gateway's code (formats.md B.6.3)."""

    ISSUER_DECLINE = "issuer_decline"  # the buyer takes another card, or asks its issuer
    BUYER_INPUT = "buyer_input"  # the buyer corrects what was typed
    TRANSIENT = "transient"  # surely not done; the same key again, later
    UNKNOWN = "unknown"  # may have been done: looked up, then a human
    OUR_BUG = "our_bug"
    CONFIGURATION = "configuration"  # the operator: key, contract, balance
    STATE = "state"  # an earlier call may have succeeded: looked up


class BuyerStep(StrEnum):
    """What a customer has to do; each is a part of the mails, ``templates_mail/_layout/buyer_<step>``."""

    VISIT = "visit"  # 3-D Secure, a wallet's page
    PAY_AT_STORE = "pay_at_store"
    TRANSFER = "transfer"
    OPEN_FORM = "open_form"


@dataclass(frozen=True, slots=True)
class BuyerMust:
    """What the customer is told to do: where (``url``, ``account``), with which ``number``, and until when (aware).

    ``account`` has the texts bank, branch, kind, number and holder; ``confirmation`` is the second number that some stores
    ask for.
    """

    step: BuyerStep
    url: str | None = None
    number: str | None = None
    confirmation: str | None = None
    account: Mapping[str, str] | None = None
    until: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored with the effect and the payment."""
        return {
            "step": self.step,
            "url": self.url,
            "number": self.number,
            "confirmation": self.confirmation,
            "account": dict(self.account) if self.account else None,
            "until": _text(self.until),
        }

    def to_mail(self) -> dict[str, Any]:
        """As mails are told it: the same, its moment a moment."""
        return {**self.to_json(), "until": self.until}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> BuyerMust:
        """The instructions that ``to_json`` wrote."""
        return cls(
            BuyerStep(stored["step"]),
            stored["url"],
            stored["number"],
            stored["confirmation"],
            stored["account"],
            _moment(stored["until"]),
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a payment stands at the gateway.

    ``reference`` is the gateway's id of the payment, by which it is captured, voided, refunded and looked up. The three
    sums are all there ever was: ``authorized`` what was held or is to be paid, ``captured`` and ``refunded`` what was taken
    and given back in all, so they never fall. ``as_of`` (aware) is by the gateway's clock where it tells one in all its
    words, else the moment before it was asked. ``funding`` is credit, debit or prepaid where it is known (PAY-02), ``fee``
    the yen that the gateway keeps of it where it says so, ``liability`` who bears a disputed card payment, SHIFTED to the issuer by
    3-D Secure or the MERCHANT, where the gateway tells (PAY-03).
    """

    reference: str
    state: PaymentState
    authorized: int
    captured: int
    refunded: int
    as_of: datetime
    expires_at: datetime | None = None
    buyer: BuyerMust | None = None
    code: str | None = None
    code_class: CodeClass | None = None
    funding: str | None = None
    fee: int | None = None
    liability: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored in an effect's outcome and in a received notice."""
        return {
            "reference": self.reference,
            "state": self.state,
            "authorized": self.authorized,
            "captured": self.captured,
            "refunded": self.refunded,
            "as_of": self.as_of.isoformat(),
            "expires_at": _text(self.expires_at),
            "buyer": self.buyer.to_json() if self.buyer else None,
            "code": self.code,
            "code_class": self.code_class,
            "funding": self.funding,
            "fee": self.fee,
            "liability": self.liability,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Snapshot:
        """The snapshot that ``to_json`` wrote."""
        return cls(
            stored["reference"],
            PaymentState(stored["state"]),
            stored["authorized"],
            stored["captured"],
            stored["refunded"],
            datetime.fromisoformat(stored["as_of"]),
            _moment(stored["expires_at"]),
            BuyerMust.from_json(stored["buyer"]) if stored["buyer"] else None,
            stored["code"],
            CodeClass(stored["code_class"]) if stored["code_class"] else None,
            stored["funding"],
            stored.get("fee"),
            stored.get("liability"),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call brought; a snapshot wherever the gateway said how the payment stands.

    ``code``: its reason code, no personal data.  ``says``: one sentence for an operator.  ``retry_after``: seconds to wait
    before a RETRY, None leaves it to the back-off.
    """

    verdict: Verdict
    snapshot: Snapshot | None = None
    code: str | None = None
    code_class: CodeClass | None = None
    says: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A payment in a gateway's own list: of the order (shop, number), where the gateway was told it in a form we know."""

    snapshot: Snapshot
    order: tuple[str, str] | None = None
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A gateway's notice as every stage reads it, whatever its format was.

    ``id`` is the same for the same notice, however often it is sent.  It is about the order (shop, number), or about the
    payment ``reference`` where it does not name the order: that is found by the ``token`` it was asked with, else by the reference.  ``amount``: yen
    of a DEPOSIT.  A STANDS without a snapshot is a reason to look.  ``at`` is when it happened, by its sender; None: when it
    came.  ``fault`` says why it cannot be read; such a one is kept for the operator with its ``raw`` content.
    """

    id: str
    type: str
    order: tuple[str, str] | None = None
    reference: str | None = None
    snapshot: Snapshot | None = None
    amount: int | None = None
    at: datetime | None = None
    fault: str | None = None
    raw: object = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the sender of a notice is answered once it is stored, to the byte."""

    status: int
    body: bytes
    media_type: str = "text/plain"


def key_of(order: str, what: str) -> str:
    """The key of the one ``what`` (authorize, register, capture, refund:2) of ``order`` (``<shop>/<number>``)."""
    return f"{order}:{what}"


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, as far as a store's or a lender's slip needs to know."""

    name: str
    email: str
    phone: str


class Adapter(Protocol):
    """What every adapter has, whatever else it can do."""

    async def aclose(self) -> None:
        """Give connections back."""
        ...


@runtime_checkable
class Authorizes(Protocol):
    """Holds an amount on the customer's card or wallet (仮売上)."""

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """Hold ``amount`` yen for ``order`` (``<shop>/<number>``), paid by ``method`` (card, or a wallet's name), by the token
        that the storefront was given."""
        ...


@runtime_checkable
class RegistersSlips(Protocol):
    """Takes a payment to be made elsewhere: at a store, to an account of its own, by a lender's form."""

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        """Register ``amount`` yen, payable ``until`` (aware), with the store chain or lender that the customer chose; what the
        gateway does not know, or "", is its own default. OK: the snapshot's ``buyer`` is what the customer must do."""
        ...


@runtime_checkable
class Captures(Protocol):
    """Takes what was held (実売上)."""

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Take ``amount`` yen; the rest is released. Where the gateway captures several times, ``final: bool`` comes beside
        it: False keeps the rest for a later capture."""
        ...


@runtime_checkable
class Voids(Protocol):
    """Releases what was held and not taken (仮売上取消)."""

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Release the whole authorization."""
        ...


@runtime_checkable
class Refunds(Protocol):
    """Gives back what was taken (返金)."""

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen back, the way it came."""
        ...


@runtime_checkable
class CountsRefunds(Protocol):
    """Gives back at a gateway that knows no keys: what went back before tells a repetition from one more refund."""

    async def refund_after(self, *, key: str, order: str, reference: str, amount: int, before: int) -> Answer:
        """Give ``amount`` yen back once refunds of ``before`` yen in all are done, those that were asked for earlier."""
        ...


@runtime_checkable
class LooksUp(Protocol):
    """Tells what became of a call, and how a payment stands."""

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """What became of the call under ``key``, made about the payment ``reference`` where there was one; without a key, how
        the payment of ``order`` (by ``reference`` where it is known) stands now.  None if the gateway never saw it, UNKNOWN if
        it cannot tell now, RETRY if it could not be asked: that says nothing, and is no attempt that may have happened."""
        ...


@runtime_checkable
class Renews(Protocol):
    """Holds the same amount anew before a hold ends (再オーソリ)."""

    async def renew(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Hold ``amount`` yen longer or again. OK: the snapshot of what holds it now, whose reference may be another one.
        DECLINED: nothing new is held, and what was held before still is, until its own end."""
        ...


@runtime_checkable
class Lists(Protocol):
    """Tells every payment that it has, so that the books can be compared with its own (PAY-05)."""

    def payments(self, *, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Every payment begun from ``since`` up to, not with, ``until`` (aware), as it stands now, in any order. Pages are
        the adapter's own affair. Raises pipelines.errors.Unreachable where the list cannot be had whole."""
        ...


@runtime_checkable
class ReportsShipments(Protocol):
    """Is told that the goods have left, and pays for them then (後払い)."""

    async def report(
        self, *, key: str, order: str, reference: str, carrier: str | None, tracking_number: str, shipped_at: datetime
    ) -> Answer:
        """Tell the provider of the payment's first parcel, left at ``shipped_at`` (aware) with a carrier by our name for it.
        Another number under another key is a correction. DECLINED: it pays nothing for it, and ``says`` why."""
        ...


class Capability(StrEnum):
    """What a method may need a gateway for, in the words of a sentence: "a gateway that authorizes"."""

    AUTHORIZES = "authorizes"
    REGISTERS_SLIPS = "registers payment slips"
    CAPTURES = "captures"
    VOIDS = "voids"
    REFUNDS = "refunds"
    LOOKS_UP = "looks payments up"
    RENEWS = "renews authorizations"
    LISTS = "lists payments"
    READS_NOTICES = "reads notices"
    REPORTS_SHIPMENTS = "reports shipments"


_PROTOCOLS: Final[Mapping[Capability, type]] = {
    Capability.AUTHORIZES: Authorizes,
    Capability.REGISTERS_SLIPS: RegistersSlips,
    Capability.CAPTURES: Captures,
    Capability.VOIDS: Voids,
    Capability.REFUNDS: Refunds,
    Capability.LOOKS_UP: LooksUp,
    Capability.RENEWS: Renews,
    Capability.LISTS: Lists,
    Capability.REPORTS_SHIPMENTS: ReportsShipments,
}


@dataclass(frozen=True, slots=True)
class CaptureRules:
    """``several``: more than one capture of an authorization (SPL-04); ``partial``: less than was authorized."""

    partial: bool = True
    several: bool = False


@dataclass(frozen=True, slots=True)
class RefundRules:
    """``several``: more than one refund of a payment; ``partial``: less than was captured."""

    partial: bool = True
    several: bool = True


S = TypeVar("S", bound="BaseModel")

ReadNotices = Callable[[Mapping[str, str], bytes, Sequence[str], datetime], Sequence[Notice]]
"""(headers with names in lower case, body as it travelled, secrets newest first, now) -> the notices in it, once it is
proven that one of the secrets signed it, or that it proves nothing and is only a reason to look. ``now`` is real time, for
the age of a signature. Raises ``workers.http.signing.SignatureRefused`` (401) for what is not proven; a proven notice that
cannot be understood has a ``fault``."""


def plain_ok(notices: Sequence[Notice], is_new: bool) -> Acknowledgement:
    """200 and nothing else, new or known."""
    return Acknowledgement(200, b"")


@dataclass(frozen=True)
class Gateway(Generic[S]):
    """A gateway as its one file declares it; pure data until ``build``.

    ``methods``: the payment methods that it serves at all; None: any that its capabilities allow.
    ``settings`` is a pydantic model whose fields are environment variables, their names in capitals; a missing one keeps
    Shukka from starting where a shop names the gateway.  ``adapter`` is the class that speaks to it, made from the settings;
    what it can do is told by which protocols of this module it fulfils; None: it only sends notices.  ``least``: yen below
    which it takes nothing (PAY-13).  ``secrets`` finds the notices' secrets in the settings; None: they are those of the
    client of kind gateway with its name.  ``reads_afar``: to prove a notice it may have to ask the network; it is read in a
    thread then, and raises ``pipelines.errors.Unreachable`` where it could not ask.
    """

    name: str
    settings: type[S]
    adapter: type[Any] | None = None
    methods: frozenset[str] | None = None
    least: int = 1
    captures: CaptureRules = CaptureRules()
    refunds: RefundRules = RefundRules()
    read_notices: ReadNotices | None = None
    secrets: Callable[[S], Sequence[str]] | None = None
    reads_afar: bool = False
    acknowledge: Callable[[Sequence[Notice], bool], Acknowledgement] = plain_ok
    test_mode: Callable[[S], bool] = lambda settings: False

    def serves(self, method: str) -> bool:
        """Whether it can be named for a payment method."""
        return self.methods is None or method in self.methods

    @cached_property
    def capabilities(self) -> frozenset[Capability]:
        """Everything it can do."""
        found = {one for one, protocol in _PROTOCOLS.items() if self.adapter and issubclass(self.adapter, protocol)}
        return frozenset(found | {Capability.READS_NOTICES} if self.read_notices else found)

    def build(self, settings: S) -> Adapter:
        """The adapter; connects nothing yet."""
        if self.adapter is None:
            raise TypeError(f"{self.name} only sends notices")
        made: Adapter = self.adapter(settings)
        return made


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
