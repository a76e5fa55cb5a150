"""All pages of the console."""

from __future__ import annotations

from fastapi import APIRouter

from workers.web.console import account, act, order, search, sign_in, today

router = APIRouter()
for _page in (sign_in, account, today, search, order, act):
    router.include_router(_page.router)
