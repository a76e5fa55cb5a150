"""A bank statement (入出金明細): rows of one or several accounts, the oldest first, and what a format must do to read one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.errors import Invalid, Problem
from pipelines.values.payer_name import payer_name


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a file says it is of: digits, as the file writes them. ``bank`` and ``branch`` have four and three."""

    bank: str
    branch: str
    number: str


@dataclass(frozen=True, slots=True)
class Movement:
    """One row of it: a movement on an account.

    ``row`` is where it stands in the file, the first line or record being 1; ``booked_on`` a day in Japan; ``amount`` yen, what went
    out below zero. ``text`` is all that the bank wrote, ``payer`` the part of it that names who paid. ``reference`` is the bank's own
    number within the account and day. ``doubt`` is why a human must look at it: one that could not be read has no amount or no day.
    """

    row: int
    booked_on: date | None
    amount: int | None
    text: str
    payer: str = ""
    balance: int | None = None
    reference: str | None = None
    account: Account | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a file says: its rows, and the encoding that it was read in."""

    encoding: str
    rows: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """One bank's way to write a statement.

    ``read``: bytes and today's date in Japan, by which years are judged; raises Invalid, with one sentence, for a file that is not
    whole, contradicts itself or is of another format. ``names``: what operators read, the product included.
    """

    name: str
    names: str
    read: Callable[[bytes, date], Statement]


def broken(sentence: str) -> Invalid:
    """A file of which nothing may be booked, and why."""
    return Invalid([Problem("FILE", sentence)])


def fingerprints(rows: Sequence[Movement], account: str) -> list[str]:
    """What each row is known by for ever, whichever file it stands in: account, day, amount, text, balance, the bank's reference,
    and which one it is of rows that are equal in all these. Rows of a file that names no account are of ``account``."""
    return list(_fingerprints(rows, account))


def _fingerprints(rows: Sequence[Movement], account: str) -> Iterator[str]:
    seen: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        of = f"{row.account.bank}-{row.account.branch}-{row.account.number}" if row.account else account
        said = (of, row.booked_on, row.amount, payer_name(row.text), row.balance, row.reference)
        seen[said] += 1
        digest = hashlib.sha256("\x00".join(map(str, (*said, seen[said]))).encode()).hexdigest()[:40]
        yield digest.translate(_LETTERS)


#: Letters alone: nothing in a fingerprint can look like somebody's card number.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
