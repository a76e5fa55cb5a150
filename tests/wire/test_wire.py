"""The wire that hurts: what it does to a conversation, and that it counts what it did. Seconds are real here."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from benchmarks.wire import AFTER, ANSWERS, ASKS, BEFORE, NOTHING, SILENCE, Injury, Wire, smtp_verb


class Echo:
    """A server that answers ``OK `` and the line for every line, and remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with suppress(OSError), line, line.makefile("rb") as told:
            for said in told:
                self.heard.append(said)
                line.sendall(b"OK " + said)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def wire(echo: Echo) -> Iterator[Wire]:
    with Wire("127.0.0.1", echo.port) as wire:
        yield wire


def called(wire: Wire, patience: float = 5.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=patience)


def asked(line: socket.socket, says: bytes) -> bytes:
    """The answer; empty where the connection ended instead."""
    line.sendall(says)
    return line.recv(1024)


def is_cut(line: socket.socket) -> bool:
    try:
        return line.recv(1024) == b""
    except ConnectionResetError:
        return True


def is_turned_away(wire: Wire) -> bool:
    """Whether a new connection ends before it carried anything; the reset may come while it is still being made."""
    try:
        with called(wire) as line:
            return is_cut(line)
    except ConnectionResetError:
        return True


def eventually(is_so: Callable[[], bool], patience: float = 5.0) -> bool:
    deadline = time.monotonic() + patience
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()


def test_all_passes_both_ways_until_something_is_switched(wire: Wire) -> None:
    with called(wire) as line:
        assert [asked(line, b"one\n"), asked(line, b"two\n")] == [b"OK one\n", b"OK two\n"]
        assert (wire.connections, wire.open_connections) == (1, 1)


def test_what_is_delayed_comes_later_and_not_before(wire: Wire) -> None:
    with called(wire) as line:
        asked(line, b"warm\n")
        wire.delay(0.3, ANSWERS)
        begun = time.monotonic()
        assert asked(line, b"one\n") == b"OK one\n"
        assert time.monotonic() - begun >= 0.3


def test_what_drips_comes_byte_by_byte_and_heals_at_once(wire: Wire) -> None:
    with called(wire) as line:
        wire.drip(20, ANSWERS)
        line.sendall(b"one\n")
        assert line.recv(1024) == b"O"
        wire.heal()
        rest = b""
        while len(rest) < len(b"K one\n"):
            rest += line.recv(1024)
        assert rest == b"K one\n"


def test_a_frozen_wire_keeps_what_it_is_told_and_forwards_it_when_it_heals(wire: Wire, echo: Echo) -> None:
    """The silence that costs most: everything can be connected to and written to, and nothing comes back."""
    with called(wire, 0.3) as line:
        wire.freeze()
        line.sendall(b"one\n")
        with pytest.raises(TimeoutError):
            line.recv(1024)
        assert echo.heard == []
        with called(wire) as another:
            another.sendall(b"two\n")
        wire.heal()
        line.settimeout(5)
        assert line.recv(1024) == b"OK one\n"


def test_one_way_may_be_frozen_alone(wire: Wire, echo: Echo) -> None:
    with called(wire, 0.3) as line:
        wire.freeze(ANSWERS)
        line.sendall(b"one\n")
        assert eventually(lambda: echo.heard == [b"one\n"])
        with pytest.raises(TimeoutError):
            line.recv(1024)


def test_a_cut_is_a_reset_of_every_open_connection(wire: Wire) -> None:
    with called(wire) as one, called(wire) as two:
        asked(one, b"one\n")
        asked(two, b"two\n")
        assert wire.cut() == 2
        for line in (one, two):
            with pytest.raises(ConnectionResetError):
                line.recv(1024)
        with called(wire) as three:
            assert asked(three, b"three\n") == b"OK three\n"


def test_what_is_frozen_can_be_cut(wire: Wire) -> None:
    with called(wire) as line:
        asked(line, b"one\n")
        wire.freeze()
        line.sendall(b"two\n")
        assert wire.cut() == 1
        assert is_cut(line)
        assert eventually(lambda: wire.open_connections == 0)


def test_a_refusing_wire_closes_new_connections_and_keeps_the_open_ones(wire: Wire) -> None:
    with called(wire) as line:
        asked(line, b"one\n")
        wire.refuse()
        assert is_turned_away(wire)
        assert asked(line, b"two\n") == b"OK two\n"
        wire.heal()
        with called(wire) as another:
            assert asked(another, b"three\n") == b"OK three\n"


def test_a_target_that_is_not_there_is_a_reset() -> None:
    with Wire("127.0.0.1", 1) as wire:
        assert is_turned_away(wire)
        assert wire.connections == 0


@pytest.mark.parametrize(
    ("injury", "heard"),
    [
        pytest.param(BEFORE, [b"begin\n"], id="before: the place is never heard"),
        pytest.param(AFTER, [b"begin\n", b"commit\n"], id="after: it is heard, and its answer is not"),
    ],
)
def test_a_strike_at_what_the_client_says(wire: Wire, echo: Echo, injury: Injury, heard: list[bytes]) -> None:
    strike = wire.strike("commit", ASKS, b"commit\n", injury)
    with called(wire) as line:
        assert asked(line, b"begin\n") == b"OK begin\n"
        line.sendall(b"commit\n")
        assert is_cut(line)
    assert eventually(lambda: echo.heard == heard)
    assert (strike.seen, strike.struck) == (1, 1)


def test_a_strike_at_the_answer_cuts_when_the_target_has_done_it(wire: Wire, echo: Echo) -> None:
    strike = wire.strike("commit answered", ANSWERS, b"OK commit", BEFORE)
    with called(wire) as line:
        line.sendall(b"commit\n")
        assert is_cut(line)
    assert (echo.heard, strike.struck) == ([b"commit\n"], 1)


def test_silence_at_a_place_leaves_the_connection_open(wire: Wire, echo: Echo) -> None:
    wire.strike("commit", ASKS, b"commit\n", SILENCE)
    with called(wire, 0.3) as line, called(wire) as another:
        line.sendall(b"commit\n")
        with pytest.raises(TimeoutError):
            line.recv(1024)
        assert asked(another, b"one\n") == b"OK one\n"
    assert echo.heard == [b"one\n"]


def test_a_place_in_two_parts_is_still_one(wire: Wire, echo: Echo) -> None:
    strike = wire.strike("commit", ASKS, b"commit\n", BEFORE)
    with called(wire) as line:
        line.sendall(b"com")
        time.sleep(0.1)
        line.sendall(b"mit\n")
        assert is_cut(line)
    assert (echo.heard, strike.struck) == ([], 1)


def test_what_comes_before_the_place_is_forwarded(wire: Wire, echo: Echo) -> None:
    wire.strike("commit", ASKS, b"commit\n", BEFORE)
    with called(wire) as line:
        line.sendall(b"begin\ncommit\nnever\n")
        assert eventually(lambda: echo.heard == [b"begin\n"])


@pytest.mark.parametrize(
    ("every", "most", "struck"),
    [(1, 1, [True, False, False, False]), (2, None, [False, True, False, True]), (2, 1, [False, True, False, False])],
)
def test_each_nth_is_struck_and_all_are_counted(wire: Wire, every: int, most: int | None, struck: list[bool]) -> None:
    strike = wire.strike("commit", ASKS, b"commit\n", BEFORE, every=every, most=most)
    seen = []
    for _ in range(4):
        with called(wire) as line:
            line.sendall(b"commit\n")
            seen.append(is_cut(line))
    assert (seen, strike.seen, strike.struck) == (struck, 4, sum(struck))
    wire.withdraw(strike)
    with called(wire) as line:
        assert asked(line, b"commit\n") == b"OK commit\n"
    assert strike.seen == 4


def test_a_place_may_be_a_pattern_or_what_a_function_finds(wire: Wire) -> None:
    data = wire.strike("DATA", ASKS, smtp_verb("DATA"), BEFORE)
    with called(wire) as line:
        assert asked(line, b"a database\r\n") == b"OK a database\r\n"
        line.sendall(b"data\r\n")
        assert is_cut(line)
    found = wire.strike("long", ASKS, lambda window: iter([(0, len(window))] if len(window) > 20 else []), BEFORE)
    with called(wire) as line:
        assert asked(line, b"short\n") == b"OK short\n"
        line.sendall(b"x" * 30 + b"\n")
        assert is_cut(line)
    assert (data.struck, found.struck) == (1, 1)


def test_what_is_only_counted_passes(wire: Wire) -> None:
    seen = wire.strike("seen", ANSWERS, b"OK two", NOTHING, most=None)
    with called(wire) as line:
        assert [asked(line, says) for says in (b"one\n", b"two\n", b"two\n")] == [b"OK one\n", b"OK two\n", b"OK two\n"]
    assert seen.struck == 2


def test_a_strike_is_of_the_connections_whose_client_began_with_its_words(wire: Wire) -> None:
    strike = wire.strike("theirs", ASKS, b"COMMIT", BEFORE, of=b"shukka-web")
    with called(wire) as ours, called(wire) as theirs:
        asked(ours, b"I am shukka-worker\n")
        asked(theirs, b"SSL?\n")
        asked(theirs, b"I am shukka-web\n")  # not the first thing that it said
        assert asked(ours, b"COMMIT\n") == b"OK COMMIT\n"
        theirs.sendall(b"COMMIT\n")
        assert is_cut(theirs)
    assert strike.struck == 1


def test_new_connections_can_be_led_elsewhere_and_open_ones_stay(wire: Wire, echo: Echo) -> None:
    other = Echo()
    with called(wire) as before:
        assert asked(before, b"one\n") == b"OK one\n"
        wire.divert(other.port)
        with called(wire) as since:
            assert asked(since, b"two\n") == b"OK two\n"
        assert asked(before, b"three\n") == b"OK three\n"
    wire.heal()
    with called(wire) as after:
        asked(after, b"four\n")
    other.close()
    assert (echo.heard, other.heard) == ([b"one\n", b"three\n", b"four\n"], [b"two\n"])


def test_a_wire_counts_what_it_held_up_cut_refused_or_led_elsewhere(wire: Wire) -> None:
    with called(wire) as line:
        asked(line, b"one\n")
        assert wire.hurt == 0
        wire.delay(0.01)
        asked(line, b"two\n")
        assert wire.hurt == 2  # what was asked, and what was answered
        wire.cut()
        assert wire.hurt == 3
    wire.refuse()
    assert is_turned_away(wire)
    assert wire.hurt == 4
