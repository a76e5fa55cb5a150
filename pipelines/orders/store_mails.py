"""What a store is told by mail of goods that are called to it (取り寄せ; STO-01): what comes and for whom, another day of the visit,
and what to send back or to sell again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Final

from pipelines.engine.facts import Facts
from pipelines.errors import Misconfigured
from pipelines.orders.mails import lines_of, operators_context
from pipelines.ports import MailIntent
from pipelines.shops import Shop

EXPECT: Final = "expect"
VISIT: Final = "visit"
SEND_BACK: Final = "send_back"
RELEASE: Final = "release"


def store_mail(
    facts: Facts, shop: Shop, now: datetime, name: str, what: str, visit_on: date, *, lines: Collection[str], about: str
) -> MailIntent:
    """A mail to the store ``name``: ``what`` is ``expect``, ``visit``, ``send_back`` or ``release``, each once for ``about``; those
    ``lines``, no money, and of the customer the name alone.

    Where the store has no address it goes to the shop's operators, and asks them to pass it on. Raises Misconfigured where there are
    neither; the order is then set aside.
    """
    store = shop.stores[name]
    to = store.mail or shop.operator_mail
    if not to:
        raise Misconfigured(
            f"shops/{shop.key}.toml", f"stores.{name} has no mail and the shop no operator_mail; set one"
        )
    context = {
        "now": now,
        "shop": operators_context(shop),
        "order": {"number": facts.number, "placed_at": facts.placed_at},
        "supplier": store.called(store.locale),
        "passed_on": not store.mail,
        "customer": {"name": facts.document["customer"]["name"]},
        "lines": lines_of(
            facts, [(line["line"], line["quantity"]) for line in facts.document["lines"] if line["line"] in lines]
        ),
        "what": what,
        "visit_on": visit_on,
        "return_to": _sent_back_to(shop),
    }
    to_name = store.called(store.locale) if store.mail else shop.name
    return MailIntent("store_notice", to, to_name, store.locale, context, f"{what}:{about}")


def _sent_back_to(shop: Shop) -> str:
    """Where a store sends what nobody bought: to the shop's own warehouse, as labels name it, or by its name where none do."""
    home = shop.supplier(shop.split.home)
    if (sender := home.files.sender) is None:
        return home.name or shop.name
    parts = (f"〒{sender.postal_code}", f"{sender.address}{sender.building and f' {sender.building}'}", sender.name)
    return " ".join(parts)
