"""All processes are replaced under load, and no request is lost: the short form of ``make rolling``."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rolling import measure
from pipelines.errors import Misconfigured
from workers.process.listening import handed_over, inherited, listening


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.timeout(400)
def test_no_request_is_lost_while_every_process_is_replaced() -> None:
    fates = measure(requests=100, rolls=1)
    assert (fates.faults, fates.refused, fates.broken) == (0, {}, {})
    assert fates.announced > 0, "the process that went said so"
    assert fates.stored == len(fates.accepted) > 0


def test_a_port_that_is_taken_is_refused_in_one_sentence() -> None:
    with listening("127.0.0.1", 0) as first, pytest.raises(Misconfigured, match="cannot be used"):
        listening("127.0.0.1", first.getsockname()[1])


def test_a_descriptor_that_does_not_listen_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(Misconfigured, match="is no socket that listens"):
        inherited(file.fileno())
    with socket.socket() as unbound, pytest.raises(Misconfigured, match="is no socket that listens"):
        inherited(unbound.fileno())


def test_what_systemd_hands_over_is_for_the_process_that_it_names() -> None:
    """sd_listen_fds(3): the variables stay in the environment of children, which are not meant."""
    assert handed_over({}) is None
    assert handed_over({"LISTEN_PID": "1", "LISTEN_FDS": "1"}) is None
    code = (
        "import os, sys\nfrom workers.process.listening import handed_over\n"
        "print(handed_over({'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': sys.argv[1]}))"
    )
    one, two = (
        subprocess.run([sys.executable, "-c", code, n], capture_output=True, text=True, check=False) for n in "12"
    )
    assert one.stdout == "3\n"
    assert "2 sockets were handed over; one is served" in two.stderr
