"""Documents in the console: issued where the order or the bill is shown, read as PDF, refused with the rule."""

from __future__ import annotations

import json

from tests.console.browser import Browser, Console, text_of
from tests.documents.orders import text_of as printed
from tests.returns.counter import Counter
from tests.world import a_line, document


def test_an_operator_issues_documents_of_an_order_a_month_and_a_cart(console: Console, operator: Browser) -> None:
    """SPL-01, TAX-02, DOC-06: the same form twice issues once."""
    world, path = console.world, "/console/orders/salon/S-1"
    page = operator.get(path, headers={"accept-language": "en"})
    assert "Pick list" in text_of(page)
    form = operator.form(page, "/documents")
    assert form.fields["kind"] == "pick_list"
    for _ in range(2):
        assert operator.post(form.action, form.fields).status_code == 303
    assert world.value("SELECT count(*) FROM document WHERE kind = 'pick_list'") == 1
    assert "SALON-P-000001" in operator.get(path).text
    id_ = world.value("SELECT public_id FROM document")
    pdf = operator.get(f"/console/documents/{id_}")
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    assert "SALON-P-000001" in printed(pdf.content)
    refused = operator.post(form.action, {**form.fields, "once": "2", "kind": "receipt", "subject": ""})
    assert refused.status_code == 409
    assert "DOC-05" in refused.text

    debit = document("C-1", a_line("1", 1, 5_000), shop="clinic", payment={"method": "direct_debit"})
    debit["customer"]["account"] = "partner_web"
    world.take(debit)
    world.settle()
    bill = "/console/customers/clinic/M-1/bills/2026-11"
    month = operator.form(operator.get(bill), "/bills/2026-11")
    early = operator.post(month.action, month.fields)
    assert (early.status_code, "TAX-02" in early.text) == (409, True)
    world.at("2026-12-01 09:00:00")
    month = operator.form(operator.get(bill), "/bills/2026-11")
    assert operator.post(month.action, month.fields).status_code == 303
    assert "CLINIC-S-000001" in operator.get(bill).text

    month = [{"line": "1", "quantity": 1}]
    world.ship_all("C-1", shop="clinic")
    Counter(world, "clinic", "C-1").ask("lines:return", lines=month, fault="shop", reason="broken")
    shown = text_of(operator.get("/console/customers/clinic/M-1/bills/2026-12"))
    for words in ("以前の月の注文の返還", "不良・事故 商品 1 × 1", "-5,000", "手作業で返金する額 5,500"):
        assert words in shown
    assert operator.form(operator.get("/console/customers/clinic/M-1/bills/2026-12"), "/bills/2026-12")
    assert "clinic/M-1 0件 · 以前の月の注文の返還 1 手作業で返金する額 5,500円" in text_of(
        operator.get("/console/payments?month=2026-12")
    )

    for nowhere in ("payments?month=9999-12", "payments?date=9999-12-31", "customers/clinic/M-1/bills/9999-12"):
        assert operator.get(f"/console/{nowhere}").status_code == 404, "the end of the calendar has no end"

    tried = operator.form(operator.get("/console/shops/salon/try"), "/try/preview")
    cart = json.dumps(document("Q-1"))
    shown = operator.post("/console/shops/salon/quotations", {**tried.fields, "document": cart})
    assert shown.status_code == 303
    assert "SALON-Q-000001" in printed(operator.get(shown.headers["location"]).content)
    wrong = operator.post("/console/shops/salon/quotations", {**tried.fields, "once": "2", "document": "{"})
    assert wrong.status_code == 409
    assert world.broken() == {}
