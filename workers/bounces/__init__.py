"""Doors for reports of what became of mails: providers' webhooks, one file each and found by name, and a mailbox.

A file declares ``MAIL_PROVIDER = MailProvider(...)``: its settings, and how what it sends is proven and read. Its name is what the URL
of its reports calls it.
"""

from __future__ import annotations

from typing import Any, Final

from pipelines.plugins import Registry
from workers.bounces.provider import MailProvider

MAIL_PROVIDERS: Final[Registry[MailProvider[Any]]] = Registry("mail_providers", MailProvider, __name__, "mail provider")
"""Every provider by name."""
