"""Operators of the console: accounts, one-time links and sessions. All times here are the database's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, execute, fetch, one, scalars


class AccountRow(NamedTuple):
    """An account that was not disabled; ``is_locked``: after too many wrong tries, for a while."""

    id: int
    name: str
    roles: Mapping[str, str]
    password_hash: str | None
    totp_secret: str | None
    totp_step: int
    locale: str | None
    mail: str | None
    failures: int
    is_locked: bool


_ACCOUNT = columns(AccountRow, "a", is_locked="coalesce(a.locked_until > clock_timestamp(), false)")
_BY_NAME = f"SELECT {_ACCOUNT} FROM operator_account a WHERE a.name = %(name)s AND a.disabled_at IS NULL"


def by_name(connection: Connection, name: str) -> AccountRow | None:
    """The account called ``name``, locked until the transaction ends so that tries are counted one after the other."""
    return one(connection, AccountRow, f"{_BY_NAME} FOR UPDATE", {"name": name})


def by_id(connection: Connection, account: int) -> AccountRow | None:
    """The account, locked until the transaction ends."""
    statement = f"SELECT {_ACCOUNT} FROM operator_account a WHERE a.id = %(id)s AND a.disabled_at IS NULL FOR UPDATE"
    return one(connection, AccountRow, statement, {"id": account})


class ListedAccountRow(NamedTuple):
    """An account as a list of them tells of it; no secret."""

    name: str
    roles: Mapping[str, str]
    has_password: bool
    has_totp: bool
    mail: str | None
    disabled_at: datetime | None


_LISTED = """
SELECT name, roles, password_hash IS NOT NULL, totp_secret IS NOT NULL, mail, disabled_at FROM operator_account
ORDER BY disabled_at IS NOT NULL, name
"""


def listed(connection: Connection) -> list[ListedAccountRow]:
    """Every account, those that count first."""
    return fetch(connection, ListedAccountRow, _LISTED)


def keep(connection: Connection, name: str, roles: str) -> int:
    """The id of the account ``name``, made where there is none, with these roles (JSON) from now on; one that was disabled counts
    again, without its password."""
    statement = """
    INSERT INTO operator_account (name, roles, totp_step, failures) VALUES (%(name)s, %(roles)s::jsonb, 0, 0)
    ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, failures = 0, locked_until = NULL, disabled_at = NULL,
      password_hash = CASE WHEN operator_account.disabled_at IS NULL THEN operator_account.password_hash END,
      totp_secret = CASE WHEN operator_account.disabled_at IS NULL THEN operator_account.totp_secret END
    RETURNING id
    """
    return int(scalars(connection, statement, {"name": name, "roles": roles})[0])


def disable(connection: Connection, name: str) -> int:
    """Let an account sign in no more, and sign it out everywhere; 0 where there is none."""
    execute(
        connection,
        """DELETE FROM operator_session s USING operator_account a WHERE a.id = s.account_id AND a.name = %(name)s""",
        {"name": name},
    )
    execute(
        connection,
        "DELETE FROM operator_link l USING operator_account a WHERE a.id = l.account_id AND a.name = %(name)s",
        {"name": name},
    )
    return execute(
        connection,
        "UPDATE operator_account SET disabled_at = now() WHERE name = %(name)s AND disabled_at IS NULL",
        {"name": name},
    )


def count_failure(connection: Connection, account: int, rest: int) -> None:
    """One more wrong try; nobody signs in for ``rest`` seconds."""
    execute(
        connection,
        """UPDATE operator_account SET failures = failures + 1,
             locked_until = CASE WHEN %(rest)s > 0 THEN clock_timestamp() + make_interval(secs => %(rest)s) END
           WHERE id = %(id)s""",
        {"id": account, "rest": rest},
    )


def count_success(connection: Connection, account: int, totp_step: int) -> None:
    """A right try: the wrong ones before it are forgotten, and the code of ``totp_step`` counts no more."""
    execute(
        connection,
        """UPDATE operator_account SET failures = 0, locked_until = NULL, totp_step = greatest(totp_step, %(step)s)
           WHERE id = %(id)s""",
        {"id": account, "step": totp_step},
    )


def set_password(connection: Connection, account: int, password_hash: str) -> None:
    """Another password from now on."""
    statement = "UPDATE operator_account SET password_hash = %(hash)s WHERE id = %(id)s"
    execute(connection, statement, {"id": account, "hash": password_hash})


def set_totp(connection: Connection, account: int, secret: str | None, step: int) -> None:
    """Ask for a code of ``secret`` from now on; None: for none."""
    statement = "UPDATE operator_account SET totp_secret = %(secret)s, totp_step = %(step)s WHERE id = %(id)s"
    execute(connection, statement, {"id": account, "secret": secret, "step": step})


def set_locale(connection: Connection, account: int, locale: str) -> None:
    """The language that the console speaks to this account."""
    execute(
        connection,
        "UPDATE operator_account SET locale = %(locale)s WHERE id = %(id)s",
        {"id": account, "locale": locale},
    )


def set_mail(connection: Connection, name: str, mail: str | None) -> int:
    """Where the account has mail, None: nowhere; 0 where there is no such account."""
    statement = "UPDATE operator_account SET mail = %(mail)s WHERE name = %(name)s AND disabled_at IS NULL"
    return execute(connection, statement, {"name": name, "mail": mail})


def add_link(connection: Connection, account: int, token_hash: bytes, seconds: int) -> None:
    """A link that signs the account in once, within ``seconds``; links that have ended go."""
    execute(connection, "DELETE FROM operator_link WHERE ends_at < clock_timestamp()", {})
    execute(
        connection,
        """INSERT INTO operator_link (token_hash, account_id, ends_at)
           VALUES (%(hash)s, %(id)s, clock_timestamp() + make_interval(secs => %(seconds)s))""",
        {"hash": token_hash, "id": account, "seconds": seconds},
    )


def use_link(connection: Connection, token_hash: bytes) -> int | None:
    """The account that the link signs in, which it does only now; None for one that was used, has ended or never was."""
    statement = """
    DELETE FROM operator_link l USING operator_account a
    WHERE l.token_hash = %(hash)s AND a.id = l.account_id AND l.ends_at > clock_timestamp() AND a.disabled_at IS NULL
    RETURNING l.account_id
    """
    return next(iter(scalars(connection, statement, {"hash": token_hash})), None)


def open_session(connection: Connection, account: int, token_hash: bytes, seconds: int) -> None:
    """Sign the account in for ``seconds`` at most; its sessions that have ended go."""
    execute(
        connection,
        "DELETE FROM operator_session WHERE account_id = %(id)s AND ends_at < clock_timestamp()",
        {"id": account},
    )
    execute(
        connection,
        """INSERT INTO operator_session (token_hash, account_id, seen_at, ends_at)
           VALUES (%(hash)s, %(id)s, clock_timestamp(), clock_timestamp() + make_interval(secs => %(seconds)s))""",
        {"hash": token_hash, "id": account, "seconds": seconds},
    )


class SessionRow(NamedTuple):
    """Who is signed in; ``is_stale``: it was seen a minute ago or longer."""

    account_id: int
    name: str
    roles: Mapping[str, str]
    locale: str | None
    is_stale: bool


_SESSION = """
SELECT a.id, a.name, a.roles, a.locale, s.seen_at < clock_timestamp() - interval '1 minute'
FROM operator_session s JOIN operator_account a ON a.id = s.account_id
WHERE s.token_hash = %(hash)s AND s.ends_at > clock_timestamp() AND a.disabled_at IS NULL
  AND s.seen_at > clock_timestamp() - make_interval(secs => %(idle)s)
"""


def session(connection: Connection, token_hash: bytes, idle: int) -> SessionRow | None:
    """Who is signed in with the cookie; None for nobody, or where nothing was asked for ``idle`` seconds."""
    return one(connection, SessionRow, _SESSION, {"hash": token_hash, "idle": idle})


def see(connection: Connection, token_hash: bytes) -> None:
    """The session is in use."""
    statement = "UPDATE operator_session SET seen_at = clock_timestamp() WHERE token_hash = %(hash)s"
    execute(connection, statement, {"hash": token_hash})


def close_session(connection: Connection, token_hash: bytes) -> None:
    """Sign the session out."""
    execute(connection, "DELETE FROM operator_session WHERE token_hash = %(hash)s", {"hash": token_hash})


def close_others(connection: Connection, account: int, but: bytes) -> None:
    """Sign the account out everywhere but in the session ``but``."""
    told = {"id": account, "hash": but}
    execute(connection, "DELETE FROM operator_session WHERE account_id = %(id)s AND token_hash <> %(hash)s", told)
    execute(connection, "DELETE FROM operator_link WHERE account_id = %(id)s", {"id": account})
