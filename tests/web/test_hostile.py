"""Requests that mean harm: where they lead nowhere, and tell nothing."""

from __future__ import annotations

import pytest

from tests.web.site import Site


@pytest.mark.parametrize(
    "path",
    [
        "/v1/orders/",
        "/v1//orders",
        "//evil.example/v1/orders",
        "/healthz/",
        "/v1/orders/salon/S-1/",
        "/v1/orders/salon//",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_redirected(shared_site: Site, method: str, path: str) -> None:
    """A redirect is made of what the request says of our own name, over plain http, and would carry the key along."""
    answer = shared_site.run(lambda: shared_site.request(method, f"http://shukka{path}"))
    assert answer.status_code in (404, 405)
    assert "location" not in answer.headers
