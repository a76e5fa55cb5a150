"""Pictures of goods that are to come back: kept, counted, shown and let go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.return_photo import ReturnPhoto
from models.store.statement import execute, insert, scalars, writer


class PhotoRow(NamedTuple):
    """A picture of a return; ``image`` is a JPEG."""

    return_id: str
    place: int
    order_id: int
    image: bytes
    given_at: datetime


#: What came first stays: a form that is sent again brings its pictures again.
add = writer(PhotoRow, insert(PhotoRow, ReturnPhoto, conflict="(return_id, place) DO NOTHING"))

_PLACES = "SELECT place FROM return_photo WHERE return_id = %(id)s ORDER BY place"
_IMAGE = "SELECT image FROM return_photo WHERE return_id = %(id)s AND place = %(place)s"
_END = "DELETE FROM return_photo WHERE order_id = ANY(%(ids)b::bigint[])"


def places(connection: Connection, return_id: str) -> list[int]:
    """The places of the pictures that a return has."""
    return scalars(connection, _PLACES, {"id": return_id})


def image(connection: Connection, return_id: str, place: int) -> bytes | None:
    """The bytes of a picture; None if there is none in that place."""
    return next(iter(scalars(connection, _IMAGE, {"id": return_id, "place": place})), None)


def end(connection: Connection, orders: Sequence[int]) -> int:
    """Let go of the pictures of the orders; how many."""
    return execute(connection, _END, {"ids": list(orders)})
