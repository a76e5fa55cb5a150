"""MailIntent in, bytes out: fulfils ``pipelines.ports.MailRenderer``. Pure; no network, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha1
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID

from jinja2 import Template, TemplateError
from jinja2.runtime import Context

from pipelines.errors import Invalid, Misconfigured, Problem
from pipelines.ports import MailIntent, RenderedMail
from pipelines.values.mail_address import addr_spec
from templates_mail import LOCALES, TEMPLATES
from workers.mail import message, samples
from workers.mail.overrides import Overrides
from workers.mail.sources import Compiled, Load, Sources, of_house
from workers.web.links import Links, new_secret

CUSTOMER_MAILS: Final = (
    "order_accepted",
    "payment_instructions",
    "payment_reminder",
    "payment_received",
    "order_reopened",
    "payment_failed",
    "authorization_not_renewed",
    "order_held",
    "request_not_met",
    "not_offered",
    "order_short",
    "dispatch_planned",
    "address_changed",
    "dispatch_delayed",
    "shipment_shipped",
    "tracking_corrected",
    "order_delivered",
    "parcel_returned",
    "transit_accident",
    "order_cancelled",
    "refund_account_needed",
    "refund_done",
    "receipt_ready",
    "points_activated",
    "points_expiring",
    "rank_up",
    "coupon_issued",
    "deposit_differs",
    "cod_unclaimed",
    "return_accepted",
    "return_refused",
    "return_goods_awaited",
    "return_received",
    "return_finished",
    "return_open_again",
    "parcel_waiting",
    "pickup_ready",
    "pickup_reminder",
)
SUPPLIER_MAILS: Final = ("supplier_instruction", "supplier_overdue", "supplier_cancel", "supplier_return")
STORE_MAILS: Final = ("store_notice",)
CONTRACT_MAILS: Final = CUSTOMER_MAILS + SUPPLIER_MAILS + STORE_MAILS

_NONE: Final[Mapping[str, Overrides]] = {}
_NAMESPACE: Final = NAMESPACE_URL.bytes
_HEADER_SAFE: Final = "/:@!$&'()*+,;=?#[] "


class Renderer:
    """Renders mails with the templates of ``templates_mail``.

    ``mail_from``: the address that mails of a shop without one of its own come from, in the envelope and in From.
    ``domain``: the right-hand side of each Message-ID.  ``overrides``: the shops with files of their own.  ``load``: where
    the files of the templates come from, if not from ``templates_mail``.  ``links``: what signs the links in mails; without, they open nothing, as in a preview.  Raises Misconfigured if an address or domain cannot be used.
    """

    def __init__(
        self,
        mail_from: str,
        domain: str,
        *,
        overrides: Mapping[str, Overrides] = _NONE,
        load: Load | None = None,
        links: Links | None = None,
    ) -> None:
        try:
            self._mail_from = addr_spec(mail_from)
            message.mailbox("From", "", f"x@{domain}")
        except ValueError as refusal:
            raise Misconfigured(
                "MAIL_FROM", f"{str(refusal).rstrip('.')}; set it to an address such as orders@shop.example"
            ) from None
        self._domain = domain
        self._links = links or Links([new_secret()], "https://example.invalid")
        self._has_pages = links is not None
        self._overrides = overrides
        self._sources = {locale: Sources(locale, load=load) if load else of_house(locale) for locale in LOCALES}
        self._own_sources = {
            (shop, locale): Sources(locale, load=own.load, over=own.table)
            for shop, own in overrides.items()
            for locale in LOCALES
        }

    def unlinked(self) -> Renderer:
        """The same, but that the links in its mails open nothing: for looking at samples."""
        made = copy(self)
        made._links = Links([new_secret()], "https://example.invalid")
        return made

    def render(self, intent: MailIntent, *, shop: str, number: str) -> RenderedMail:
        """The bytes of ``intent`` for the order ``shop``/``number``; the same intent gives the same Message-ID.

        Without a ``number`` the mail is about no order: it names its shop alone, and ``subject_key`` tells it apart.

        Raises Misconfigured if the template, the locale or something the template reads is missing, Invalid if ``to``
        is no mail address. Neither tells the address nor the content.
        """
        envelope_to = _sendable(intent.to)
        said = intent.context["shop"]
        envelope_from = said["mail_from"] or self._mail_from
        subject, text, html = self._bodies(intent, envelope_from)
        identity = message_uuid(shop, number, intent.template, intent.subject_key)
        message_id = f"<{identity}@{self._domain}>"
        headers = [
            message.mailbox("From", said["mail_from_name"] or _shop_name(intent), envelope_from),
            message.mailbox("To", intent.to_name, envelope_to),
            message.unstructured("Subject", subject),
            _date(_now(intent)),
            f"Message-ID: {message_id}",
            "Auto-Submitted: auto-generated",
            f"X-Shukka-Template: {intent.template}",
            f"X-Shukka-Order: {_quoted(f'{shop}/{number}')}" if number else f"X-Shukka-Shop: {_quoted(shop)}",
        ]
        if reply_to := said["reply_to"]:
            headers.insert(1, message.mailbox("Reply-To", _shop_name(intent), reply_to))
        if intent.shipment:
            headers.append(f"X-Shukka-Shipment: {_quoted(intent.shipment)}")
        return RenderedMail(
            message_id=message_id,
            template=intent.template,
            envelope_from=envelope_from,
            envelope_to=envelope_to,
            subject=subject,
            raw=message.assemble(headers, text=text, html=html, boundary=f"=_{identity.hex}"),
        )

    def check(self) -> None:
        """Compile every mail of the contract and every other folder, and render those that have a sample: the shared ones,
        and those of each shop with files of its own.

        Raises Misconfigured naming the first template and locale that cannot be used, and the shop's files that may be why.
        What was found sound in this process, or in the one that it was forked from, is not looked at again.
        """
        for shop in ("", *self._overrides):
            used = [self._of(shop, locale) for locale in LOCALES]
            if not all(sources.is_sound for sources in used):
                self._check(shop)
                for sources in used:
                    sources.is_sound = True

    def _check(self, shop: str) -> None:
        for template, locale in _all_mails():
            if template in samples.TEMPLATES:
                self._bodies(samples.of_shop(samples.sample(template, locale), {"key": shop}), self._mail_from)
            else:
                self._compile(template, locale, shop)

    def _of(self, shop: str, locale: str) -> Sources:
        """The templates of a shop in ``locale``: its own, or those of all. Raises KeyError for an unknown locale."""
        own = self._own_sources.get((shop, locale)) if self._own_sources else None
        return own or self._sources[locale]

    def _bodies(self, intent: MailIntent, sender: str) -> tuple[str, str, str]:
        """Subject, text and HTML of a mail that comes from ``sender``."""
        shop = intent.context["shop"]["key"]
        mail = self._compile(intent.template, intent.locale, shop)
        allowed = _to_allow(intent.context["shop"]["mail_domain"], sender)
        try:
            values = {"allowed_domain": allowed, "order_url": None, "order_page_url": None, **intent.context}
            if self._has_pages and (page := intent.context.get("order_page")) is not None:
                values["order_page_url"] = self._links.url(**page)
            if (link := intent.context.get("link")) is not None:
                values["link_url"] = self._links.url(link["path"], link["purpose"], link["subject"], link["until"])
            subject = message.clean(_fill(mail.subject, values))
            text = _without_gaps(_fill(mail.text, values))
            html = _fill(mail.html, {**values, "subject": subject})
        except TemplateError as fault:
            raise self._unusable(intent.template, intent.locale, shop, fault) from fault
        return subject, text, html

    def _compile(self, template: str, locale: str, shop: str) -> Compiled:
        if locale not in self._sources:
            raise Misconfigured(f"mail {template}", f"there is no locale {locale!r}; use one of {', '.join(LOCALES)}")
        if template not in TEMPLATES:
            raise Misconfigured(f"mail {template}", f"the folder templates_mail/{template} is missing")
        try:
            return self._of(shop, locale).mail(template)
        except (TemplateError, ValueError) as fault:
            raise self._unusable(template, locale, shop, fault) from fault

    def _unusable(self, template: str, locale: str, shop: str, fault: Exception) -> Misconfigured:
        own = self._overrides[shop].of(template) if shop in self._overrides else []
        named = f", {shop}: {', '.join(map(str, own))}" if own else ""
        return Misconfigured(f"mail {template} ({locale}{named})", f"its template cannot be used: {fault}")


def _fill(template: Template, values: dict[str, Any]) -> str:
    """``Template.render`` without globals, of which there are none: looking for them took a third of the time."""
    context = Context(template.environment, values, template.name, template.blocks)
    return "".join(template.root_render_func(context))


@lru_cache(maxsize=1024)
def _to_allow(domain: str, sender: str) -> str:
    """The domain that customers are asked to let through: ``domain`` where the sender's is or lies in it, else that."""
    own = sender.rpartition("@")[2]
    return domain if domain and f".{own}".endswith(f".{domain.lower()}") else own


@lru_cache(maxsize=64)
def _date(now: datetime) -> str:
    """The Date header; a batch of mails has one moment."""
    return f"Date: {format_datetime(now)}"


def message_uuid(shop: str, number: str, template: str, subject_key: str) -> UUID:
    """The identity of a mail: the same order, template and subject of the mail always give the same one.

    What ``uuid.uuid5`` makes of NAMESPACE_URL, in half the time.
    """
    name = f"{shop}/{number}:{template}:{subject_key}".encode()
    return UUID(bytes=sha1(_NAMESPACE + name, usedforsecurity=False).digest()[:16], version=5)


def _all_mails() -> Iterator[tuple[str, str]]:
    for template in sorted(TEMPLATES.union(CONTRACT_MAILS)):
        for locale in LOCALES:
            yield template, locale


def _sendable(address: str) -> str:
    try:
        return addr_spec(address)
    except ValueError as refusal:
        raise Invalid([Problem("to", str(refusal))]) from None


def _shop_name(intent: MailIntent) -> str:
    shop: Mapping[str, Any] = intent.context["shop"]
    name: str = (shop["name_en"] if intent.locale == "en" else "") or shop["name"] or shop["key"]
    return name


def _now(intent: MailIntent) -> datetime:
    now = intent.context.get("now")
    if not isinstance(now, datetime) or now.tzinfo is None:
        raise Misconfigured(f"mail {intent.template}", "its context needs 'now', an aware datetime")
    return now


def _without_gaps(text: str) -> str:
    """``text`` without the runs of empty lines that optional parts leave behind."""
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def _quoted(value: str) -> str:
    """``value`` for a header of our own: as it is if printable ASCII, else percent-encoded."""
    if value.isascii() and value.isprintable() and "%" not in value:
        return value
    return quote(value, safe=_HEADER_SAFE)
