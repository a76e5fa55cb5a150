"""Every mail of a shop as it looks, from the samples: ``shukka mails preview SHOP``."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Final

from pipelines.orders.mails import operators_context, order_url, shop_context
from pipelines.ports import MailIntent
from pipelines.shops import Shop
from templates_mail import LOCALES
from workers.mail import message, samples
from workers.mail.rendering import STORE_MAILS, SUPPLIER_MAILS, Renderer

_NUMBER: Final = "S-1001"


def raw(renderer: Renderer, shop: Shop, template: str, locale: str) -> bytes:
    """The sample of ``template`` in ``locale`` as ``shop`` would send it, a message as bytes. Raises KeyError if there is none."""
    return renderer.render(intended(shop, template, locale), shop=shop.key, number=_NUMBER).raw


def intended(shop: Shop, template: str, locale: str) -> MailIntent:
    """The sample as ``shop`` would mean it. Raises KeyError if there is none."""
    said = operators_context(shop) if template in (*SUPPLIER_MAILS, *STORE_MAILS) else shop_context(shop)
    intent = samples.of_shop(samples.sample(template, locale), said)
    if intent.context.get("order_url"):
        intent = replace(intent, context={**intent.context, "order_url": order_url(shop, _NUMBER)})
    return intent


def write(renderer: Renderer, shop: Shop, directory: Path) -> int:
    """Write every mail of ``shop`` into ``directory`` as ``<template>.<locale>.html``, ``.txt`` and ``.eml``; how many mails.

    Raises OSError where that cannot be, Misconfigured for a template that cannot be used.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = 0
    for locale in LOCALES:
        for template in sorted(samples.TEMPLATES):
            sent = raw(renderer, shop, template, locale)
            (directory / f"{template}.{locale}.eml").write_bytes(message.encoded(sent))
            parsed = message_from_bytes(sent, policy=policy.default)
            for kind, suffix in (("plain", "txt"), ("html", "html")):
                body = parsed.get_body((kind,))
                assert body is not None
                (directory / f"{template}.{locale}.{suffix}").write_text(body.get_content(), encoding="utf-8")
            written += 1
    return written
