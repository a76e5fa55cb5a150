"""Signing in to the console: passwords, codes, one-time links, cookies, lock-out, and forms that are our own."""

from __future__ import annotations

import re
import time
from html import unescape

import pyotp
import pytest

from pipelines.operators import rest_after
from tests.console.browser import BASE, Browser, Console
from workers.operators import add_account, change_password, one_time_path

PASSWORD = "correct horse battery"
WRONG = "incorrect horse"


@pytest.fixture
def account(console: Console) -> int:
    """The account ``tanaka`` with a password."""
    account = add_account(console.world.engine, "tanaka", {"salon": "operator"})
    change_password(console.world.engine, account, "", PASSWORD, "")
    return account


def try_in(browser: Browser, name: str = "tanaka", password: str = PASSWORD, code: str = "") -> int:
    """Sign in by the form; the status of the answer."""
    return browser.post("/console/sign-in", {"name": name, "password": password, "code": code}).status_code


def test_nobody_sees_a_page_without_signing_in(console: Console) -> None:
    browser = console.browser()
    for path in (
        "/console",
        "/console/orders/salon/S-1",
        "/console/today/due",
        "/console/account",
        "/console/search?q=S-1",
    ):
        assert browser.get(path).headers["location"].startswith("/console/sign-in?to=")
    assert browser.post("/console/orders/salon/S-1/notes", {"text": "x"}).status_code == 303
    assert console.world.value("SELECT count(*) FROM order_note") == 0


def test_the_cookie_is_for_this_server_alone(console: Console, account: int) -> None:
    answer = console.browser().post("/console/sign-in", {"name": "tanaka", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "secure", "samesite=lax", "path=/console"} <= {part.strip() for part in cookie.split(";")}
    kept = bytes(console.world.value("SELECT token_hash FROM operator_session"))
    assert kept.hex() not in cookie, "the cookie itself is stored nowhere"


def test_what_was_wrong_is_not_told(console: Console, account: int) -> None:
    answers = [
        console.browser().post("/console/sign-in", {"name": name, "password": WRONG})
        for name in ("tanaka", "nobody", "sato")
    ]
    assert {one.status_code for one in answers} == {401}
    assert (
        len({one.text.replace(name, "") for one, name in zip(answers, ("tanaka", "nobody", "sato"), strict=True)}) == 1
    )


def test_an_account_rests_after_wrong_tries_and_the_right_password_does_not_help(
    console: Console, account: int
) -> None:
    browser = console.browser()
    for _ in range(5):
        assert try_in(browser, password=WRONG) == 401
    assert try_in(browser) == 401
    console.world.execute("UPDATE operator_account SET locked_until = now() - interval '1 second'")
    assert try_in(browser) == 303
    assert console.world.value("SELECT failures FROM operator_account") == 0


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (12, 3_600), (400, 3_600)]
)
def test_each_rest_is_twice_as_long_and_none_longer_than_an_hour(failures: int, seconds: int) -> None:
    assert rest_after(failures) == seconds


def test_an_address_that_tries_too_often_is_told_to_wait(console: Console) -> None:
    browser = console.browser()
    assert 429 in {try_in(browser, name="nobody", password=WRONG) for _ in range(15)}


def test_a_code_is_asked_for_where_one_is_set_and_counts_once(console: Console, account: int) -> None:
    secret = pyotp.random_base32()
    console.world.execute("UPDATE operator_account SET totp_secret = :secret", secret=secret)
    code = pyotp.TOTP(secret).at(int(time.time()))
    assert try_in(console.browser()) == 401
    assert try_in(console.browser(), code=code) == 303
    assert try_in(console.browser(), code=code) == 401, "seen over a shoulder, it is worth nothing"


def test_codes_are_set_up_by_proving_one(console: Console, account: int) -> None:
    browser = console.browser()
    try_in(browser)
    page = browser.get("/console/account")
    secret = browser.form(page, "/account/code").fields["secret"]
    assert browser.send(page, "/account/code", code="000000", old=PASSWORD).status_code == 422
    code = pyotp.TOTP(secret).at(int(time.time()))
    assert browser.send(page, "/account/code", code=code, old=WRONG).status_code == 422
    assert browser.send(page, "/account/code", code=code, old=PASSWORD).status_code == 303
    assert secret not in browser.get("/console/account").text


def test_a_one_time_link_signs_in_once_and_looking_at_it_uses_nothing_up(console: Console, account: int) -> None:
    path = one_time_path(console.world.engine, account)
    browser = console.browser()
    assert [browser.get(path).status_code for _ in range(2)] == [200, 200]
    assert browser.post(path, {}).headers["location"] == "/console"
    assert browser.get("/console").status_code == 200
    assert console.browser().post(path, {}).status_code == 410


def test_a_link_ends(console: Console, account: int) -> None:
    path = one_time_path(console.world.engine, account)
    console.world.execute("UPDATE operator_link SET ends_at = now()")
    assert console.browser().post(path, {}).status_code == 410


@pytest.mark.parametrize("change", ["ends_at = now()", "seen_at = now() - interval '3 hours'"], ids=["end", "idle"])
def test_a_session_ends(console: Console, operator: Browser, change: str) -> None:
    assert operator.get("/console").status_code == 200
    console.world.execute(f"UPDATE operator_session SET {change}")
    assert operator.get("/console").status_code == 303


def test_who_signs_out_is_out(operator: Browser) -> None:
    cookie = dict(operator.client.cookies)
    assert operator.send(operator.get("/console"), "/sign-out").status_code == 303
    operator.client.cookies.update(cookie)
    assert operator.get("/console").status_code == 303, "the cookie is worth nothing any more"


def test_another_password_signs_the_others_out(console: Console, account: int) -> None:
    mine, stolen = console.browser(), console.browser()
    assert (try_in(mine), try_in(stolen)) == (303, 303)
    page = mine.get("/console/account")
    assert mine.send(page, "/account/password", old=PASSWORD, password="short").status_code == 422
    assert mine.send(page, "/account/password", old=PASSWORD, password="another horse battery").status_code == 303
    assert mine.get("/console").status_code == 200
    assert stolen.get("/console").status_code == 303


def test_a_disabled_account_is_out_at_once(console: Console, operator: Browser) -> None:
    console.world.execute("UPDATE operator_account SET disabled_at = now()")
    assert operator.get("/console").status_code == 303


FORGED = [
    ({"csrf": ""}, {}),
    ({"csrf": "0" * 64}, {}),
    ({}, {"origin": "https://evil.example"}),
    ({}, {"origin": "null"}),
    ({}, {"origin": "https://["}),
    ({}, {"origin": "pages.shukka.example"}),
    ({}, {"sec_fetch_site": "cross-site"}),
    ({}, {"sec_fetch_site": "same-site"}),
]


@pytest.mark.parametrize(("fields", "headers"), FORGED, ids=str)
def test_a_form_of_another_site_does_nothing(
    console: Console, operator: Browser, fields: dict[str, str], headers: dict[str, str]
) -> None:
    form = operator.form(operator.get("/console/orders/salon/S-1"), "/notes")
    answer = operator.post(form.action, {**form.fields, "text": "x", **fields}, **headers)
    assert answer.status_code == 403
    assert console.world.value("SELECT count(*) FROM order_note") == 0


def test_a_request_that_names_no_host_has_no_form_of_ours(console: Console) -> None:
    """HTTP/1.0 knows no Host, and some programs leave it out: a page refuses it, as any form of another site."""
    client = console.browser().client
    for origin in (BASE, "null", "https://"):
        request = client.build_request("POST", "/console/sign-in", data={"name": "x"}, headers={"origin": origin})
        del request.headers["host"]
        answer = console.run(client.send(request))
        assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")


def test_a_form_of_another_session_does_nothing(console: Console, operator: Browser) -> None:
    other = console.signed_in("suzuki", {"*": "operator"})
    form = other.form(other.get("/console/orders/salon/S-1"), "/notes")
    assert operator.post(form.action, {**form.fields, "text": "x"}).status_code == 403


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "/console//evil", "/console\\evil", "/v1/x", ""]
)
def test_signing_in_leads_nowhere_else(console: Console, account: int, to: str) -> None:
    answer = console.browser().post("/console/sign-in", {"name": "tanaka", "password": PASSWORD, "to": to})
    assert answer.headers["location"] == "/console"


def test_pages_load_their_own_files_alone(operator: Browser) -> None:
    page = operator.get("/console")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert f"{BASE}" not in page.text


def test_passwords_are_kept_as_argon2id(console: Console, account: int) -> None:
    assert console.world.value("SELECT password_hash FROM operator_account").startswith("$argon2id$")


def test_who_mistypes_or_changes_the_language_goes_on_where_they_were(console: Console, account: int) -> None:
    """The name that was typed, the language that was chosen and the page that was asked for stay."""
    browser = console.browser()
    asked = browser.get(browser.get("/console/orders/salon/S-1").headers["location"])
    english = browser.get(unescape(re.findall(r'href="([^"]*lang=en[^"]*)"', asked.text)[0]))
    wrong = browser.send(english, "/sign-in", name="tanaka", password=WRONG)
    assert (wrong.status_code, '<html lang="en">' in wrong.text) == (401, True)
    assert browser.form(wrong, "/sign-in").fields["name"] == "tanaka"
    right = browser.send(wrong, "/sign-in", password=PASSWORD)
    assert (right.status_code, right.headers["location"]) == (303, "/console/orders/salon/S-1")
