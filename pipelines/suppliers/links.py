"""The signed link by which a supplier without an account sees its work: what it is about, and who may take it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from pipelines.errors import NotFound

PURPOSE: Final = "supplier"
PATH: Final = "/s/"
LASTS: Final = timedelta(days=60)
"""How long a link opens its page: longer than a shipment takes, and than a back-order is asked after."""


class SignsLinks(Protocol):
    """What signs the links of an installation."""

    def url(self, path: str, purpose: str, subject: str, until: datetime) -> str:
        """The whole link to the page of ``purpose`` about ``subject``, good until ``until``."""
        ...


class Pass(NamedTuple):
    """What a link opens: the work of ``supplier`` at ``shop``, first of all ``shipment``. Links of another ``generation`` than the
    holder's were taken back."""

    generation: int
    shop: str
    shipment: str
    supplier: str

    @property
    def holder(self) -> str:
        """Whose link it is: one name at two shops may be two suppliers."""
        return holder(self.shop, self.supplier)

    @property
    def subject(self) -> str:
        """As it is signed; the supplier's name comes last, since it may hold anything."""
        return "/".join((str(self.generation), self.shop, self.shipment, self.supplier))


def holder(shop: str, supplier: str) -> str:
    """Whose links are meant."""
    return f"{shop}/{supplier}"


def pass_of(subject: str) -> Pass:
    """What a signed ``subject`` says. Raises NotFound for one that says nothing."""
    parts = subject.split("/", 3)
    if len(parts) != len(Pass._fields):
        raise NotFound
    generation, shop, shipment, supplier = parts
    if not (generation.isascii() and generation.isdigit()):
        raise NotFound
    return Pass(int(generation), shop, shipment, supplier)


def link(links: SignsLinks, opens: Pass, now: datetime) -> str:
    """The link that opens it, for ``LASTS`` from ``now`` on."""
    return links.url(PATH, PURPOSE, opens.subject, now + LASTS)
