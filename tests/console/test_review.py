"""The review queue in the console: each reason with its own small form, one act on many, whose it is, and notes."""

from __future__ import annotations

import re

import pytest

from tests.console.browser import Browser, Console, text_of
from tests.world import document

QUEUE = "/console/review"
HOSTILE = "<img src=x onerror=alert(1)>\u202e"


@pytest.fixture
def busy(console: Console) -> Console:
    """Three held orders of one shop, one of another, a transfer of nobody known and an event kept out; with hostile texts."""
    world = console.world
    world.take(
        document("S-2", customer="M-2", remarks="クーポン ABC123 を使ってください"),
        document("S-4", customer="M-5", remarks=f"鳩時計を添えてください {HOSTILE}"),
        document("S-3", customer="M-3", remarks="クーポン WINTER を使ってください"),
        document("C-1", shop="clinic", customer="M-4", remarks="鳩時計を添えてください"),
    )
    world.settle()
    world.execute(
        f"""INSERT INTO inbox_event (source, event_id, type, body, at, state, reason) VALUES
           ('gateway:bank', 'statement:1', 'deposit.received', '{{"amount": 330, "payer": "ﾋﾐﾂ"}}', now(), 'quarantined', 'no number'),
           ('supplier:maker-a', 'e-1', 'shipment.shipped', '{{}}', now(), 'quarantined', '{HOSTILE}')"""
    )
    return console


def hold_of(console: Console, number: str) -> str:
    return str(
        console.world.value(
            f"SELECT h.id FROM order_hold h JOIN shop_order o ON o.id = h.order_id WHERE o.number = '{number}'"
        )
    )


def test_the_queue_says_what_waits_and_why(busy: Console, operator: Browser) -> None:
    page = operator.get(QUEUE)
    told = text_of(page)
    for says in ("salon/S-2", "salon/S-3", "clinic/C-1", "330円の入金", "発送"):
        assert says in told, says
    assert "<img" not in page.text
    assert len(page.content) < 40_000


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("kind=transfer", "330円", "S-2"),
        ("kind=hold&shop=clinic", "clinic/C-1", "salon/S-2"),
        ("reason=coupons_in_remarks", "S-2", "C-1"),
        ("assigned=nobody", "S-2", "none"),
        ("kind=nothing", "", ""),
    ],
)
def test_the_queue_is_filtered(busy: Console, operator: Browser, query: str, there: str, not_there: str) -> None:
    page = operator.get(f"{QUEUE}?{query}")
    if not there:
        assert page.status_code == 404, "a question that is none"
        return
    assert there in text_of(page)
    assert not_there not in text_of(page)


def test_a_hold_is_answered_by_the_form_of_its_reason(busy: Console, operator: Browser) -> None:
    """Three presses: the thing, its form, and doing what was shown."""
    page = operator.get(f"{QUEUE}/one?kind=hold&key={hold_of(busy, 'S-3')}")
    assert "WINTER" in text_of(page), "the customer's own words"
    preview = operator.send(page, "/act/release")
    assert preview.status_code == 200
    assert operator.send(preview, "/act/release").status_code == 303
    busy.world.settle()
    assert busy.world.states()["S-3"][1] == "running"


def test_one_act_on_many_answers_each(busy: Console, operator: Browser) -> None:
    """Two holds are released; what is not there any more says so and takes nobody with it; each act has its row."""
    form = operator.form(operator.get(f"{QUEUE}?kind=hold"), f"{QUEUE}/act")
    picked = {"item.1": f"hold {hold_of(busy, 'S-2')}", "item.2": f"hold {hold_of(busy, 'S-3')}", "item.3": "hold 99"}
    told = {**form.fields, **picked, "action": "release", "reason": "電話で確認"}
    page = operator.post(form.action, told)
    assert text_of(page).count("受け付けました") == 2
    assert "すでにありません" in text_of(page)
    assert operator.post(form.action, told).status_code == 200, "the same form again"
    busy.world.settle()
    assert [busy.world.states()[number][1] for number in ("S-2", "S-3")] == ["running", "running"]
    assert busy.world.value("SELECT count(*) FROM inbox_event WHERE type = 'order.release'") == 2
    acts = busy.world.rows("SELECT act, outcome, order_id FROM operator_act ORDER BY id")
    assert [(one.act, one.outcome) for one in acts[:3]] == [
        ("release", "done"),
        ("release", "done"),
        ("release", "refused"),
    ]
    assert all(one.order_id for one in acts[:2])


def test_a_transfer_is_dismissed_with_its_reason(busy: Console, operator: Browser) -> None:
    key = busy.world.value("SELECT id FROM inbox_event WHERE event_id = 'statement:1'")
    page = operator.get(f"{QUEUE}/one?kind=transfer&key={key}")
    fields = operator.form(page, f"{QUEUE}/act").fields
    assert operator.post(f"{QUEUE}/act", {**fields, "action": "dismiss"}).status_code in (200, 422)
    assert busy.world.value(f"SELECT state FROM inbox_event WHERE id = {key}") == "quarantined", "a reason is needed"
    done = operator.post(f"{QUEUE}/act", {**fields, "action": "dismiss", "reason": "利息"})
    assert "完了" in text_of(done)
    assert busy.world.value(f"SELECT state FROM inbox_event WHERE id = {key}") == "ignored"
    assert operator.get(f"{QUEUE}/one?kind=transfer&key={key}").status_code == 404


def test_somebody_looks_at_it_and_writes_down_what_happened(busy: Console) -> None:
    """Names are not only Latin; a card number is never kept."""
    browser = busy.signed_in("佐藤", {"*": "operator"})
    path = f"{QUEUE}/one?kind=hold&key={hold_of(busy, 'S-2')}"
    assert browser.send(browser.get(path), "/review/assign").status_code == 303
    noted = browser.send(browser.get(path), "/review/note", says=f"折り返し {HOSTILE} 4242 4242 4242 4242")
    assert noted.status_code == 303
    page = browser.get(path)
    assert "佐藤" in text_of(page)
    assert "&lt;img" in page.text
    assert "4242 4242" not in page.text
    assert "S-2" in text_of(browser.get(f"{QUEUE}?assigned=佐藤"))


def test_of_other_shops_and_of_no_shop_nothing_is_seen_or_done(busy: Console) -> None:
    browser = busy.signed_in("clinic", {"clinic": "operator"})
    told = text_of(browser.get(QUEUE))
    assert "clinic/C-1" in told
    assert "salon" not in told
    assert "330" not in told
    key = hold_of(busy, "S-2")
    assert browser.get(f"{QUEUE}/one?kind=hold&key={key}").status_code == 404
    csrf = browser.form(browser.get(QUEUE), "/sign-out").fields["csrf"]
    told_of = {"csrf": csrf, "item.1": f"hold {key}", "action": "release"}
    assert "すでにありません" in text_of(browser.post(f"{QUEUE}/act", told_of))
    for path, more in (("assign", {"operator": "x"}), ("note", {"says": "x"})):
        assert browser.post(f"{QUEUE}/{path}", {"csrf": csrf, "kind": "hold", "key": key, **more}).status_code == 404
    assert busy.world.value("SELECT count(*) FROM inbox_event WHERE type = 'order.release'") == 0


def test_a_viewer_reads_and_does_nothing(busy: Console) -> None:
    browser = busy.signed_in("viewer", {"salon": "viewer"})
    page = browser.get(f"{QUEUE}/one?kind=hold&key={hold_of(busy, 'S-2')}")
    assert page.status_code == 200
    assert "/act/" not in page.text
    csrf = browser.form(page, "/sign-out").fields["csrf"]
    for path in ("act", "assign", "note"):
        told = {"csrf": csrf, "kind": "hold", "key": hold_of(busy, "S-2"), "action": "release", "says": "x"}
        told["item.1"] = f"hold {hold_of(busy, 'S-2')}"
        assert browser.post(f"{QUEUE}/{path}", told).status_code == 403, path


@pytest.mark.parametrize(("language", "label"), [("ja", "出荷元に再度指示する"), ("en", "Ask the supplier again")])
def test_what_may_be_done_with_many_has_words(busy: Console, operator: Browser, language: str, label: str) -> None:
    """Each choice is called as its action is: one was the action's name, in either language."""
    (shipment,) = busy.world.shipments("S-1")
    busy.world.tell(busy.world.news("shipment.refused", shipment, reason="製造終了のため"))
    busy.world.settle()
    page = operator.get(f"{QUEUE}?lang={language}").text
    assert f">{label}</option>" in page
    assert not re.findall(r"<option value=\"[^\"]*\">[a-z]+:[a-z_ ]+</option>", page)
