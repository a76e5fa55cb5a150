"""Amazon Pay's notices at the door: the subscription accepted by itself, a notice stored once it is proven (gateways.md 6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest

from tests.payments.amazon_pay_bench import amazon, held
from tests.payments.providers import Fake
from tests.web.site import Site
from workers.sandbox.gateways.amazon_pay_sns import HOST, TOPIC


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """Amazon that has offered its notices, and has sent one of a new charge."""
    with amazon(tmp_path / "journal") as (one, bench):
        one.buyer("subscribe")
        accepted_at = orjson.loads(one.notices(0)[-1][1])["SubscribeURL"]
        httpx.get(accepted_at.replace(HOST, one.url)).raise_for_status()
        held(bench, "salon/S-1")
        yield one


def heard_from(site: Site, sns: str) -> None:
    """Let the site hear the topic, with SNS at ``sns``."""
    state = site.app.state.shukka
    site.app.state.shukka = replace(state, notice_secrets={"amazon_pay": [f"{TOPIC} {sns}"]})


def posted(site: Site, body: bytes) -> httpx.Response:
    path = "/v1/webhooks/payments/amazon_pay"
    return site.run(lambda: site.request("POST", path, key=None, content=body, headers={"content-type": "text/plain"}))


def stored(site: Site) -> list[str]:
    return [row.event_id for row in site.world.rows("SELECT event_id FROM inbox_event ORDER BY id")]


def test_an_offer_is_accepted_and_a_notice_is_stored_once(site: Site, fake: Fake) -> None:
    (_, offer), (_, notice) = fake.notices(0)
    heard_from(site, fake.url)
    assert (posted(site, offer).status_code, stored(site)) == (200, [])
    answers = [posted(site, notice) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 2
    assert len(stored(site)) == 1


def test_who_is_not_sns_is_refused_and_who_cannot_be_asked_now_is_sent_away(site: Site, fake: Fake) -> None:
    notice = fake.notices(0)[-1][1]
    heard_from(site, fake.url)
    assert posted(site, notice.replace(b"STATE_CHANGE", b"STATE_CHANGES")).status_code == 401
    assert posted(site, b"no JSON").status_code == 401
    heard_from(site, "http://127.0.0.1:1")
    told = replace_certificate(notice)
    assert posted(site, told).status_code == 503, "a 4xx would end the attempts of SNS"
    assert stored(site) == []


def replace_certificate(notice: bytes) -> bytes:
    """The notice by a certificate that was never fetched."""
    return notice.replace(b"/SimpleNotificationService-", b"/SimpleNotificationService-new-")
