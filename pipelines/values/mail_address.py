"""Mail addresses as Japanese customers really have them (INT-01, INT-02, B.7.1, B.7.2).

Carriers once let people create ``a..b@``, ``.a@`` and ``a.@``. Such a local part is no RFC 5321 dot-atom, yet the
mailbox exists; it can be reached when the local part is quoted on the wire, and only then. Conforming addresses are
never quoted, because some servers refuse a quoted form they do not need.

What a keyboard or a copied text adds is put right: full-width letters, spaces and unseen characters around it, the dot
after the domain, a domain in Japanese. What could be two addresses, or something else, is refused: a mail to a guess
reaches nobody. The sentences below never repeat the address: they may end up in logs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

from pipelines.values.spelling import visible

MailSyntaxPolicy = Literal["strict", "carrier_legacy"]

# RFC 5321 4.5.3.1: a path has at most 256 octets with its angle brackets, a local part at most 64.
_LONGEST_ADDRESS: Final = 254
_LONGEST_LOCAL_PART: Final = 64

# Every pattern below takes time in proportion to the text: no character can be matched in two ways.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_ATOMS_AND_DOTS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)+"')
_QUOTED_PAIR: Final = re.compile(r"\\(.)")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")

_CARRIERS: Final = ("docomo.ne.jp", "ezweb.ne.jp", "au.com")
_SPACES: Final = (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
#: Full-width ASCII, the spaces, and the full stops of Japanese keyboards: an address can only mean the plain one.
_PLAIN: Final[dict[int, str]] = {
    **{code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)},
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(map(ord, "。｡"), "."),
}


@lru_cache(maxsize=4096)  # the mails of one order follow each other
def addr_spec(raw: str) -> str:
    r"""The form of ``raw`` that SMTP and the To header can carry: ``local@domain`` or ``"local"@domain``.

    What a keyboard or a copied text added is dropped or put right, a domain in Japanese is written as ``xn--``. A local
    part with misplaced dots is quoted; one that is quoted already stays so (B.7.2). Idempotent; ASCII.

    Raises ValueError with one sentence for what is no single address.
    """
    local, domain = _split(raw)
    sendable = f'"{local}"@{domain}' if _misplaces_dots(local) else f"{local}@{domain}"
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
        return _NOT_ALLOWED
    if policy == "carrier_legacy" and _is_carrier(domain):
        return None
    return "The part before the @ begins or ends with '.' or holds '..'; write the address without these dots."


@lru_cache(maxsize=4096)
def mailbox_key(raw: str) -> str:
    """What all spellings of one mailbox share, for the duplicate test (INT-01): neither case nor quotes matter.

    For comparing only, never to send to. Raises ValueError like `addr_spec`.
    """
    local, domain = _split(raw)
    return f"{_unquote(local)}@{domain}".lower()


_NAMED: Final = frozenset("<>")
_LISTED: Final = frozenset(",;、 ")
_NOT_ALLOWED: Final = (
    "The part before the @ holds a character that is not allowed there; use letters, digits, '.', '_', '-'."
)


@lru_cache(maxsize=4096)
def _split(raw: str) -> tuple[str, str]:
    """Local part and ASCII domain of ``raw``, as they are sent; raises ValueError for what is no single address."""
    address = visible(raw).translate(_PLAIN).strip(" ")
    if not address.isprintable():
        raise ValueError("The mail address holds a line break or another control character; remove it.")
    if len(address) > 2 * _LONGEST_ADDRESS:
        raise ValueError(f"The mail address is far too long; at most {_LONGEST_ADDRESS} characters can be sent to.")
    _single(address)
    local, at, domain = address.rpartition("@")
    if not at:
        raise ValueError("The mail address has no '@'; write it as name@example.jp.")
    if not local or local == '""':
        raise ValueError("The mail address has nothing before the '@'; write it as name@example.jp.")
    if not domain:
        raise ValueError("The mail address has nothing after the '@'; write it as name@example.jp.")
    _check_local(local)
    return local, _ascii_domain(domain.removesuffix("."))


def _single(address: str) -> None:
    """Raises ValueError for what shows outside of quotes that the text is more than one bare address."""
    if address.lower().startswith("mailto:"):
        raise ValueError("The mail address begins with 'mailto:'; send the address alone.")
    bare = address.rpartition('"')[2] if address.startswith('"') else address
    if not _NAMED.isdisjoint(bare):
        raise ValueError("The mail address holds '<' or '>'; send the address alone, without a name.")
    if not _LISTED.isdisjoint(bare):
        raise ValueError("The mail address holds ',', ';' or a space; send one address alone, not a list.")
    if bare.count("@") > 1:
        raise ValueError("The mail address has more than one '@'; send one address, written as name@example.jp.")


def _check_local(local: str) -> None:
    if not local.isascii():
        raise ValueError("The part before the @ holds non-ASCII characters; write it in plain letters.")
    if not (_ATOMS_AND_DOTS.fullmatch(local) or _QUOTED.fullmatch(local)):
        raise ValueError(_NOT_ALLOWED)
    if len(_unquote(local)) > _LONGEST_LOCAL_PART:
        raise ValueError(f"The mail address has more than {_LONGEST_LOCAL_PART} characters before the '@'.")


def _ascii_domain(domain: str) -> str:
    """``domain`` as DNS has it: a Japanese one in its ``xn--`` form. Raises ValueError for what is none."""
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        plain = ""
    if not _DOMAIN.fullmatch(plain):
        raise ValueError("What follows the '@' of the mail address is no domain name such as example.jp.")
    return plain


def _misplaces_dots(local: str) -> bool:
    return not local.startswith('"') and _DOT_ATOM.fullmatch(local) is None


def _is_carrier(domain: str) -> bool:
    return any(domain.lower() == carrier or domain.lower().endswith(f".{carrier}") for carrier in _CARRIERS)


def _unquote(local: str) -> str:
    return _QUOTED_PAIR.sub(r"\1", local[1:-1]) if local.startswith('"') else local
