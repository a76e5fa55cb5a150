"""The page on which a customer names the bank account for a refund that no gateway can make (返金先口座): ``/r/{token}``.

The link in the mail is all that is needed; without JavaScript, on a phone, in Japanese or English. What was typed is never
shown again but for the end of the number, and is in no log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from jinja2 import Environment, StrictUndefined
from sqlalchemy import Engine
from starlette.responses import HTMLResponse, Response

from models.database import glance
from models.store import refund_accounts
from models.store.refund_accounts import DueRow, RefundAccountRow
from pipelines.errors import NotFound
from pipelines.orders.mails import REFUND_ACCOUNT
from pipelines.values.bank_account import KINDS, read_account
from workers.web.app_state import AppState, state_of
from workers.web.body import BadBody, read_body
from workers.web.pages.html import not_taken, page

router = APIRouter(include_in_schema=False)

#: Nothing is loaded, nobody may frame it, no address of it is told to others, and nothing is kept.
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_MOST_BYTES: Final = 8_192
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ja": {
        "title": "ご返金先口座のご登録",
        "order": "ご注文番号",
        "amount": "ご返金額",
        "yen": "円",
        "ask": "ご返金先の口座をご入力ください。",
        "bank": "銀行名",
        "branch": "支店名",
        "kind": "口座の種類",
        "number": "口座番号(7桁)",
        "holder": "口座名義(カナ)",
        "send": "登録する",
        "wrong": "入力内容をご確認ください。",
        "wrong_number": "7桁の数字でご入力ください。",
        "wrong_holder": "通帳のとおりカナでご入力ください。",
        "kept": "登録済みの口座番号の末尾",
        "again": "変更する場合は、もう一度すべてご入力ください。",
        "thanks": "ご登録ありがとうございました。ご返金まで今しばらくお待ちください。",
        "nothing": "現在、ご返金のお手続きはございません。",
    },
    "en": {
        "title": "Bank account for your refund",
        "order": "Order",
        "amount": "Refund",
        "yen": " yen",
        "ask": "Please enter the bank account that your refund goes to.",
        "bank": "Bank",
        "branch": "Branch",
        "kind": "Kind of account",
        "number": "Account number (7 digits)",
        "holder": "Account holder (in kana)",
        "send": "Send",
        "wrong": "Please check this.",
        "wrong_number": "Please enter seven digits.",
        "wrong_holder": "Please enter it in kana, as in the bank book.",
        "kept": "We have an account whose number ends with",
        "again": "To change it, enter everything again.",
        "thanks": "Thank you. Your refund is on its way soon.",
        "nothing": "There is no refund to be made now.",
    },
}
_KIND_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ja": {kind: kind for kind in KINDS},
    "en": dict(zip(KINDS, ("Ordinary (普通)", "Current (当座)", "Savings (貯蓄)"), strict=True)),
}
_PAGE: Final = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
    """<!doctype html><html lang="{{ locale }}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{ say.title }}</title>
<style>body{font:16px/1.6 sans-serif;max-width:30rem;margin:0 auto;padding:1rem;color:#222}
label{display:block;margin-top:1rem}input,select,button{font:inherit;width:100%;padding:.6rem;box-sizing:border-box}
button{margin-top:1.5rem;background:{{ colour }};color:#fff;border:0}.wrong{color:#b00020}</style></head><body>
<p>{{ shop }}</p><h1>{{ say.title }}</h1>
<p>{{ say.order }}: {{ number }}{% if amount %}<br>{{ say.amount }}: {{ "{:,}".format(amount) }}{{ say.yen }}{% endif %}</p>
{% if not amount %}<p>{{ say.nothing }}</p>{% else %}
{% if thanks %}<p><b>{{ say.thanks }}</b></p>{% endif %}
{% if ending %}<p>{{ say.kept }}: {{ ending }}<br>{{ say.again }}</p>{% else %}<p>{{ say.ask }}</p>{% endif %}
<form method="post" autocomplete="off">
{% for name in ("bank", "branch", "kind", "number", "holder") %}
<label for="{{ name }}">{{ say[name] }}{% if name in wrong %} <span class="wrong">{{ say["wrong_" ~ name] if "wrong_" ~ name in say else say.wrong }}</span>{% endif %}</label>
{% if name == "kind" %}<select id="kind" name="kind">
{% for one, word in kinds.items() %}<option value="{{ one }}"{% if typed.kind == one %} selected{% endif %}>{{ word }}</option>
{% endfor %}</select>
{% else %}<input id="{{ name }}" name="{{ name }}" required maxlength="60" value="{{ typed[name] }}"
{% if name == "number" %} inputmode="numeric"{% endif %}{% if name in wrong %} aria-invalid="true"{% endif %}>
{% endif %}{% endfor %}
<button>{{ say.send }}</button></form>{% endif %}</body></html>"""
)
_SHOWN: Final = 3
_BLANK: Final = {"bank": "", "branch": "", "kind": next(iter(KINDS)), "number": "", "holder": ""}


@router.get("/r/{token}")
async def ask(request: Request, token: str) -> Response:
    """Ask for the account, or say that there is one."""
    return await _answered(_ask(request, token))


@router.post("/r/{token}")
async def keep(request: Request, token: str) -> Response:
    """Keep the account that was typed; what is wrong is asked for again (422). With nothing to give back nothing is kept."""
    return await _answered(_take(request, token))


async def _answered(answer: Awaitable[Response]) -> Response:
    """``answer``; to whom a link opens nothing, or whose form cannot be taken, a page that says no more than that."""
    try:
        return await answer
    except NotFound:
        return page("apology", "ja", 404, why="gone")
    except BadBody as bad:
        return not_taken(bad, "ja")


async def _ask(request: Request, token: str) -> Response:
    state = state_of(request)
    shop, number = _opened(state, token)
    due = await asyncio.to_thread(_due, state.house.engine, shop, number)
    known = await asyncio.to_thread(_known, state.house.engine, due.order_id)
    return _page(state, shop, number, due, ending=_ending(known.number) if known else "")


async def _take(request: Request, token: str) -> Response:
    state = state_of(request)
    shop, number = _opened(state, token)
    typed = _BLANK | _form(await read_body(request, _MOST_BYTES))
    due = await asyncio.to_thread(_due, state.house.engine, shop, number)
    if not due.amount:
        return _page(state, shop, number, due)
    account, wrong = read_account(typed)
    if account is None:
        return _page(state, shop, number, due, status=422, wrong=wrong, typed=typed)
    now = state.house.clock.now()
    row = RefundAccountRow(
        due.order_id, account.bank, account.branch, account.kind, account.number, account.holder, now
    )
    await asyncio.to_thread(_keep, state.house.engine, row)
    return _page(state, shop, number, due, thanks=True, ending=_ending(account.number))


def _ending(number: str) -> str:
    """The last digits, by which its owner knows an account again."""
    return number.removeprefix(number[: len(number) - _SHOWN])


def _opened(state: AppState, token: str) -> tuple[str, str]:
    """(shop, number) of the order that the link is about. Raises NotFound, whatever is wrong with the link."""
    links = state.links
    if links is None:
        raise NotFound
    shop, _, number = links.subject(REFUND_ACCOUNT, token, state.house.clock.now()).partition("/")
    if shop not in state.house.shops:
        raise NotFound
    return shop, number


def _form(body: bytes) -> dict[str, str]:
    """The fields of the form. Raises BadBody for what is none."""
    try:
        sent = parse_qs(body.decode(), strict_parsing=bool(body), max_num_fields=20)
    except ValueError:
        raise BadBody(400, "This is not the page's form.") from None
    return {name: value for name, values in sent.items() if name in _BLANK for value in values}


def _due(engine: Engine, shop: str, number: str) -> DueRow:
    with glance(engine) as connection:
        due = refund_accounts.due(connection, shop, number)
    if due is None:
        raise NotFound
    return due


def _known(engine: Engine, order_id: int) -> RefundAccountRow | None:
    with glance(engine) as connection:
        return refund_accounts.of_order(connection, order_id)


def _keep(engine: Engine, row: RefundAccountRow) -> None:
    with engine.begin() as connection:
        refund_accounts.keep(connection, [row])


def _page(state: AppState, shop: str, number: str, due: DueRow, *, status: int = 200, **said: Any) -> Response:
    profile, locale = state.house.shops[shop], due.locale if due.locale in _WORDS else "ja"
    shown = {
        "locale": locale,
        "say": _WORDS[locale],
        "kinds": _KIND_WORDS[locale],
        "shop": profile.name_en or profile.name if locale == "en" else profile.name,
        "colour": profile.brand_colour,
        "number": number,
        "amount": due.amount,
        "wrong": (),
        "typed": _BLANK,
        "thanks": False,
        "ending": "",
    }
    return HTMLResponse(_PAGE.render(shown | said), status_code=status, headers=_HEADERS)
