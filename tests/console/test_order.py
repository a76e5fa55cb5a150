"""One order in the console: its story, its actions from the one list, and two operators on it."""

from __future__ import annotations

from pipelines.orders.act import actions
from pipelines.orders.action import About
from tests.console.browser import Browser, Console, text_of
from tests.world import SHOPS, a_line, document
from workers.web.console.fields import fields_of, request_of
from workers.web.console.frame import LANGUAGES, words

ORDER = "/console/orders/salon/S-1"
LINES = {"lines": [{"line": "1", "name": "商品 1", "quantity": 1}]}


def test_the_page_tells_the_whole_story(operator: Browser) -> None:
    page = operator.get(ORDER, headers={"accept-language": "en"})
    assert page.status_code == 200
    told = text_of(page)
    for says in ("髙橋 﨑子", "SKU-1", "Authorized", "11,000", "Waits for", "warehouse", "order accepted", "Timeline"):
        assert says in told, says
    assert len(page.content) < 40_000


def test_what_a_change_took_off_is_told_in_money_and_points(console: Console, operator: Browser) -> None:
    """INT-13: also of an order that nobody has paid yet, of which the interface says what comes back alone."""
    world = console.world
    world.grant(1_000)
    lines = (a_line("1", unit_price=10_000), a_line("2", unit_price=10_000))
    world.take(document("S-7", *lines, points={"use": 1_000}, payment={"method": "cod"}))
    world.settle()
    taken = {"lines": [{"line": "2", "quantity": 1}], "fault": "shop", "reason": "欠品"}
    world.tell(world.ask("order.cancel_lines", "S-7", operator=True, by="sato", **taken))
    world.settle()
    (change,) = world.show("S-7")["adjustments"]
    assert (change["refund"], change["points_returned"]) == (490, 490)
    told = text_of(operator.get("/console/orders/salon/S-7"))
    assert f"{change['money']:,}円 + ポイント {change['points_returned']:,}" in told
    left = world.show("S-7")["totals"]["grand_total"] - change["money"]
    assert f"変更後の合計: {left:,}円" in told


def test_an_act_is_shown_before_it_is_done_and_then_decided(console: Console, operator: Browser) -> None:
    preview = operator.act("cancel", reason="お客様のご希望")
    assert "order_cancelled" not in {one.template for one in console.world.rows("SELECT template FROM mail")}
    assert "キャンセル" in text_of(preview)
    assert operator.send(preview, "/act/").headers["location"] == f"{ORDER}?done=cancel"
    console.world.settle()
    assert console.world.states()["S-1"][0] == "cancelled"
    acts = console.world.rows("SELECT operator, act, source FROM operator_act")
    assert [(one.operator, one.act) for one in acts] == [("sato", "cancel")]
    told = text_of(operator.get(f"{ORDER}?kind=act"))
    assert "反映済み" in told
    assert "sato" in told


def test_a_double_click_acts_once(console: Console, operator: Browser) -> None:
    """The key is drawn with the form: the same form again is the first one, before it was decided and after."""
    page = operator.act("cancel")
    form = operator.form(page, "/act/")
    answers = [operator.post(form.action, form.fields).status_code for _ in range(2)]
    console.world.settle()
    answers.append(operator.post(form.action, form.fields).status_code)
    assert answers == [303, 303, 303]
    assert console.world.value("SELECT count(*) FROM inbox_event WHERE type = 'order.cancel'") == 1


def test_of_two_operators_the_later_is_told(console: Console, operator: Browser) -> None:
    """Both looked at the same order; one acts, the other's form was drawn from an order that is no more."""
    other = console.signed_in("suzuki", {"salon": "operator"})
    mine, theirs = operator.act("cancel"), other.act("cancel")
    assert operator.send(mine, "/act/").status_code == 303
    late = other.send(theirs, "/act/")
    assert late.status_code == 409, "decided or not, the version is taken"
    assert "sato" in text_of(late)
    console.world.settle()
    assert console.world.value("SELECT count(*) FROM inbox_event WHERE type = 'order.cancel'") == 1
    assert [one.outcome for one in console.world.rows("SELECT outcome FROM operator_act ORDER BY id")][1] == "raced"


def test_a_form_of_an_older_order_is_shown_what_would_happen_now(console: Console, operator: Browser) -> None:
    console.world.take(document("S-2"))
    page = operator.act("cancel", number="S-2")
    console.world.settle()
    late = operator.send(page, "/act/")
    assert late.status_code == 409
    assert operator.send(late, "/act/").status_code == 303


def test_every_action_has_a_form(console: Console, operator: Browser) -> None:
    """Made from its model: an empty one is answered field by field, never with a fault; each field has a word in both languages."""
    shipment = console.world.shipments()[0]
    for action in actions():
        page = operator.get(f"{ORDER}/act/{action.name}?shipment={shipment}")
        assert page.status_code == 200, action.name
        possible = (404, 422) if action.about == About.RETURN else (200, 409, 422)
        assert operator.send(page, "/act/").status_code in possible, f"{action.name}: an action about a return names it"
        labels = {one.word for one in fields_of(action, SHOPS["salon"], console.world.show() | LINES, {})} - {"line"}
        for language in LANGUAGES:
            assert labels <= set(words(language)["words"]["field"]), (action.name, language)


def test_a_request_goes_from_its_form_to_the_decision(console: Console, operator: Browser) -> None:
    """Numbers, choices and pieces of lines are read as JSON would have them."""
    console.world.take(document("S-3", customer="M-3"))
    console.world.settle()
    preview = operator.act("lines:cancel", number="S-3", lines__0__quantity="1", fault="shop")
    assert preview.status_code == 200, text_of(preview)
    assert operator.send(preview, "/act/").status_code == 303
    console.world.settle()
    assert (
        console.world.value(
            "SELECT cancelled FROM order_line l JOIN shop_order o ON o.id = l.order_id WHERE number = 'S-3'"
        )
        == 1
    )


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(operator: Browser) -> None:
    answer = operator.act("refunds:goodwill", amount="ten", reason="詫び状")
    assert answer.status_code in (409, 422)
    assert operator.form(answer, "/act/").fields["reason"] == "詫び状"


def test_a_fault_stands_beside_its_field_and_leads_to_it(console: Console, operator: Browser) -> None:
    """From the list above the form a link goes to each field; of rows it says which."""
    answer = operator.act("refunds:goodwill", amount="ten", reason="x")
    assert '<a href="#f-amount">金額(円)</a>' in answer.text
    assert 'aria-invalid="true" aria-describedby="f-amount-fault"' in answer.text
    assert 'id="f-amount-fault">整数を数字だけで入力してください。' in answer.text
    console.world.ship_all("S-1")
    rows = operator.act("returns", lines__1__line="9", lines__1__quantity="1", lines__1__reason="defect")
    assert '<a href="#f-lines-1-line">2 · 明細</a>: この注文に明細9はありません。' in rows.text
    words = operator.act("returns", lines__0__line="1", lines__0__quantity="1", lines__0__condition="new")
    assert 'href="#f-lines-0-condition"' in words.text


def test_a_fault_is_beside_the_line_that_it_is_about(console: Console, operator: Browser) -> None:
    """Lines that are left alone are no part of the request: the second of the form may be its first."""
    console.world.take(document("S-7", a_line("1", 2, sku="A-1"), a_line("2", 3, sku="B-2"), customer="M-7"))
    console.world.settle()
    answer = operator.act("lines:cancel", number="S-7", lines__1__quantity="9")
    assert 'id="f-lines-1-quantity-fault"' in answer.text
    assert 'id="f-lines-0-quantity-fault"' not in answer.text


def test_a_note_is_kept_once_with_its_author(console: Console, operator: Browser) -> None:
    page = operator.get(ORDER)
    form = operator.form(page, "/notes")
    for _ in range(2):
        assert operator.post(form.action, {**form.fields, "text": "電話済み <b>折り返し</b>"}).status_code == 303
    assert console.world.value("SELECT count(*) FROM order_note") == 1
    told = operator.get(ORDER)
    assert "電話済み &lt;b&gt;折り返し&lt;/b&gt;" in told.text


def test_a_mail_is_shown_as_it_went_out_and_may_do_nothing(console: Console, operator: Browser) -> None:
    number = console.world.value("SELECT min(id) FROM mail")
    page = operator.get(f"{ORDER}/mails/{number}")
    assert "<iframe" in page.text
    assert " sandbox " in page.text
    html = operator.get(f"{ORDER}/mails/{number}/html")
    assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "S-1" in html.text


def test_a_page_says_when_its_order_is_another_by_now(console: Console, operator: Browser) -> None:
    version = console.world.value("SELECT version FROM shop_order")
    assert operator.get(f"{ORDER}/news?version={version}").status_code == 204
    assert ORDER in operator.get(f"{ORDER}/news?version={version - 1}").text


def test_one_hit_opens_the_order(operator: Browser) -> None:
    for asked in ("S-1", "Ｓ-1", "salon/S-1"):
        assert operator.get("/console/search", params={"q": asked}).headers["location"] == ORDER
    assert operator.get("/console/search", params={"q": "none"}).status_code == 200


def test_a_row_of_a_form_has_a_place_that_can_be_counted() -> None:
    """Whatever else a name says is no row."""
    action = next(one for one in actions() if one.name == "lines:cancel")
    typed = {f"lines.{place}.quantity": "1" for place in ("²", "x", "9" * 5_000, "")}
    assert "lines" not in request_of(action, typed)
    told = request_of(action, typed | {"lines.0.line": "1", "lines.0.quantity": "2"})
    assert told["lines"] == [{"line": "1", "quantity": 2}]
