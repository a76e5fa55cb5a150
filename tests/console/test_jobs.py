"""Jobs and Now: what the service has to do, and trying again what was given up; for accounts of every shop alone."""

from __future__ import annotations

import pytest

from tests.console.browser import Browser, Console, text_of

JOBS, NOW = "/console/jobs", "/console/now"


@pytest.fixture
def failed(console: Console) -> Console:
    """Two mails that were given up."""
    console.world.execute("UPDATE mail SET state = 'failed', code = '550 <b>'")
    return console


def test_what_was_given_up_is_tried_again_by_what_it_has_in_common(failed: Console, operator: Browser) -> None:
    page = operator.get(f"{JOBS}?what=mail&reason=550")
    assert "550 &lt;b&gt;" in page.text
    assert len(page.content) < 40_000
    answer = operator.send(page, "/jobs/retry")
    number = failed.world.value("SELECT count(*) FROM mail WHERE state = 'queued'")
    assert number > 0
    assert answer.headers["location"] == f"{JOBS}?tried={number}"
    assert failed.world.value("SELECT act FROM operator_act") == "jobs.retry"


def test_a_filter_that_means_nothing_retries_nothing(failed: Console, operator: Browser) -> None:
    page = operator.get(f"{JOBS}?reason=250")
    assert "/jobs/retry" not in page.text
    csrf = operator.form(page, "/sign-out").fields["csrf"]
    assert operator.post(f"{JOBS}/retry", {"csrf": csrf}).headers["location"] == JOBS
    assert failed.world.value("SELECT count(*) FROM mail WHERE state = 'queued'") == 0


def test_now_shows_rates_with_pictures_and_words(console: Console, operator: Browser) -> None:
    page = operator.get(NOW, headers={"accept-language": "en"})
    assert '<svg class="bars"' in page.text
    assert "accepted" in text_of(page)


@pytest.mark.parametrize(("roles", "read", "act"), [({"*": "viewer"}, 200, 403), ({"salon": "admin"}, 404, 404)])
def test_the_service_is_for_accounts_of_every_shop(failed: Console, roles: dict[str, str], read: int, act: int) -> None:
    browser = failed.signed_in("other", roles)
    assert [browser.get(path).status_code for path in (JOBS, NOW)] == [read, read]
    csrf = browser.form(browser.get("/console"), "/sign-out").fields["csrf"]
    assert browser.post(f"{JOBS}/retry", {"csrf": csrf, "all": "yes"}).status_code == act
    assert failed.world.value("SELECT count(*) FROM mail WHERE state = 'queued'") == 0
