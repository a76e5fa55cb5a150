"""Imports what web, worker and clock import sooner or later, plug-ins too, compiles the mails and reads the profiles: once for all who are forked.

What is wrong with a plug-in, a template or a profile is said by whoever needs it.
"""

from __future__ import annotations

from contextlib import suppress

import workers.web.app  # noqa: F401 - imported for whoever is forked
from pipelines.errors import Misconfigured
from pipelines.plugins import REGISTRIES
from pipelines.shops import load_shops
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.settings import load

for registry in list(REGISTRIES):
    with suppress(Misconfigured):
        registry.every()
with suppress(Misconfigured):
    Renderer("orders@example.invalid", "example.invalid").check()
with suppress(Misconfigured):
    load_shops(load().shops_dir, INSTALLATION)
