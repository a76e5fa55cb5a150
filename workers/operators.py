"""Signing operators in: passwords (Argon2id), codes (TOTP, RFC 6238), one-time links and sessions.

Of every token the SHA-256 alone is stored: they are 256 random bits. A wrong name costs the same time as a wrong password.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine

from models.database import glance
from models.store import operators
from models.store.operators import AccountRow, SessionRow
from pipelines.errors import Invalid, Problem
from pipelines.operators import EVERY_SHOP, Role, rest_after

SESSION_SECONDS: Final = 12 * 3_600
IDLE_SECONDS: Final = 2 * 3_600
LINK_SECONDS: Final = 30 * 60
LEAST_PASSWORD: Final = 12
MOST_PASSWORD: Final = 256
PATH: Final = "/console"
READY: Final = "admin"
_LONGEST_NAME: Final = 64
_STEP: Final = 30
#: Codes of the step before and after count too: clocks of telephones differ.
_DRIFT: Final = (-1, 0, 1)
_HASHER: Final = PasswordHasher()
_NOBODYS: Final = _HASHER.hash(secrets.token_hex(16))


class Enrolment(NamedTuple):
    """A secret for codes that is not kept yet, and what an authenticator reads it from."""

    secret: str
    uri: str


def add_account(engine: Engine, name: str, roles: Mapping[str, str]) -> int:
    """The id of the account ``name`` with these ``roles``, made where there is none. Raises Invalid for a name that is none."""
    if not name.strip() or name != name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Invalid([Problem("NAME", f"must have 1 to {_LONGEST_NAME} visible characters")])
    with engine.begin() as connection:
        return operators.keep(connection, name, json.dumps(dict(roles)))


def one_time_path(engine: Engine, account: int) -> str:
    """A path that signs the account in, once, within half an hour."""
    token = secrets.token_urlsafe(32)
    with engine.begin() as connection:
        operators.add_link(connection, account, digest(token), LINK_SECONDS)
    return f"{PATH}/enter/{token}"


def ready_path(engine: Engine) -> str | None:
    """`one_time_path` for whoever starts the whole service at a terminal, as ``admin`` of every shop; None where that one was
    disabled."""
    with glance(engine) as connection:
        known = {one.name: one for one in operators.listed(connection)}
    if READY in known and known[READY].disabled_at is not None:
        return None
    roles = known[READY].roles if READY in known else {EVERY_SHOP: Role.ADMIN.name.lower()}
    return one_time_path(engine, add_account(engine, READY, roles))


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def csrf_of(token: str) -> str:
    """What the forms of a session carry: known to whoever has its cookie, and to no page of anybody else's."""
    return hmac.new(token.encode(), b"shukka console form", hashlib.sha256).hexdigest()


def sign_in(engine: Engine, name: str, password: str, code: str) -> str | None:
    """The cookie of a new session; None for a wrong name, password or code, and for an account that rests after too many."""
    with engine.begin() as connection:
        account = operators.by_name(connection, name)
        right = _matches(account.password_hash if account else None, password)
        if account is None or account.is_locked:
            return None
        step = _step_of(account, code)
        if not right or step is None:
            operators.count_failure(connection, account.id, rest_after(account.failures + 1))
            return None
        operators.count_success(connection, account.id, step)
        return _opened(connection, account.id)


def sign_in_by_link(engine: Engine, token: str) -> str | None:
    """The cookie of a new session; None for a link that was used or has ended."""
    with engine.begin() as connection:
        account = operators.use_link(connection, digest(token))
        return None if account is None else _opened(connection, account)


def signed_in(engine: Engine, token: str) -> SessionRow | None:
    """Whose session the cookie is; None for nobody's. A session is noted to be in use once a minute."""
    with glance(engine) as connection:
        found = operators.session(connection, digest(token), IDLE_SECONDS)
    if found is not None and found.is_stale:
        with engine.begin() as connection:
            operators.see(connection, digest(token))
    return found


def sign_out(engine: Engine, token: str) -> None:
    """End the session of the cookie."""
    with engine.begin() as connection:
        operators.close_session(connection, digest(token))


def is_password(text: str) -> bool:
    """Whether it is as long as a password has to be."""
    return LEAST_PASSWORD <= len(text) <= MOST_PASSWORD


def give_password(engine: Engine, account: int, new: str) -> None:
    """The password of an account from now on, whatever it was before, from whoever runs the installation; every session ends, and links
    count no more."""
    with engine.begin() as connection:
        _keep_password(connection, account, _HASHER.hash(new), "")


def change_password(engine: Engine, account: int, old: str, new: str, token: str) -> None:
    """Another password; every session but that of the cookie ``token`` ends, and links count no more. Raises Invalid for a wrong
    old one, where there is one, and for a new one that is too short. Wrong ones are counted as when signing in."""
    if not is_password(new):
        raise Invalid([Problem("password", "length")])
    hashed = _HASHER.hash(new)
    with engine.begin() as connection:
        row = operators.by_id(connection, account)
        if row is not None and _proves(connection, row, old):
            _keep_password(connection, account, hashed, token)
            return
    raise Invalid([Problem("old", "wrong")])


def _keep_password(connection: Connection, account: int, hashed: str, token: str) -> None:
    operators.set_password(connection, account, hashed)
    operators.close_others(connection, account, digest(token))


def totp(name: str, secret: str = "") -> Enrolment:
    """``secret``, or a fresh one where it is none, for an authenticator."""
    for one in (secret, pyotp.random_base32()):
        try:
            return Enrolment(one, pyotp.TOTP(one).provisioning_uri(name=name, issuer_name="Shukka"))
        except ValueError:  # no base32
            continue
    raise AssertionError("a fresh secret is one")


def keep_totp(engine: Engine, account: int, secret: str, code: str, old: str) -> None:
    """Ask for codes of ``secret`` from now on. Raises Invalid where ``code`` is none of them, or the password ``old`` is wrong."""
    step = _matching(secret, code)
    if step is None:
        raise Invalid([Problem("code", "wrong")])
    _change_totp(engine, account, secret, step, old)


def end_totp(engine: Engine, account: int, old: str) -> None:
    """Ask for no code any more. Raises Invalid where the password ``old`` is wrong."""
    _change_totp(engine, account, None, 0, old)


def _change_totp(engine: Engine, account: int, secret: str | None, step: int, old: str) -> None:
    with engine.begin() as connection:
        row = operators.by_id(connection, account)
        if row is not None and _proves(connection, row, old):
            operators.set_totp(connection, account, secret, step)
            return
    raise Invalid([Problem("old", "wrong")])


def _proves(connection: Connection, account: AccountRow, old: str) -> bool:
    """Whether whoever sits before an open session knows its password; an account without one has nothing to prove."""
    if account.password_hash is None:
        return True
    if account.is_locked:
        return False
    if _matches(account.password_hash, old):
        return True
    operators.count_failure(connection, account.id, rest_after(account.failures + 1))
    return False


def _opened(connection: Connection, account: int) -> str:
    token = secrets.token_urlsafe(32)
    operators.open_session(connection, account, digest(token), SESSION_SECONDS)
    return token


def _matches(hashed: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(hashed or _NOBODYS, password[:MOST_PASSWORD]) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def _step_of(account: AccountRow, code: str) -> int | None:
    """The time step whose code was given, 0 where none is asked for; None for a wrong code and one that counted before."""
    if account.totp_secret is None:
        return 0
    step = _matching(account.totp_secret, code)
    return step if step is not None and step > account.totp_step else None


def _matching(secret: str, code: str) -> int | None:
    given = "".join(code.split())
    if not (given.isascii() and given.isdigit()):
        return None
    now = int(time.time()) // _STEP
    try:
        totp = pyotp.TOTP(secret)
        return next((now + off for off in _DRIFT if hmac.compare_digest(totp.generate_otp(now + off), given)), None)
    except ValueError:  # no base32
        return None
