"""What a customer of the sandbox gateway sees: a till, a lender's form, or the issuer's question (3-D Secure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs

from workers.sandbox.http_server import Reply, Request

_WORDS: Final[Mapping[str, str]] = {
    "pass": "本人認証に成功する / Pass 3-D Secure",
    "fail": "本人認証に失敗する / Fail 3-D Secure",
    "pay": "レジで支払う / Pay at the till",
    "approve": "審査に通る / The lender approves",
    "refuse": "審査に落ちる / The lender refuses",
    "pay_out": "加盟店へ入金する / The lender pays the shop",
}
_PAGE: Final = """<!doctype html><html lang="ja"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sandbox</title><style>body{{font:18px/1.6 sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;display:block;width:100%;padding:.8rem;margin:.5rem 0}}</style>
<h1>決済テスト / Sandbox</h1><p>実際の請求は行われません。 Nobody is charged.</p>
<dl><dt>注文 / Order</dt><dd>{order}</dd><dt>金額 / Amount</dt><dd>{amount:,} 円 / yen</dd>
{choice}<dt>状態 / State</dt><dd>{status}</dd></dl><form method="post">{buttons}</form></html>"""


def buyers_page(payment: Mapping[str, Any], acts: Sequence[str]) -> Reply:
    """The page of a payment as the gateway shows it, with a button for each of the ``acts`` that are possible."""
    buttons = "".join(f'<button name="act" value="{act}">{_WORDS[act]}</button>' for act in acts)
    page = _PAGE.format(
        order=escape(payment["order"]),
        amount=payment["amount"],
        status=escape(payment["status"]),
        buttons=buttons,
        choice=_chosen(payment["choice"]),
    )
    return Reply(200, page.encode(), {"content-type": "text/html; charset=utf-8"})


def _chosen(choice: str) -> str:
    """The store chain or the lender that the customer chose in the shop."""
    return f"<dt>選択 / Chosen</dt><dd>{escape(choice)}</dd>" if choice else ""


def buyers_act(request: Request) -> str:
    """The act that the page's form, or a JSON object, asks for. Raises ValueError for neither."""
    if "json" in request.headers.get("content-type", ""):
        return str(request.json().get("act", ""))
    return parse_qs(request.body.decode()).get("act", [""])[0]
