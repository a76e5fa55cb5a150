"""Errors are RFC 9457 problem documents (contract)."""

from __future__ import annotations

import json

import pytest

from pipelines.errors import Problem
from tests.web.site import Site
from workers.web.problem import problem


def test_a_problem_document_says_what_is_wrong_where() -> None:
    answer = problem(
        422,
        "The order cannot be accepted",
        "1 field is wrong.",
        errors=[Problem("lines[0].quantity", "数量 must be 1 or more.")],
        headers={"Retry-After": "1"},
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert json.loads(bytes(answer.body)) == {
        "type": "about:blank",
        "title": "The order cannot be accepted",
        "status": 422,
        "detail": "1 field is wrong.",
        "errors": [{"field": "lines[0].quantity", "message": "数量 must be 1 or more."}],
    }


def test_errors_are_left_out_where_no_field_is_wrong() -> None:
    assert "errors" not in json.loads(bytes(problem(404, "Not found", "There is no such order.").body))


def test_a_sentence_may_quote_what_no_utf_8_can_carry() -> None:
    assert json.loads(bytes(problem(422, "Unknown field", "\ud800 is unknown.").body))["detail"] == "\ud800 is unknown."


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/console/orders/salon/S-1/mails/abc"),
        ("GET", "/console/returns/RT-1/photos/abc"),
        ("POST", "/console/mails/bounces/abc"),
    ],
)
def test_a_number_in_a_path_that_is_none_leads_nowhere(shared_site: Site, method: str, path: str) -> None:
    """A page, whatever the framework itself would say of it: people read the console."""
    answer = shared_site.run(lambda: shared_site.request(method, path))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
