"""Imports what web, worker and clock import sooner or later, plug-ins too: a fork server does it once for all of them."""

from __future__ import annotations

from contextlib import suppress

import workers.web.app  # noqa: F401 - imported for whoever is forked
from pipelines.errors import Misconfigured
from pipelines.plugins import REGISTRIES

for registry in list(REGISTRIES):
    with suppress(Misconfigured):  # whoever needs it says so
        registry.every()
