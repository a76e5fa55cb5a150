"""The least that takes an order in: FastAPI as its documentation has it, one INSERT, one commit. Nothing is validated, priced or found again."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import Body, FastAPI
from sqlalchemy import JSON, BigInteger, Column, Identity, MetaData, Table, insert

from models.database import INTAKE, connect

app = FastAPI()
_engine = connect(os.environ["DATABASE_URL"], INTAKE, application="shukka-bench-bare")
_metadata = MetaData()
_orders = Table(
    "bare_order", _metadata, Column("id", BigInteger, Identity(), primary_key=True), Column("document", JSON)
)
_metadata.create_all(_engine)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """It runs."""
    return {"status": "ok"}


@app.post("/orders", status_code=202)
def take(order: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """Keep one order."""
    with _engine.begin() as connection:
        connection.execute(insert(_orders), {"document": order})
    return {"number": order["number"]}


@app.post("/orders:batch", status_code=202)
def take_all(body: Annotated[dict[str, Any], Body()]) -> dict[str, int]:
    """Keep several orders in one INSERT."""
    with _engine.begin() as connection:
        connection.execute(insert(_orders), [{"document": one} for one in body["orders"]])
    return {"orders": len(body["orders"])}
