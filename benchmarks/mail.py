"""Handing mails to a mail server: the pool of the house beside smtplib on threads, and beside a minimal client that pipelines.

``python -m benchmarks.mail [--mails N] [--rounds N] [--connections N]``: the same rendered mail to the same sink, a process of its own that
answers once its journal is on the disk; the sink offers nothing, then PIPELINING, then CHUNKING too. All take turns in one run; the medians of
the rounds with their spread, the pool's ratio to its peer, and the processor time of this process a mail are printed. Exits 1 where a mail
is not taken, or a ratio falls short.

What it leaves out: the engine that leases mails and records their outcomes, the network, TLS, and a server that does anything with them.
"""

from __future__ import annotations

import argparse
import asyncio
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from pipelines.ports import Verdict
from pipelines.shops import load_shops
from workers.installation import INSTALLATION
from workers.mail import message, preview
from workers.mail.rendering import Renderer
from workers.mail.smtp import SmtpPool

SENDER, DOMAIN = "orders@mail.example", "mail.example"
#: What the pool's speed is to be, of its peer's, by what the sink offers.
BOUNDS = {"": 0.9, "PIPELINING": 0.8, "CHUNKING": 0.8}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to go."""

    envelope_from: str
    envelope_to: str
    raw: bytes


def _letter() -> Letter:
    shop = load_shops(installation=INSTALLATION)["salon"]
    sent = preview.raw(Renderer(SENDER, DOMAIN), shop, "order_accepted", "ja")
    return Letter(SENDER, "takahashi@example.jp", message.encoded(sent))


@contextmanager
def _sink(folder: Path, *offers: str) -> Iterator[int]:
    """The port of a sink that offers these extensions."""
    options = [option for offer in offers or ("",) for option in ("--offer", offer)]
    command = [sys.executable, "-m", "workers.sandbox.sink", "--journal", str(folder / "sink.jsonl"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(orjson.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()


Send = Callable[[int, Letter, int, int], None]
"""Sends a letter to the port so many times over so many connections. Raises RuntimeError if one is not taken."""


def pool(port: int, letter: Letter, mails: int, connections: int) -> None:
    """The house's own, each connection's next mail after the outcome of the one before, as the effect loop gives them."""

    async def run() -> None:
        pool = SmtpPool(f"smtp://127.0.0.1:{port}", size=connections, hello="bench", mails_per_connection=mails)
        left = iter(range(mails))

        async def channel() -> None:
            for _ in left:
                if (await pool.deliver(letter)).verdict is not Verdict.OK:
                    raise RuntimeError("a mail was not taken")

        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(channel())
        await pool.aclose()

    asyncio.run(run())


def by_smtplib(port: int, letter: Letter, mails: int, connections: int) -> None:
    """Python's own client, a thread and a connection each."""

    def client(left: Iterator[int]) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="bench") as smtp:
            for _ in left:
                smtp.sendmail(letter.envelope_from, [letter.envelope_to], letter.raw)

    _on_threads(client, mails, connections)


def by_pipelining(port: int, letter: Letter, mails: int, connections: int) -> None:
    """As little as a client can do that sends MAIL, RCPT and DATA together and waits for each mail's answer: two writes and two reads a
    mail on a bare socket, a thread each; it looks at no reply but for its code."""
    begin = f"MAIL FROM:<{letter.envelope_from}>\r\nRCPT TO:<{letter.envelope_to}>\r\nDATA\r\n".encode()
    whole = letter.raw.replace(b"\r\n.", b"\r\n..") + b".\r\n"

    def client(left: Iterator[int]) -> None:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _hear(line, b"220", 1)
            line.sendall(b"EHLO bench\r\n")
            _hear(line, b"250", 1)
            for _ in left:
                line.sendall(begin)
                _hear(line, b"354", 3)
                line.sendall(whole)
                _hear(line, b"250", 1)
            line.sendall(b"QUIT\r\n")

    _on_threads(client, mails, connections)


def _hear(line: socket.socket, code: bytes, replies: int) -> None:
    """Wait for so many replies, of which the last has ``code``."""
    heard = b""
    while not heard.endswith(b"\n") or sum(one[3:4] == b" " for one in heard.splitlines()) < replies:
        part = line.recv(65536)
        if not part:
            raise RuntimeError("the sink hung up")
        heard += part
    if not heard.splitlines().pop().startswith(code):
        raise RuntimeError("a mail was not taken")


def _on_threads(client: Callable[[Iterator[int]], None], mails: int, connections: int) -> None:
    left, failed = iter(range(mails)), []

    def run() -> None:
        try:
            client(left)
        except (OSError, RuntimeError, smtplib.SMTPException) as problem:
            failed.append(problem)

    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"a mail was not taken: {failed.pop()}")


@dataclass(slots=True)
class Runs:
    """What one client did in all rounds: mails a second, and processor milliseconds of this process a mail."""

    speeds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """The median."""
        return statistics.median(self.speeds)


#: Who sends, by what the sink offers and who it is; the pool is measured against the last of each.
_CLIENTS: dict[str, dict[str, Send]] = {
    "": {"pool": pool, "smtplib": by_smtplib},
    "PIPELINING": {"pool": pool, "pipelining client": by_pipelining},
    "CHUNKING": {"pool": pool, "pipelining client": by_pipelining},
}


def _measure(folder: Path, mails: int, rounds: int, connections: int) -> dict[str, dict[str, Runs]]:
    letter = _letter()
    print(f"{len(letter.raw):,} bytes a mail, {mails:,} mails a round over {connections} connections", flush=True)
    found: dict[str, dict[str, Runs]] = {offer: {name: Runs() for name in who} for offer, who in _CLIENTS.items()}
    offered = {"": (), "PIPELINING": ("PIPELINING",), "CHUNKING": ("PIPELINING", "CHUNKING")}
    for number in range(rounds + 1):  # the first warms up
        for offer, who in _CLIENTS.items():
            with _sink(folder, *offered[offer]) as port:
                for name, send in who.items():
                    began, spent = time.perf_counter(), time.process_time()
                    send(port, letter, mails, connections)
                    taken = time.perf_counter() - began
                    if number:
                        found[offer][name].speeds.append(mails / taken)
                        found[offer][name].costs.append((time.process_time() - spent) * 1000 / mails)
    return found


def _told(found: dict[str, dict[str, Runs]]) -> Sequence[float]:
    """Print every figure; the pool's ratios less what they are to be."""
    over = []
    for offer, who in found.items():
        print(f"sink that offers {offer or 'nothing'}")
        for name, runs in who.items():
            print(
                f"  {name:<20}{runs.speed:8.0f} mails/s ({min(runs.speeds):.0f} to {max(runs.speeds):.0f}), "
                f"{statistics.median(runs.costs):.3f} ms of a processor a mail"
            )
        peer = next(reversed(who.values()))
        ratio = who["pool"].speed / peer.speed
        print(f"  {'ratio':<20}{ratio:8.2f} (at least {BOUNDS[offer]})")
        over.append(ratio - BOUNDS[offer])
    return over


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shukka-bench-") as folder:
        found = _measure(Path(folder), asked.mails, asked.rounds, asked.connections)
    return 0 if min(_told(found)) >= 0 else 1


if __name__ == "__main__":
    sys.exit(main())
