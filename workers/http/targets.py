"""Where outgoing webhooks may go: never into our own network, unless a setting allows it (contract, "Events").

A name is looked up once for each connection, and the connection goes to an address that was looked at: a name that points
elsewhere a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from urllib.parse import urlsplit

import httpcore

from pipelines.errors import ShukkaError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to the addresses they stand for; raises OSError when there are none."""

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


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connections to public addresses alone; TargetRefused for a host that stands for any other."""

    def __init__(self, resolve: Resolver = addresses_of, network: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._resolve = resolve
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of ``host`` that takes it. Raises TargetRefused or httpcore.ConnectError."""
        failed = httpcore.ConnectError(f"{host} cannot be found")
        try:
            addresses = await _public_addresses(host, port, self._resolve)
        except (OSError, UnicodeError):
            raise failed from None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failed = error
        raise failed


async def _public_addresses(host: str, port: int, resolve: Resolver) -> Sequence[str]:
    """What ``host`` stands for. Raises TargetRefused if any of it is not public, and what the resolver raises."""
    addresses = await resolve(host, port)
    if not addresses or not all(_is_public(address) for address in addresses):
        raise TargetRefused(f"The host {host} of the URL is not on the public internet.")
    return addresses


async def refuse_private(url: str, *, allow_private: bool, resolve: Resolver = addresses_of) -> str | None:
    """Why nothing would be posted to ``url`` if it were asked now, in one sentence; None if something would.

    Only http and https. Unless ``allow_private``, every address the host stands for must be public: private, loopback,
    link-local, multicast, unspecified and reserved ones are refused, also inside an IPv4-mapped, 6to4, Teredo or NAT64
    address. A name can point elsewhere a moment later: what keeps posts out of our network is ``PublicNetwork``.
    """
    wrong = malformed(url)
    if wrong or allow_private:
        return wrong
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await _public_addresses(host, port, resolve)
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
