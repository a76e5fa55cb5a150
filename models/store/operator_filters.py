"""Lists that operators want to see again, each under a name of the operator's own."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from models.operator import OperatorFilter
from models.store.statement import columns, execute, fetch, insert, writer


class FilterRow(NamedTuple):
    """A list of orders under a name; ``query`` is what stands behind the question mark."""

    account_id: int
    name: str
    query: str


#: One of the same name is replaced.
keep = writer(
    FilterRow,
    insert(FilterRow, OperatorFilter, conflict="(account_id, name) DO UPDATE SET query = excluded.query"),
)


def forget(connection: Connection, account: int, name: str) -> None:
    """Let go of a list."""
    statement = "DELETE FROM operator_filter WHERE account_id = %(id)s AND name = %(name)s"
    execute(connection, statement, {"id": account, "name": name})


_OF = f"SELECT {columns(FilterRow)} FROM operator_filter WHERE account_id = %(id)s ORDER BY name"


def of_account(connection: Connection, account: int) -> list[FilterRow]:
    """The account's lists by name."""
    return fetch(connection, FilterRow, _OF, {"id": account})
