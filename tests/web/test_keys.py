"""Keys and secrets over their life: replaced with a grace time, and revoked while processes run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.web.site import Site, problem, signature
from tests.world import document
from workers.enrolment import Credentials, revoke_client, rotate_client

GRACE = timedelta(hours=24)


def rotate(site: Site, name: str) -> Credentials:
    return rotate_client(site.world.engine, name, None, now=site.world.clock.now(), grace=GRACE)


def test_either_key_counts_until_the_grace_is_over(site: Site) -> None:
    site.world.take(document("S-1"))
    path = "/v1/orders/salon/S-1"
    old = site.storefront
    assert site.get(path).status_code == 200
    new = rotate(site, "shops").key
    assert [site.get(path, key=key).status_code for key in (old, new)] == [200, 200]
    site.world.clock.set(site.world.clock.now() + GRACE)
    assert [site.get(path, key=key).status_code for key in (old, new)] == [401, 200]


def test_either_secret_counts_until_the_grace_is_over(site: Site) -> None:
    old = site.secrets["warehouse"]
    new = rotate(site, "warehouse").webhook_secret
    news = {"type": "shipment.shipped", "data": {"shipment": "SH-1"}}
    assert [site.hook(news, secret=secret).status_code for secret in (old, new)] == [202, 202]
    both = signature(new, b'{"a":1}', "msg-9")["webhook-signature"] + " v1,bm9uc2Vuc2U="
    sent = {**signature(new, b'{"a":1}', "msg-9"), "webhook-signature": both}
    assert site.hook(None, raw=b'{"a":1}', headers=sent).status_code == 202
    site.world.clock.set(site.world.clock.now() + GRACE)
    assert [site.hook(news, secret=secret).status_code for secret in (old, new)] == [401, 202]


def test_what_was_replaced_before_counts_no_longer(site: Site) -> None:
    """Two keys count at most: who rotates twice ends the grace of the first."""
    first = site.operator
    second = rotate(site, "operations").key
    third = rotate(site, "operations").key
    path = "/v1/orders/salon/S-1"
    assert [site.get(path, key=key).status_code for key in (first, second, third)] == [401, 404, 404]


def test_a_revoked_client_is_nobody_at_once(site: Site) -> None:
    """Also in a process that saw its key a moment ago."""
    site.world.take(document("S-1"))
    path = "/v1/orders/salon/S-1"
    assert site.get(path).status_code == 200
    assert site.hook({"type": "x"}).status_code == 202
    for name in ("shops", "warehouse"):
        revoke_client(site.world.engine, name, None, now=site.world.clock.now())
    problem(site.get(path), 401)
    problem(site.hook({"type": "x"}), 401)


@pytest.mark.parametrize(("passed", "signatures"), [(timedelta(0), 2), (GRACE, 1)], ids=["in the grace", "after it"])
def test_what_leaves_is_signed_by_the_secrets_that_count(site: Site, passed: timedelta, signatures: int) -> None:
    """Both to suppliers and to storefronts, so that neither has to change its secret at our moment."""
    world = site.world
    world.enrol("storefront", "listener", url="https://shop.example/hooks")
    world.execute("UPDATE client SET url = 'https://wms.example/' WHERE name = 'warehouse'")
    for name in ("listener", "warehouse"):
        rotate(site, name)
    world.clock.set(world.clock.now() + passed)
    world.take(document("S-1"))
    world.settle()
    world.at(world.clock.now() + timedelta(days=5))
    told = {"suppliers": world.suppliers, "storefronts": world.storefronts}
    assert {name: {len(secrets) for secrets in partners.signed_by[:1]} for name, partners in told.items()} == {
        name: {signatures} for name in told
    }
