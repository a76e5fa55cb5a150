"""What operators of the console may do (役割), and how long an account rests after wrong tries. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from pipelines.errors import Invalid, Problem

EVERY_SHOP: Final = "*"
#: Wrong tries on end that cost nothing but themselves.
_FREE_TRIES: Final = 4
_FIRST_REST: Final = 30
_LONGEST_REST: Final = 3_600


class Role(IntEnum):
    """Each may what the one before it may: see orders; act on them; see to accounts."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


def role_at(roles: Mapping[str, str], shop: str) -> Role | None:
    """The role at ``shop``: the higher one of its own and that at every shop; None for no role there."""
    named = [Role[name.upper()] for place in (shop, EVERY_SHOP) if (name := roles.get(place))]
    return max(named, default=None)


def shops_of(roles: Mapping[str, str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of the ``known`` shops that an account with ``roles`` may know of, in order."""
    return tuple(sorted(shop for shop in known if role_at(roles, shop) is not None))


def read_roles(role: str, shops: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """``role`` at each of ``shops``, at every shop for none. Raises Invalid for an unknown role or shop."""
    names = [one.name.lower() for one in Role]
    problems = [] if role in names else [Problem("--role", f"must be one of {', '.join(names)}")]
    there, asked = sorted(known), list(shops)
    problems += [
        Problem("--shop", f"{shop} is unknown; there is {', '.join(there)}") for shop in asked if shop not in there
    ]
    if problems:
        raise Invalid(problems)
    return dict.fromkeys(asked or [EVERY_SHOP], role)


def rest_after(failures: int) -> int:
    """Seconds for which nobody signs in after ``failures`` wrong tries on end: twice as long each time, an hour at most."""
    over = failures - _FREE_TRIES
    return 0 if over <= 0 else int(min(_LONGEST_REST, _FIRST_REST << min(over - 1, 10)))
