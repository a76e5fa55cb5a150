"""Where outgoing webhooks may go: never into our own network, unless a setting allows it (contract, "Events")."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to the addresses they stand for; raises OSError when there are none."""

_LOOKUP_SECONDS = 5.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def addresses_of(host: str, port: int) -> Sequence[str]:
    """What the system's resolver answers, also for spellings of an address such as ``127.1`` or ``0x7f000001``."""
    loop = asyncio.get_running_loop()
    found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), _LOOKUP_SECONDS)
    return [str(address[0]) for _, _, _, _, address in found]


async def refuse_private(url: str, *, allow_private: bool, resolve: Resolver = addresses_of) -> str | None:
    """Why ``url`` is no target for a webhook, in one sentence; None if it is one.

    Only http and https. Unless ``allow_private``, every address the host stands for must be public: private, loopback,
    link-local, multicast, unspecified and reserved ones are refused, also inside an IPv4-mapped, 6to4, Teredo or NAT64
    address. A name can point elsewhere a moment later, so ask before each delivery, not only on registration.
    """
    wrong = malformed(url)
    if wrong or allow_private:
        return wrong
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError):  # the resolver's own refusals, a time-out, a label no host can have
        return f"The host {host} of the URL cannot be found."
    if not addresses or not all(_is_public(address) for address in addresses):
        return f"The host {host} of the URL is not on the public internet."
    return None


def malformed(url: str) -> str | None:
    """Why ``url`` could never be a target, whatever its host stands for, in one sentence; None if it could."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "The URL is malformed; write it as https://shop.example/hooks."
    if parts.scheme not in ("http", "https"):
        return "The URL must begin with https:// or http://."
    if not host or not url.isprintable() or " " in url:
        return "The URL names no host; write it as https://shop.example/hooks."
    return None


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    inner = _carried_ipv4(address)
    if inner is not None:
        return _is_public(str(inner))
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_site_local)


def _carried_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to ``address`` would end at, if it only wraps one."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
