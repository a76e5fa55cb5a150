"""What people type and follow in the console, and what hostile ones do: refusals are pages, in the reader's language, and nothing that
was typed is lost or read otherwise."""

from __future__ import annotations

import re

import pytest

from pipelines.review.kinds import KINDS
from tests.console.browser import Browser, Console, text_of
from tests.returns.counter import Counter, pieces
from workers.operators import add_account, change_password
from workers.web.console.frame import words

ORDER = "/console/orders/salon/S-1"
CUSTOMER = "/console/customers/salon/M-1"
#: Words of refusals in English, of which a Japanese page has none.
ENGLISH = re.compile(r"\b(?:Must|This field|is over|There is|there is|The (?:number|mail|money)|are due|is named)\b")


@pytest.mark.parametrize(
    "path",
    [
        "/console/today/due?supplier=%00",
        "/console/today/due?reason=%00",
        "/console/print/picks?shop=salon&supplier=%00",
        "/console/print/notes?shop=salon&supplier=warehouse&after=%00",
        "/console/review/one?kind=hold&key=%00",
        "/console/customers?shop=salon&customer=%00",
        "/console/jobs?what=%00",
        "/console/shops/salon/try?number=%00",
        f"{ORDER}/mails/first",
        "/console/returns/RT-1/photos/first",
        "/console/shops/salon/years/warehouse/next.svg",
    ],
)
def test_what_names_nothing_is_no_page(reader: Browser, path: str) -> None:
    """404 as for whatever is not there, and a page: people read it."""
    answer = reader.get(path)
    assert answer.status_code == 404
    assert "ページがありません" in answer.text


def test_what_is_asked_twice_is_refused_by_a_page(reader: Browser) -> None:
    answer = reader.get("/console/orders?q=a&q=b")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")


def test_refusals_are_in_the_language_of_the_account(console: Console) -> None:
    """The account's choice comes before the browser's (docs/console.md), on pages that refuse too."""
    browser = console.signed_in("john", {"salon": "viewer"})
    browser.send(browser.get("/console/account"), "/language", language="en")
    csrf = browser.form(browser.get("/console"), "/sign-out").fields["csrf"]
    for answer in (
        browser.get("/console/orders/salon/none"),
        browser.post(f"{ORDER}/notes", {"csrf": csrf, "text": "x"}),
        browser.post(f"{CUSTOMER}/points", {"csrf": csrf}),
    ):
        assert answer.status_code in (403, 404)
        assert '<html lang="en">' in answer.text
    assert '<html lang="ja">' in browser.get("/console/orders/salon/none?lang=ja").text


@pytest.mark.parametrize(
    "page",
    [
        "/console/orders?shop=salon&q=%E4%BD%90%E8%97%A4",
        "/console/review/one?kind=hold&key=1",
        "/console/print/picks?shop=salon&supplier=warehouse",
        "/console/customers/salon/M-9%2F0",
        "/console/customers/salon/%E4%BC%9A%E5%93%A1%231",
    ],
)
def test_whoever_signs_in_sees_the_page_that_was_asked_for(console: Console, page: str) -> None:
    """With all that its address asks: a list is a link that can be sent."""
    change_password(
        console.world.engine, add_account(console.world.engine, "mori", {"*": "viewer"}), "", "correct horse b", ""
    )
    browser = console.browser()
    form = browser.form(browser.get(browser.get(page).headers["location"]), "/sign-in")
    answer = browser.post("/console/sign-in", {**form.fields, "name": "mori", "password": "correct horse b"})
    assert (answer.status_code, answer.headers["location"]) == (303, page)


@pytest.mark.parametrize("page", ["//evil.example", "/console/日本", "/console\\x", "/console/a\nb"])
def test_a_page_to_go_on_with_is_one_of_ours(operator: Browser, page: str) -> None:
    answer = operator.send(operator.get("/console/account"), "/language", language="ja", to=page)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


@pytest.mark.parametrize("secret", ["zzz", "A", "0189", "", "日本"])
def test_a_secret_that_is_none_is_replaced(operator: Browser, secret: str) -> None:
    """The page offers a fresh one and says that the code is wrong."""
    answer = operator.send(operator.get("/console/account"), "/account/code", secret=secret, code="123456")
    assert answer.status_code == 422
    assert len(operator.form(answer, "/account/code").fields["secret"]) == 32


@pytest.mark.parametrize(("typed", "points"), [("１００", 100), ("1,000", 1_000), (" ７ ", 7)])
def test_points_are_typed_as_amounts_elsewhere(console: Console, operator: Browser, typed: str, points: int) -> None:
    """With full-width digits and commas, as in the forms of actions."""
    assert operator.send(operator.get(CUSTOMER), "/points", amount=typed).status_code == 303
    assert console.world.value("SELECT sum(amount) FROM point_lot WHERE kind = 'manual'") == points


@pytest.mark.parametrize("typed", ["-5", "0", "1.5", "1e3", "😀", "x" * 10_000, "1000円"])
def test_points_that_are_none_are_refused_in_japanese(console: Console, operator: Browser, typed: str) -> None:
    answer = operator.send(operator.get(CUSTOMER), "/points", amount=typed)
    assert answer.status_code == 422
    assert "ポイント: " in text_of(answer)
    assert not ENGLISH.search(text_of(answer))
    assert console.world.value("SELECT count(*) FROM point_lot WHERE kind = 'manual'") == 0


@pytest.mark.parametrize(
    ("action", "typed", "says"),
    [
        ("address:change", {"ship_to__city": "あ" * 200}, "市区町村 : 100文字以内にしてください。"),
        ("address:change", {"ship_to__postal_code": "12", "ship_to__line1": "栄9"}, "郵便番号を460-0008のように"),
        ("cancel", {"reason": "4111111111111111"}, "カード番号のようです"),
        ("lines:cancel", {"lines__0__quantity": "9"}, "1個までです"),
        ("lines:cancel", {}, "1件以上にしてください。"),
        ("address:change", {"ship_to__line1": "栄9", "ship_to__name": ""}, "氏名・名称 : 入力してください。"),
        ("mails:resend", {"mail": "1", "to": "a@b@c"}, "@が2つ以上あります"),
        ("shipments:ship", {"shipped_at": "2026-13-40T99:99"}, "存在しない日時です"),
    ],
)
def test_what_an_action_refuses_is_said_in_japanese(
    operator: Browser, action: str, typed: dict[str, str], says: str
) -> None:
    answer = operator.act(action, **typed)
    assert answer.status_code == 422
    assert says in text_of(answer)
    assert not ENGLISH.search(text_of(answer))
    english = operator.act(action, query="?lang=en", **typed)
    assert english.status_code == 422


def test_other_refusals_are_said_in_japanese(console: Console) -> None:
    admin = console.signed_in("boss", {"*": "admin"})
    page = admin.get(ORDER)
    csrf = admin.form(page, "/sign-out").fields["csrf"]
    hold = {"csrf": csrf, "action": "retry", "item.0": "transfer 9"}
    for answer in (
        admin.send(admin.get(CUSTOMER), "/erase", customer="M-2"),
        admin.post(f"{ORDER}/documents", {"csrf": csrf, "kind": "receipt", "once": "1"}),
        admin.post("/console/payments/transfers/9", {"csrf": csrf, "act": "dismiss", "reason": "x"}),
        admin.post("/console/review/act", hold),
        admin.post("/console/shops/salon/try/preview", {"csrf": csrf, "document": '{"shop": "salon"}'}),
        admin.get("/console/shops/salon/try?number=S-1&region=x"),
    ):
        told = text_of(answer)
        assert not ENGLISH.search(told), told
        assert "--what-if" not in told


def test_a_note_with_many_lines_is_whole(console: Console, operator: Browser) -> None:
    """A browser counts a line end as one character and sends two."""
    note = ("い" * 9 + "\n") * 399 + "END"
    operator.send(operator.get(ORDER), "/notes", text=note.replace("\n", "\r\n"))
    assert console.world.value("SELECT text FROM order_note") == note
    looked = operator.act("cancel", reason=("い" * 9 + "\r\n") * 50)
    assert looked.status_code == 200, "500 characters, as the page counts them"


def test_pages_name_things_in_japanese(console: Console, operator: Browser) -> None:
    """States of a return and the carrier on an order, mails to choose from, moves of points, what is promised."""
    world = console.world
    counter = Counter(world, "apparel", "A-1").sell(customer="M-9").arrive()
    counter.open(pieces())
    order = text_of(operator.get("/console/orders/apparel/A-1"))
    assert "承認 → 返送待ち" in order
    assert "ヤマト運輸" in order
    assert "awaiting goods" not in order
    assert "ご注文受付 2026-11-20" in text_of(operator.get(f"{ORDER}/act/mails:resend"))
    operator.send(operator.get(CUSTOMER), "/points", amount="5")
    assert "grant" not in text_of(operator.get(CUSTOMER)).replace("granted", "")
    promised = text_of(
        operator.get("/console/shops/salon?supplier=warehouse&region=東京都&method=card&availability=in_stock")
    )
    assert "当日出荷 はい" in promised
    assert "T15:00" not in promised


@pytest.mark.parametrize("language", ["ja", "en"])
def test_whatever_waits_has_a_name_and_a_way_out(language: str) -> None:
    tables = words(language)["words"]
    assert set(KINDS) - set(tables["review_kind"]) == set()
    assert set(KINDS) - set(tables["review_way"]) == set()
