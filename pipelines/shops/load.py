"""Reading shop profiles from TOML, collecting every mistake of every file before refusing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from pipelines.errors import Misconfigured
from pipelines.gateway import Capability
from pipelines.methods import METHODS, Capture
from pipelines.shops.fulfilling import AUTO, FILES
from pipelines.shops.installation import Installation
from pipelines.shops.shop import Shop
from pipelines.shops.slots import unknown_slots
from pipelines.values.prefecture import prefecture

PACKAGED: Final = Path(__file__).parent
"""The profiles that come with Shukka."""

Entry = tuple[str, str, str]
"""A mistake: file, key, reason."""

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "there is no such parameter; see docs/shops.md for the names",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "time_type": 'must be a time of day such as "15:00"',
    "date_type": "must be a date such as 2026-12-29",
    "tuple_type": "must be a list in square brackets",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "finite_number": "must be a number such as 0.05",
    "decimal_type": "must be a number such as 0.05",
    "decimal_parsing": "must be a number such as 0.05",
    "is_instance_of": "must be a number such as 0.05",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
}


class ProfileErrors(Misconfigured):
    """One or more shop profiles are wrong; ``entries`` lists (file, key, reason) for each mistake."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)
        file, key, reason = self.entries[0]
        more = f" (and {len(self.entries) - 1} more)" if len(self.entries) > 1 else ""
        super().__init__(f"{file}: {key}" if key else file, reason + more)


def load_shops(directory: Path | None = None, installation: Installation | None = None) -> dict[str, Shop]:
    """Every ``<shop>.toml`` of ``directory`` (default: the packaged ones) by name, sorted.

    ``installation``: what there is of gateways and channels, against which a profile's choice is checked; None: it is not
    asked, and no method is connected.  Raises ``ProfileErrors`` with all mistakes of all files.
    """
    place = PACKAGED if directory is None else directory
    if not place.is_dir():
        raise ProfileErrors(
            [(str(place), "", "is no directory; set SHOPS_DIR to the one that holds the <shop>.toml files")]
        )
    files = sorted(place.glob("*.toml"))
    if not files:
        raise ProfileErrors(
            [(str(place), "", "holds no <shop>.toml file; set SHOPS_DIR to the directory that holds them")]
        )
    shops: dict[str, Shop] = {}
    entries: list[Entry] = []
    for file in files:
        try:
            shops[file.stem] = _known_shop(file.stem, _text(file), installation, file=str(file))
        except ProfileErrors as errors:
            entries += errors.entries
    if entries:
        raise ProfileErrors(entries)
    return shops


def parse_shop(key: str, text: str, installation: Installation | None = None, *, file: str | None = None) -> Shop:
    """One profile from TOML ``text``; ``file`` names it in mistakes. Raises ``ProfileErrors``."""
    where = file or f"{key}.toml"
    return _checked(key, _table_of(text, where), installation, where)


#: A file that says the same is the same shop: whoever is forked of one who has read it shares his.
_known_shop = lru_cache(maxsize=64)(parse_shop)


def changed_shop(shop: Shop, text: str, installation: Installation | None = None) -> Shop:
    """``shop`` with the parameters of TOML ``text`` in the place of its own, a table's one by one. Raises ``ProfileErrors``."""
    where = f"{shop.key}.toml"
    table = _over(shop.model_dump(exclude_unset=True, exclude={"key"}), _table_of(text, where))
    return _checked(shop.key, table, installation, where)


def _over(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``old`` with what ``new`` says, table by table."""
    merged = dict(old)
    for name, value in new.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _table_of(text: str, where: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ProfileErrors([(where, "", f"is not valid TOML: {error}")]) from None
    if "key" in table:
        raise ProfileErrors([(where, "key", "leave it out: the file's name is the shop's key")])
    if unkept := [
        (where, key, "holds the character U+0000, which nothing can keep; leave it out") for key in _unkept(table)
    ]:
        raise ProfileErrors(unkept)
    return table


def _unkept(value: object, key: str = "") -> Iterator[str]:
    """The keys of ``value`` whose text, or whose own name, no database can keep."""
    if isinstance(value, dict):
        for name, below in value.items():
            inner = f"{key}.{name}" if key else str(name)
            yield from [inner] if "\0" in name else _unkept(below, inner)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _unkept(below, f"{key}[{index}]")
    elif isinstance(value, str) and "\0" in value:
        yield key


def _checked(key: str, table: Mapping[str, Any], installation: Installation | None, where: str) -> Shop:
    try:
        shop = Shop.model_validate({**table, "key": key})
    except ValidationError as error:
        raise ProfileErrors([(where, *_mistake(one)) for one in error.errors(include_url=False)]) from None
    shop.connect(installation or Installation())
    found = [
        *_across(shop),
        *_unknown_methods(shop),
        *_unknown_channels(shop, installation),
        *_unknown_files(shop, installation),
    ]
    found = found or [*_payment(shop, installation)]
    if entries := [(where, name, reason) for name, reason in found]:
        raise ProfileErrors(entries)
    return shop


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ProfileErrors([(str(file), "", "is not UTF-8 text; save it as UTF-8")]) from None
    except OSError as error:
        raise ProfileErrors([(str(file), "", f"cannot be read: {error.strerror}")]) from None


def _mistake(error: Mapping[str, Any]) -> tuple[str, str]:
    key = ""
    for step in error["loc"]:
        key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else step
    kind, context = error["type"], error.get("ctx", {})
    if key == "key":
        return "", "the file's name must be lower-case letters, digits, - and _, and start with a letter or digit"
    if kind == "value_error":
        reason = str(context["error"])
        name, found, rest = reason.partition(": ")
        if found and name.isidentifier() and name.islower():
            return (f"{key}.{name}" if key else name), rest
        return key, reason
    if kind == "missing" and key == "name":
        return key, "is required: the shop's name as customers read it"
    if kind == "extra_forbidden" and (near := _nearest(error["loc"])):
        return key, f"there is no such parameter; did you mean {near}?"
    if kind == "string_pattern_mismatch" and (meant := _described(error["loc"])):
        return key, f"does not fit; it is: {meant}"
    if kind not in _SENTENCES:
        return key, str(error["msg"])  # in the library's words, which may hold braces of their own
    return key, _SENTENCES[kind].format(**context)


def _nearest(steps: Sequence[str | int]) -> str | None:
    """The parameter whose name is nearly the last of ``steps``, among those of the same table."""
    found = get_close_matches(str(steps[-1]), _table(steps).model_fields, n=1)
    return found[0] if found else None


def _described(steps: Sequence[str | int]) -> str | None:
    """What the reference says of the parameter, or of the list that holds the entry."""
    while steps and isinstance(steps[-1], int):
        steps = steps[:-1]
    field = _table(steps).model_fields.get(str(steps[-1]))
    return field.description if field is not None else None


def _table(steps: Sequence[str | int]) -> type[BaseModel]:
    """The section that holds the last of ``steps``."""
    section: type[BaseModel] = Shop
    for step in steps[:-1]:
        if isinstance(step, str) and step in section.model_fields:
            section = next(_sections(section.model_fields[step].annotation), section)
    return section


def _sections(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


def _unknown_channels(shop: Shop, installation: Installation | None) -> Iterator[tuple[str, str]]:
    """Names of supplier channels that no file declares."""
    if installation is None:
        return
    channels = installation.channels
    for name, supplier in shop.suppliers.items():
        if supplier.channel not in (AUTO, *channels):
            there_is = ", ".join([AUTO, *channels])
            yield f"suppliers.{name}.channel", f"{supplier.channel!r} is no supplier channel; there is {there_is}"


def _unknown_files(shop: Shop, installation: Installation | None) -> Iterator[tuple[str, str]]:
    """Names of file formats that no file declares."""
    if installation is None or not installation.files:
        return
    for name, supplier in shop.suppliers.items():
        if supplier.files.format not in installation.files:
            there_is = ", ".join(installation.files)
            yield f"suppliers.{name}.files.format", f"{supplier.files.format!r} is no file format; there is {there_is}"
        elif supplier.channel == FILES and installation.files[supplier.files.format].write is None:
            says = f"{supplier.files.format!r} is read only, and the channel {FILES} writes"
            yield f"suppliers.{name}.files.format", says


def _unknown_methods(shop: Shop) -> Iterator[tuple[str, str]]:
    """Names of payment methods that no file declares."""
    named: dict[str, Iterable[str]] = {
        **{f"payment.methods.{account}": listed for account, listed in shop.payment.methods.items()},
        "cancel.until_paid": shop.cancel.until_paid,
        **{f"returns.terms[{index}].methods": one.methods for index, one in enumerate(shop.returns.terms)},
        "documents.receipt_methods": shop.documents.receipt_methods,
    }
    known = f"must be {METHODS.choice()}"
    for key, listed in named.items():
        yield from ((f"{key}[{index}]", known) for index, name in enumerate(listed) if name not in METHODS)
    yield from ((f"payment.gateways.{name}", known) for name in shop.payment.gateways if name not in METHODS)


def _payment(shop: Shop, installation: Installation | None) -> Iterator[tuple[str, str]]:
    """What a method that the shop allows misses in the profile, and gateways that cannot do what is asked of them."""
    if installation is not None:
        gateways = installation.gateways
        for paid_by, chosen in shop.payment.gateways.items():
            if chosen not in gateways:
                yield f"payment.gateways.{paid_by}", f"{chosen!r} is no gateway; there is {', '.join(gateways)}"
            elif missed := METHODS[paid_by].misses(gateways[chosen]):
                says = f"needs a gateway that {' and '.join(sorted(missed))}; {chosen} does not"
                yield f"payment.gateways.{paid_by}", says
            elif not gateways[chosen].serves(paid_by):
                served = ", ".join(sorted(gateways[chosen].methods or ()))
                yield f"payment.gateways.{paid_by}", f"{chosen} serves {served} and nothing else"
    for name in sorted(shop.payment.allowed):
        method, gateway = METHODS[name], shop.gateway_for(name)
        if (lack := method.lacks(shop)) is not None:
            yield f"payment.{lack[0]}", lack[1]
        if (
            shop.payment.capture_policy == "per_shipment"
            and method.capture is Capture.ON_DISPATCH
            and gateway is not None
            and not gateway.captures.several
        ):
            says = f"per_shipment needs a gateway that captures several times; {gateway.name} does not (SPL-04)"
            yield "payment.capture_policy", says
        if (
            shop.payment.authorization_ends == "renew"
            and method.capture is Capture.ON_DISPATCH
            and gateway is not None
            and Capability.RENEWS not in gateway.capabilities
        ):
            says = f"renew needs a gateway that {Capability.RENEWS}; {gateway.name} does not (SPL-04)"
            yield "payment.authorization_ends", says


def _never_open(shop: Shop) -> Iterator[tuple[str, str]]:
    """Suppliers whose goods could not leave for more than a year, by their own days and their carrier's together."""
    schedules = (shop.calendar, *shop.suppliers.values(), *shop.pickups.values())
    named = {day for one in schedules for day in (*one.closed_days, *one.open_dates)} or {date(2026, 1, 1)}
    for name in shop.suppliers:
        calendar = shop.dispatch_days(name).calendar
        try:
            for day in (*sorted(named), max(named) + timedelta(days=1)):
                calendar.next_open(day)
        except ValueError:
            yield f"suppliers.{name}", "is closed for more than a year; see its closed days and its carrier's pickup"


def _pull_in(shop: Shop) -> Iterator[tuple[str, str]]:
    """Stores that nobody could visit, and methods that do not go with a visit (STO-01)."""
    for name in shop.pull_in.methods if shop.stores else ():
        if name not in METHODS:
            yield "pull_in.methods", f"{name!r} is no payment method; there is {', '.join(METHODS)}"
        elif name not in shop.payment.allowed:
            yield "pull_in.methods", f"{name} is none of payment.methods"
        elif METHODS[name].capture is Capture.ON_DELIVERY:
            yield "pull_in.methods", f"{name} is paid to the carrier, who hands the goods to the store: take it out"
    if shop.stores and not shop.pull_in.methods:
        yield "pull_in.methods", "name at least one: nobody could call goods to a store"
    for name, store in shop.stores.items():
        if wrong := [day for day in store.visit_dates if not shop.visit_days(name).is_open(day)]:
            yield f"stores.{name}.visit_dates", f"{wrong[0]} is a day on which it is closed"


def _across(shop: Shop) -> Iterator[tuple[str, str]]:
    """Mistakes that only two sections together show."""
    for name, supplier in shop.suppliers.items():
        if supplier.ships_via is not None and supplier.ships_via not in shop.suppliers:
            yield (
                f"suppliers.{name}.ships_via",
                f"there is no supplier {supplier.ships_via}; add [suppliers.{supplier.ships_via}]",
            )
        if supplier.ships_via is not None and shop.supplier(supplier.ships_via).ships_via is not None:
            yield f"suppliers.{name}.ships_via", "must name a supplier that ships by itself"
        if supplier.instead is not None and (supplier.instead == name or supplier.instead not in shop.suppliers):
            yield f"suppliers.{name}.instead", "must name another supplier of the profile"
    if not shop.split.drop_ship and shop.split.home not in shop.suppliers:
        yield "split.home", f"there is no supplier {shop.split.home}; add [suppliers.{shop.split.home}]"
    if shop.points.first_order_coupon_points and not ("points" in shop.coupons.kinds and shop.coupons.max_per_order):
        yield "points.first_order_coupon_points", 'nobody could enter the code; add "points" to coupons.kinds'
    for code, offer in shop.coupons.offers.items():
        if unknown := [rank for rank in offer.ranks if rank not in shop.rank_rates]:
            yield f"coupons.offers.{code}.ranks", f"there is no rank {unknown[0]}; ranks.levels lists the shop's"
    yield from _pull_in(shop)
    yield from _never_open(shop)
    for place, kept in unknown_slots(shop.delivery, shop.suppliers):
        yield f"delivery.slots[{place}]", f"no carrier of the shop has it; there is {kept}"
    for region in shop.delivery.transit_days:
        if prefecture(region) != region:
            yield f"delivery.transit_days.{region}", "is no prefecture; write it as in 愛知県"
    for region in shop.shipping.individual_surcharge:
        if region != "*" and prefecture(region) != region:
            yield (
                f"shipping.individual_surcharge.{region}",
                'is no prefecture; write it as in 愛知県, or "*" for the others',
            )
