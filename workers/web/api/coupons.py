"""Coupons applied by an operator over HTTP (CPN-03): those the customer wrote into the remarks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from pipelines.engine.draft import OrderDraft
from pipelines.errors import Problem
from pipelines.orders.schema import MANY_LINES, CouponDocument
from pipelines.rules.order import Coupon
from pipelines.stages import reprice
from workers.web.api.adjust import ask
from workers.web.app_state import state_of
from workers.web.body import takes

router = APIRouter(prefix="/v1", tags=["orders"])


class CouponsApplied(BaseModel):
    """The coupons of an order that waits for its amount to be fixed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    coupons: Annotated[
        list[CouponDocument],
        Field(
            max_length=20,
            description="All coupons of yen and percent that the order has from now on, those of its coupon field "
            "included; none: it has none",
        ),
    ]
    reason: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the prices that held before")
    ]


@router.post("/orders/{shop}/{number}/coupons", status_code=202, openapi_extra=takes(CouponsApplied))
async def apply_coupons(request: Request, shop: str, number: str) -> Response:
    """Apply coupons and price the order again: 202, 409 unless it is held before its authorization, 422 for coupons that
    the shop refuses."""

    def refused(draft: OrderDraft, asked: CouponsApplied) -> list[Problem]:
        coupons = [Coupon(one.code, one.kind, one.value) for one in asked.coupons]
        return reprice.refusals(draft, state_of(request).house.shops[shop], coupons)

    return await ask(request, shop, number, CouponsApplied, reprice.STAGE, refused)


#: Documents that the published schema describes.
DOCUMENTS = (CouponsApplied,)
