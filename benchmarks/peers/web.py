"""The door of the peers that have none of their own: two endpoints with FastAPI, as its tutorial has them, one uvicorn process.

``POST /v1/orders`` answers 202 once the order is stored and enqueued; ``POST /v1/webhooks/suppliers/{supplier}`` once the news, whose
signature is proven, are enqueued.
"""

from __future__ import annotations

import importlib
import time
from typing import Annotated, Any

import orjson
from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import IntegrityError

from benchmarks.peers.place import Place
from benchmarks.peers.steps import Steps
from pipelines.errors import Invalid
from workers.http.signing import SignatureRefused, verify

_place = Place.here()
_program = importlib.import_module(_place.program)
_steps = Steps(_place)
app = FastAPI()


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@app.post("/v1/orders", status_code=202)
def orders(raw: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Store an order and enqueue it."""
    try:
        order_id, left = _steps.take(raw)
    except (Invalid, ValueError) as refused:
        raise HTTPException(422, str(refused)) from refused
    except IntegrityError as known:
        raise HTTPException(409, "the number is taken") from known
    _program.follow(left)
    _program.submit(order_id)
    return {"shop": raw["shop"], "number": raw["number"], "state": "accepted"}


@app.post("/v1/webhooks/suppliers/{supplier}", status_code=202)
async def supplier_news(supplier: str, request: Request) -> dict[str, Any]:
    """Prove a supplier's news and enqueue them."""
    body = await request.body()
    try:
        verify([_place.secret], request.headers, body, now=int(time.time()))
    except SignatureRefused as refused:
        raise HTTPException(401, refused.reason) from refused
    told = orjson.loads(body)
    await run_in_threadpool(_hear, {"shipped_at": told["timestamp"], **told["data"]})
    return {}


def _hear(news: dict[str, Any]) -> None:
    order_id = _steps.order_of(news["shipment"])
    if order_id is not None:
        _program.hear(order_id, news)
