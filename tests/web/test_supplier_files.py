"""A supplier posts its file with its own key (contract: ``POST /v1/suppliers/{supplier}/files?format=F``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from tests.files.house import answered, as_bytes, exported, told, world_with
from tests.web.site import Site, fields, problem
from tests.world import World, tracking_number
from workers.mail.rendering import Renderer
from workers.web.supplier_shapes import SupplierFileAnswer


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with world_with(engine, database_url, renderer, 'format = "b2"') as world:
        yield world


def send(site: Site, data: bytes, key: str, supplier: str, **query: Any) -> httpx.Response:
    return site.post(f"/v1/suppliers/{supplier}/files", key=key, content=data, params=query)


def key_of(site: Site, supplier: str = "warehouse") -> str:
    """A fresh key of a supplier that is enrolled."""
    site.world.execute("DELETE FROM client WHERE name = :name", name=supplier)
    key: str = site.world.enrol("supplier", supplier).key
    return key


def test_the_answer_is_the_imports(site: Site) -> None:
    world, key = site.world, key_of(site)
    shipments = told(world, 3)
    back = answered("b2", list(exported(world, "b2").files.values()))
    expected = {
        "file": "hakko.csv",
        "format": "b2",
        "encoding": "cp932",
        "rows": 3,
        "applied": 3,
        "known": 0,
        "pending": 0,
        "quarantined": [],
    }
    answer = send(site, back, key, "warehouse", format="b2", file="hakko.csv")
    assert (answer.status_code, answer.json()) == (200, expected)
    SupplierFileAnswer.model_validate(answer.json())
    again = send(site, back, key, "warehouse")
    assert (again.json()["applied"], again.json()["known"]) == (0, 3)
    world.settle()
    assert world.value("SELECT count(*) FROM parcel WHERE shipment_id = ANY(:ids)", ids=shipments) == 3


def test_another_suppliers_shipment_is_one_that_is_not_there(site: Site) -> None:
    world, other = site.world, key_of(site, "maker-a")
    (one,) = told(world, 1)
    data = as_bytes([[one, tracking_number(1), "2026/11/20"]], ["お客様管理番号", "伝票番号", "出荷予定日"])
    answer = send(site, data, other, "maker-a")
    assert [(row["row"], row["field"], row["code"]) for row in answer.json()["quarantined"]] == [
        (2, "shipment", "ID_UNKNOWN")
    ]
    problem(send(site, data, other, "warehouse"), 404)
    problem(send(site, data, site.storefront, "warehouse"), 404)
    problem(send(site, data, "nobody", "warehouse"), 401)
    world.settle()
    assert world.value("SELECT count(*) FROM parcel") == 0


def test_a_file_that_is_none(site: Site) -> None:
    key = key_of(site)
    assert fields(send(site, b"", key, "warehouse")) == ["FILE"]
    assert fields(send(site, b"a,b\r\n", key, "warehouse", format="b2")) == ["FILE"]
    assert fields(send(site, b"a,b\r\n", key, "warehouse", format="excel")) == ["format"]
    assert fields(send(site, b"a,b\r\n", key, "warehouse", form="b2")) == ["form"]
    problem(send(site, b"x" * (8 * 1024 * 1024 + 1), key, "warehouse"), 413)
