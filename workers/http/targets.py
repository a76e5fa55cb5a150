"""Where outgoing webhooks may go: never into our own network, unless a setting allows it (contract, "Events").

A name is looked up once for each connection, and the connection goes to an address that was looked at: a name that points
elsewhere a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from pipelines.errors import ShukkaError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to the addresses they stand for; raises OSError when there are none."""

Allowed = Callable[[str], bool]
"""Whether an address may be connected to; raises ValueError for what is none."""

#: How many connections are held, and for how many seconds one that nobody uses is kept.
CONNECTIONS: Final[Mapping[str, Any]] = {"limit": 64, "keepalive_timeout": 30}
_LOOKUP_SECONDS = 5.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def addresses_of(host: str, port: int) -> Sequence[str]:
    """What the system's resolver answers, also for spellings of an address such as ``127.1`` or ``0x7f000001``."""
    loop = asyncio.get_running_loop()
    found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), _LOOKUP_SECONDS)
    return [str(address[0]) for _, _, _, _, address in found]


class TargetRefused(ShukkaError):
    """A host is not on the public internet; ``says`` it in one sentence."""

    def __init__(self, says: str) -> None:
        self.says = says
        super().__init__(says)


class PublicNames(AbstractResolver):
    """Looks names up for aiohttp: TargetRefused for one that stands for any address that is not ``allowed``, OSError for one that
    stands for none."""

    def __init__(self, resolve: Resolver, allowed: Allowed) -> None:
        self._resolve = resolve
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses to try, in their order."""
        try:
            found = await _addresses(host, port, self._resolve, self._allowed)
        except (UnicodeError, TimeoutError):
            raise OSError(f"{host} cannot be found") from None
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=_family(address), proto=socket.IPPROTO_TCP, flags=numeric
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def public_connector(resolve: Resolver = addresses_of, allowed: Allowed | None = None) -> aiohttp.TCPConnector:
    """Connections to public addresses alone: each is looked at once more when it is connected to, since an address that stands in the
    URL itself is not looked up."""
    may = allowed or is_public

    def a_socket(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, *_) = address
        if not _may(str(host), may):
            raise TargetRefused(f"The host {host} of the URL is not on the public internet.")
        return socket.socket(family, kind, protocol)

    names = PublicNames(resolve, may)
    return aiohttp.TCPConnector(resolver=names, socket_factory=a_socket, use_dns_cache=False, **CONNECTIONS)


def _may(address: str, allowed: Allowed) -> bool:
    try:
        return allowed(address)
    except ValueError:  # some other spelling of an address
        return False


async def _addresses(host: str, port: int, resolve: Resolver, allowed: Allowed) -> Sequence[str]:
    """What ``host`` stands for. Raises TargetRefused if any of it is not ``allowed``, and what the resolver raises."""
    addresses = await resolve(host, port)
    if not addresses or not all(allowed(address) for address in addresses):
        raise TargetRefused(f"The host {host} of the URL is not on the public internet.")
    return addresses


async def refuse_private(url: str, *, allow_private: bool, resolve: Resolver = addresses_of) -> str | None:
    """Why nothing would be posted to ``url`` if it were asked now, in one sentence; None if something would.

    Only http and https. Unless ``allow_private``, every address the host stands for must be public: private, loopback,
    link-local, multicast, unspecified and reserved ones are refused, also inside an IPv4-mapped, 6to4, Teredo or NAT64
    address. A name can point elsewhere a moment later: what keeps posts out of our network is ``public_connector``.
    """
    wrong = malformed(url)
    if wrong or allow_private:
        return wrong
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await _addresses(host, port, resolve, is_public)
    except TargetRefused as refused:
        return refused.says
    except (OSError, UnicodeError):  # the resolver's own refusals, a time-out, a label no host can have
        return f"The host {host} of the URL cannot be found."
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


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet. Raises ValueError for what is no address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    inner = _carried_ipv4(address)
    if inner is not None:
        return is_public(str(inner))
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_site_local)


def _carried_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to ``address`` would end at, if it only wraps one."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
