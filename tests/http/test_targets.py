"""Private, loopback and link-local webhook targets are refused unless a setting allows them (contract)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import pytest

from workers.http.targets import TargetRefused, public_connector, refuse_private


class Names:
    """A resolver with a table of its own; a name that is not in it cannot be found."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self.table = table
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        if host not in self.table:
            raise OSError(-2, "Name or service not known")
        return self.table[host]


def refusal(url: str, *addresses: str, allow_private: bool = False) -> str | None:
    names = Names({"shop.example": list(addresses)})
    return asyncio.run(refuse_private(url, allow_private=allow_private, resolve=names))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"])
def test_a_public_host_is_a_target(address: str) -> None:
    assert refusal("https://shop.example/hooks", address) is None


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_an_address_off_the_public_internet_is_refused(address: str) -> None:
    assert refusal("https://shop.example/hooks", address) == (
        "The host shop.example of the URL is not on the public internet."
    )
    assert refusal("https://shop.example/hooks", address, allow_private=True) is None


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    assert refusal("https://shop.example/hooks", "93.184.215.14", "10.0.0.1") is not None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://127.1:8080/", "http://2130706433/", "http://0x7f000001/", "http://[::1]/"]
)
def test_however_loopback_is_spelled_the_system_s_resolver_sees_through(url: str) -> None:
    said = asyncio.run(refuse_private(url, allow_private=False))
    assert said is not None
    assert said.endswith("is not on the public internet.")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://shop.example/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("javascript:alert(1)", "https://"),
        ("shop.example/hooks", "https://"),
        ("", "https://"),
        ("https:///hooks", "no host"),
        ("https://shop.example/a b", "no host"),
        ("https://shop.example:99999/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://unknown.example/", "cannot be found"),
    ],
)
def test_what_is_no_http_url_of_a_known_host_is_refused(url: str, reason: str) -> None:
    said = refusal(url, "93.184.215.14")
    assert said is not None
    assert reason in said


def test_a_private_target_need_not_be_found_when_it_is_allowed() -> None:
    assert refusal("http://maker.internal:8080/hooks", allow_private=True) is None
    assert refusal("ftp://maker.internal/", allow_private=True) is not None


def test_the_port_asked_for_is_the_url_s_own_or_its_scheme_s() -> None:
    names = Names({"shop.example": ["93.184.215.14"]})
    for url in ("https://shop.example/", "http://shop.example/", "http://shop.example:8080/"):
        assert asyncio.run(refuse_private(url, allow_private=False, resolve=names)) is None
    assert [port for _, port in names.asked] == [443, 80, 8080]


class House:
    """A server at two addresses of loopback; ``answers`` at the second alone. ``names`` says where the names point."""

    def __init__(self, names: Names, *allowed: str) -> None:
        self.names = names
        self.allowed = allowed
        self.reached: list[str] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.append(writer.get_extra_info("sockname")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def asked(self, host: str) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.2", 0)
        port = server.sockets[0].getsockname()[1]
        connector = public_connector(self.names, self.allowed.__contains__)
        async with (
            server,
            aiohttp.ClientSession(connector=connector) as session,
            session.post(f"http://{host}:{port}/hooks") as response,
        ):
            return response.status


def test_what_is_connected_to_is_what_was_looked_at() -> None:
    """The name is asked for once: one that answers otherwise a moment later (DNS rebinding) is not asked again."""
    house = House(Names({"shop.example": ["127.0.0.2"]}), "127.0.0.2")
    assert asyncio.run(house.asked("shop.example")) == 202
    assert (house.reached, len(house.names.asked)) == (["127.0.0.2"], 1)


def test_a_private_address_is_never_connected_to() -> None:
    house = House(Names({"shop.example": ["127.0.0.2", "169.254.169.254"]}), "127.0.0.2")
    with pytest.raises(TargetRefused, match="not on the public internet"):
        asyncio.run(house.asked("shop.example"))
    assert house.reached == []


@pytest.mark.parametrize("host", ["127.0.0.2", "127.2", "2130706434", "0x7f000002", "0177.2", "[::ffff:127.0.0.2]"])
def test_an_address_in_the_url_itself_is_looked_at_too(host: str) -> None:
    """No resolver is asked for it, and the system would read each of these spellings."""
    house = House(Names({}), "93.184.215.14")
    with pytest.raises((TargetRefused, aiohttp.ClientConnectorError, aiohttp.InvalidURL)):
        asyncio.run(house.asked(host))
    assert house.reached == []


def test_the_next_address_is_tried_and_a_name_that_is_not_found_is_a_failed_connection() -> None:
    house = House(Names({"shop.example": ["127.0.0.3", "127.0.0.2"]}), "127.0.0.3", "127.0.0.2")
    assert asyncio.run(house.asked("shop.example")) == 202
    assert house.reached == ["127.0.0.2"]
    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(House(Names({})).asked("shop.example"))
