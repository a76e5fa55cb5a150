"""Mail addresses as Japanese customers really have them (INT-01, INT-02, B.7.1, B.7.2).

Carriers once let people create ``a..b@``, ``.a@`` and ``a.@``. Such a local part is no RFC 5321 dot-atom, yet the
mailbox exists; it can be reached when the local part is quoted on the wire, and only then. Conforming addresses are
never quoted, because some servers refuse a quoted form they do not need.

The sentences below never repeat the address: they may end up in logs.
"""

from __future__ import annotations

import re
from typing import Literal

MailSyntaxPolicy = Literal["strict", "carrier_legacy"]

# RFC 5321 4.5.3.1: a path has at most 256 octets with its angle brackets, a local part at most 64.
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_ATOMS_AND_DOTS = re.compile(rf"(?:{_ATOM}|\.)+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")

_CARRIERS = ("docomo.ne.jp", "ezweb.ne.jp", "au.com")


def addr_spec(raw: str) -> str:
    r"""The form of ``raw`` that SMTP and the To header can carry: ``local@domain`` or ``"local"@domain``.

    Spaces around it are dropped. A conforming address comes back unchanged and so does one that is quoted already; a
    local part that is no dot-atom is quoted, with ``\`` and ``"`` escaped (B.7.2). Idempotent.

    Raises ValueError with one sentence for what is no address at all.
    """
    local, domain = _split(raw)
    sendable = f"{local}@{domain}" if _is_sendable(local) else f"{_quote(local)}@{domain}"
    if len(sendable) > _LONGEST_ADDRESS:
        raise ValueError(f"The mail address has {len(sendable)} characters; at most {_LONGEST_ADDRESS} can be sent to.")
    return sendable


def nonconforming(raw: str) -> bool:
    """True if the mailbox can only be named in quotes (``a..b@``, ``.a@``, ``a.@`` ...), quoted already or not.

    Raises ValueError like `addr_spec`.
    """
    local, _ = _split(raw)
    return _DOT_ATOM.fullmatch(_unquote(local)) is None


def check(raw: str, policy: MailSyntaxPolicy) -> str | None:
    """Why the shop's ``mail_syntax_policy`` refuses ``raw``, in one sentence; None if it does not (INT-02).

    ``strict`` refuses every non-conforming local part. ``carrier_legacy`` lets misplaced dots pass for docomo.ne.jp,
    ezweb.ne.jp, au.com and their sub-domains. Consecutive ``_`` is valid and never refused.
    """
    try:
        addr_spec(raw)
        local, domain = _split(raw)
    except ValueError as problem:
        return str(problem)
    content = _unquote(local)
    if _DOT_ATOM.fullmatch(content):
        return None
    if not _ATOMS_AND_DOTS.fullmatch(content):
        return "The part before the @ holds a character that is not allowed there; use letters, digits, '.', '_', '-'."
    if policy == "carrier_legacy" and _is_carrier(domain):
        return None
    return "The part before the @ begins or ends with '.' or holds '..'; write the address without these dots."


def same_mailbox(a: str, b: str) -> bool:
    """True if both name one mailbox for the duplicate test (INT-01): case and quotes do not make a difference.

    Raises ValueError like `addr_spec`.
    """
    return _mailbox(a) == _mailbox(b)


def _mailbox(raw: str) -> tuple[str, str]:
    local, domain = _split(raw)
    return _unquote(local).lower(), domain.lower()


def _split(raw: str) -> tuple[str, str]:
    """``raw`` cut at its last @; raises ValueError unless both parts could be those of an address."""
    address = raw.strip(" \u3000")
    if not address.isprintable():
        raise ValueError("The mail address holds a line break or another control character; remove it.")
    local, at, domain = address.rpartition("@")
    if not at:
        raise ValueError("The mail address has no '@'; write it as name@example.jp.")
    if not local or local == '""':
        raise ValueError("The mail address has nothing before the '@'; write it as name@example.jp.")
    if not domain:
        raise ValueError("The mail address has nothing after the '@'; write it as name@example.jp.")
    if not address.isascii():
        raise ValueError("The mail address holds full-width or other non-ASCII characters; write it in plain letters.")
    if not _DOMAIN.fullmatch(domain):
        raise ValueError("What follows the '@' of the mail address is no domain name such as example.jp.")
    if len(_unquote(local)) > _LONGEST_LOCAL_PART:
        raise ValueError(f"The mail address has more than {_LONGEST_LOCAL_PART} characters before the '@'.")
    return local, domain


def _is_sendable(local: str) -> bool:
    return bool(_DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local))


def _is_carrier(domain: str) -> bool:
    return any(domain.lower() == carrier or domain.lower().endswith(f".{carrier}") for carrier in _CARRIERS)


def _quote(local: str) -> str:
    return '"' + local.replace("\\", r"\\").replace('"', r"\"") + '"'


def _unquote(local: str) -> str:
    return _QUOTED_PAIR.sub(r"\1", local[1:-1]) if _QUOTED.fullmatch(local) else local
