"""Imports what web, worker and clock import sooner or later, plug-ins too, and compiles the mails: once for all who are forked.

What is wrong with a plug-in or a template is said by whoever needs it.
"""

from __future__ import annotations

from contextlib import suppress

import workers.web.app  # noqa: F401 - imported for whoever is forked
from pipelines.errors import Misconfigured
from pipelines.plugins import REGISTRIES
from workers.mail.rendering import Renderer

for registry in list(REGISTRIES):
    with suppress(Misconfigured):
        registry.every()
with suppress(Misconfigured):
    Renderer("orders@example.invalid", "example.invalid").check()
