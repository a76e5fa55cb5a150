"""Every mail as it looks, from its sample: ``python -m workers.mail.preview OUTDIR``."""

from __future__ import annotations

import sys
from email import message_from_bytes, policy
from pathlib import Path

from templates_mail import LOCALES
from workers.mail import message, samples
from workers.mail.rendering import Renderer


def write(directory: Path) -> int:
    """Write every sample into ``directory`` as ``<template>.<locale>.html``, ``.txt`` and ``.eml``; how many mails."""
    renderer = Renderer("orders@salon.example", "salon.example")
    directory.mkdir(parents=True, exist_ok=True)
    written = 0
    for locale in LOCALES:
        for template in sorted(samples.TEMPLATES):
            mail = renderer.render(samples.sample(template, locale), shop="salon", number="S-1001")
            (directory / f"{template}.{locale}.eml").write_bytes(message.encoded(mail.raw))
            parsed = message_from_bytes(mail.raw, policy=policy.default)
            for kind, suffix in (("plain", "txt"), ("html", "html")):
                body = parsed.get_body((kind,))
                assert body is not None
                (directory / f"{template}.{locale}.{suffix}").write_text(body.get_content(), encoding="utf-8")
            written += 1
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m workers.mail.preview OUTDIR")
    print(f"{write(Path(sys.argv[1]))} mails written to {sys.argv[1]}")
