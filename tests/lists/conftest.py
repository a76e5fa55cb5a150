"""The web interface for the tests of lists and of the review queue."""

from __future__ import annotations

from tests.web.conftest import shared_site, site

__all__ = ["shared_site", "site"]
