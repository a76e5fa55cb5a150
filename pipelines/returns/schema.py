"""The shape of what is asked about returns: types and bounds of every field, and with them the published JSON schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from pipelines.orders.schema import Key, PreviewDocument, Time
from pipelines.returns.examples import ASKED
from pipelines.shops.returning import ReturnCondition, ReturnReason, ReturnRemedy


class _Order:
    """The order of a preview as it was sent: read by `parse_preview`, and published as its document."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.dict_schema(strict=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(PreviewDocument.__pydantic_core_schema__)


class ReturnLineDocument(BaseModel):
    """Pieces of one line that are to come back."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    line: Key
    quantity: Annotated[int, Field(ge=1, le=9999)]
    reason: ReturnReason
    condition: list[ReturnCondition] = Field(
        default=[],
        max_length=20,
        description="What is the matter with the goods; `certificate`: proof that they are not authentic comes with them",
    )
    remedy: ReturnRemedy | None = Field(
        default=None, description="What the customer chooses; left out: the first that the shop's terms name"
    )


ReturnLines = Annotated[list[ReturnLineDocument], Field(min_length=1, max_length=200)]
"""The lines of a return; one line may stand twice, for several reasons."""


class ReturnPreviewDocument(BaseModel):
    """A return to look at beforehand (``POST /v1/returns/preview``): an order, when it left and arrived, and what is asked."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [ASKED]})

    order: Annotated[dict[str, Any], _Order]
    dispatched_at: Time | None = Field(description="When all of it left; null: it has not")
    delivered_at: Time | None = Field(
        default=None, description="When it arrived; null: no tracking says so, and a day is taken for it"
    )
    asked_at: Time | None = Field(default=None, description="When the return is asked for; left out: now")
    lines: ReturnLines
