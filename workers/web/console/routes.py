"""All pages of the console."""

from __future__ import annotations

from fastapi import APIRouter

from workers.web.console import (
    account,
    act,
    customers,
    documents,
    jobs,
    mails,
    order,
    orders,
    partners,
    payments,
    returns,
    review,
    search,
    shops,
    sign_in,
    today,
    trying,
)

#: Lists of orders before one order, whose path has two free parts.
_DAILY = (sign_in, account, today, review, search, orders, order, documents, act)
_BEHIND = (returns, payments, mails, customers, partners, jobs, trying, shops)

#: Those of each page.
ROUTERS = tuple(_page.router for _page in (*_DAILY, *_BEHIND))

router = APIRouter()
for _router in ROUTERS:
    router.include_router(_router)
